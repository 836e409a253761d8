"""Hints of words: wherever they stand, whatever has no tooltip of its own; a click leads on."""

from __future__ import annotations

import pytest
import window_texts
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.widgets.layout import button, label
from app.widgets.term_hints import TermHints
from app.widgets.term_label import TermLabel

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def window(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    made.caption = label("Best mIoU", "muted")
    made.sentence = label("Lower: more is found, and more false alarms. " * 3, wrap=True)
    made.plain = label("Open the folder")
    made.number = label("0.53")
    made.number.setAccessibleName("Kappa")
    made.button = button("Prune", tooltip="Make it smaller")
    made.box = QComboBox()
    made.box.addItems(["all subsets", "nothing"])
    made.rate = QDoubleSpinBox()
    made.rate.setAccessibleName("Learning rate")
    made.tabs = QTabWidget()
    for title in ("Masks", "Sensitivity"):
        made.tabs.addTab(QWidget(), title)
    made.table = QTableWidget(1, 2)
    made.table.setHorizontalHeaderLabels(["Class", "IoU"])
    layout = QVBoxLayout(made)
    for part in (
        made.caption, made.sentence, made.plain, made.number, made.button, made.box, made.rate,
        made.tabs, made.table,
    ):  # fmt: skip
        layout.addWidget(part)
    made.hints = TermHints(made)
    made.resize(GRID * 60, GRID * 90)
    made.show()
    return made


@pytest.mark.parametrize(
    ("part", "place", "said"),
    [
        ("caption", (5, 5), "mIoU: The IoU averaged"),
        ("sentence", (5, 5), "False alarm: "),
        ("number", (5, 5), "Kappa: "),
        ("button", (5, 5), "Make it smaller\nPruning: "),
        ("box", (5, 5), "Subset: "),
        ("rate", (5, 5), "Learning rate: "),
    ],
)
def test_what_is_written_is_explained(window, part, place, said):
    assert window_texts.asked(getattr(window, part), QPoint(*place)).startswith(said)


def test_tabs_and_titles_of_columns_are_explained_each_by_itself(window):
    bar = window.tabs.tabBar()
    assert window_texts.asked(bar, bar.tabRect(1).center()).startswith("Sensitivity: ")
    assert window_texts.asked(bar, bar.tabRect(0).center()) == ""
    header = window.table.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(1) + 5, 5)
    assert window_texts.asked(header, place).startswith("IoU: ")
    window.table.setItem(0, 1, QTableWidgetItem("0.53"))  # a number is what its column says
    cell = window.table.visualItemRect(window.table.item(0, 1)).center()
    assert window_texts.asked(window.table, cell).startswith("IoU: ")


def test_other_texts_say_nothing(window):
    assert window_texts.asked(window.plain, QPoint(5, 5)) == ""
    window.box.setCurrentIndex(1)
    assert window_texts.asked(window.box, QPoint(5, 5)) == ""


def test_a_click_on_an_underlined_word_leads_to_its_entry(window, qtbot):
    chosen = []
    window.hints.term_chosen.connect(chosen.append)
    caption = window.caption
    assert isinstance(caption, TermLabel) and not isinstance(window.plain, TermLabel)
    metrics = caption.fontMetrics()
    word = metrics.horizontalAdvance("Best ") + metrics.horizontalAdvance("mIoU") // 2
    for x in (3, word):
        qtbot.mouseClick(caption, Qt.MouseButton.LeftButton, pos=QPoint(x, 5))
    assert chosen == ["miou"]


def test_what_has_the_keyboard_is_explained(window, qtbot):
    window.activateWindow()
    window.rate.setFocus()
    qtbot.waitUntil(window.rate.hasFocus)
    assert window.hints.current_term() == "learning_rate"
    window.button.setFocus()
    assert window.hints.current_term() == "pruning"


def test_words_are_underlined_and_nothing_else(window):
    caption = window.caption
    picture = caption.grab().toImage()
    bare = label("Best xIoU", "muted")
    bare.resize(caption.size())
    other = bare.grab().toImage()
    below = range(caption.height() // 2 + 5, caption.height())
    start = caption.fontMetrics().horizontalAdvance("Best ")

    def ink(image, columns):
        return sum(image.pixelColor(x, y) != image.pixelColor(0, 0) for x in columns for y in below)

    columns = range(start, caption.fontMetrics().horizontalAdvance(caption.text()))
    assert ink(picture, columns) > ink(other, columns) + 5
    assert abs(ink(picture, range(start)) - ink(other, range(start))) <= 1


def test_f1_in_a_dialog_leads_to_the_word_in_question(window, qtbot):
    chosen = []
    TermHints(window, key="F1").term_chosen.connect(chosen.append)
    window.activateWindow()
    window.rate.setFocus()
    qtbot.waitUntil(window.rate.hasFocus)
    qtbot.keyClick(window.rate, Qt.Key.Key_F1)
    assert chosen == ["learning_rate"]
