"""The keyboard stays where it was while a button waits for its job."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.shell.focus_keeper import FocusKeeper


@pytest.fixture
def window(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    made.place, made.start, made.edit = QWidget(), QPushButton("Start"), QLineEdit()
    layout = QVBoxLayout(made)
    for part in (made.place, made.start, made.edit):
        layout.addWidget(part)
    FocusKeeper(made, lambda: made.place)
    made.show()
    made.activateWindow()
    made.start.setFocus()
    qtbot.waitUntil(made.start.hasFocus)
    return made


@pytest.mark.parametrize("leave", ["setEnabled", "setVisible"])
def test_a_button_gets_the_keyboard_back_and_nothing_else_gets_it_meanwhile(window, leave):
    getattr(window.start, leave)(False)
    assert QApplication.focusWidget() is window.place
    getattr(window.start, leave)(True)
    assert window.start.hasFocus()


def test_what_was_chosen_meanwhile_keeps_it(window):
    window.start.setEnabled(False)
    window.edit.setFocus()
    window.start.setEnabled(True)
    assert window.edit.hasFocus()


def test_going_on_by_tab_is_left_alone(window):
    window.start.focusNextChild()
    assert window.edit.hasFocus()


def test_a_button_that_is_gone_is_forgotten(window, qtbot):
    window.start.setEnabled(False)
    window.start.deleteLater()
    qtbot.wait(10)
    window.edit.setFocus()
    assert window.edit.hasFocus()
