"""Help → Check this computer: findings as they come, copied, saved, broken off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QLabel

from app.look import theme
from app.look.translation import set_language
from app.shell import computer_dialog
from app.shell.computer_dialog import ComputerDialog
from core.project import Project
from core.system.doctor.check import Check
from core.system.messages import message

FOUND = (
    Check("memory", "ok", message("{free} GiB free", free="7.5")),
    Check("display", "info", message("no display")),
    Check("fonts", "warning", message("no font has them"), (message("install <one>"),)),
    Check("engine", "error", message("it is broken"), (message("first"), message("then"))),
)


@pytest.fixture
def findings(monkeypatch):
    """What the doctor finds, and when it goes on."""
    go_on = threading.Event()
    asked: list[Path] = []

    def examine(folder: Path, *, stopped: Callable[[], bool]) -> Iterator[Check]:
        asked.append(folder)
        yield FOUND[0]
        while not go_on.wait(0.01):
            if stopped():
                return
        yield from FOUND[1:]

    monkeypatch.setattr(computer_dialog, "examine", examine)
    return asked, go_on


@pytest.fixture
def dialog(qtbot, findings, tmp_path):
    made = ComputerDialog(tmp_path)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def texts(dialog: ComputerDialog) -> list[str]:
    return [one.text() for one in dialog.list.widget().findChildren(QLabel) if one.text()]


def test_findings_come_one_by_one_with_their_way_out(dialog, findings, qtbot):
    qtbot.waitUntil(lambda: len(dialog.checks) == 1)
    assert dialog.bar.isVisible() and not dialog.again_button.isEnabled()
    assert texts(dialog) == ["Memory", "7.5 GiB free"]
    findings[1].set()
    qtbot.waitUntil(lambda: not dialog.bar.isVisible())
    assert texts(dialog)[4:] == [
        *("Chinese characters", "no font has them", "→ install <one>"),
        *("Training engine", "it is broken", "→ first", "→ then"),
    ]
    words = "1 thing must be put right. 1 thing should be looked at."
    assert dialog.summary.text() == words


def test_it_can_be_looked_at_again(dialog, findings, qtbot):
    findings[1].set()
    qtbot.waitUntil(dialog.again_button.isEnabled)
    qtbot.mouseClick(dialog.again_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dialog.again_button.isEnabled)
    assert len(dialog.checks) == len(FOUND)
    qtbot.waitUntil(lambda: texts(dialog).count("Memory") == 1)


def test_a_well_computer_is_said_to_be(qtbot, monkeypatch, tmp_path):
    monkeypatch.setattr(computer_dialog, "examine", lambda folder, stopped: iter(FOUND[:2]))
    dialog = ComputerDialog(tmp_path)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(dialog.again_button.isEnabled)
    assert dialog.summary.text() == "Everything needed is here."
    dialog.close()


def test_closing_does_not_wait_for_the_rest(dialog, qtbot):
    qtbot.waitUntil(lambda: len(dialog.checks) == 1)
    begun = time.monotonic()
    dialog.close()
    assert time.monotonic() - begun < 5  # nobody ever lets it go on
    qtbot.wait(50)
    assert len(dialog.checks) == 1


def test_the_text_is_copied_as_it_is_shown(dialog, findings, qtbot):
    findings[1].set()
    qtbot.waitUntil(dialog.again_button.isEnabled)
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].startswith("Maskwright · ")
    assert lines[2:] == [
        "ok Memory: 7.5 GiB free",
        "-- Display: no display",
        "!  Chinese characters: no font has them",
        "      install <one>",
        "X  Training engine: it is broken",
        "      first",
        "      then",
    ]
    assert dialog.copy_button.text() == "Copied"


def test_the_text_is_saved_where_the_user_says(dialog, findings, qtbot, monkeypatch, tmp_path):
    findings[1].set()
    qtbot.waitUntil(dialog.again_button.isEnabled)
    chosen = ["", str(tmp_path / "检查 1.txt"), str(tmp_path / "no folder" / "a.txt")]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (chosen.pop(0), ""))
    dialog.save_button.click()
    assert list(tmp_path.glob("*.txt")) == []
    dialog.save_button.click()
    assert (tmp_path / "检查 1.txt").read_text(encoding="utf-8") == dialog.as_text()
    dialog.save_button.click()
    assert "no folder" in dialog.problem.text.text()


def test_marks_follow_the_theme_and_texts_the_language(qapp, dialog, findings, qtbot):
    findings[1].set()
    qtbot.waitUntil(dialog.again_button.isEnabled)
    (mark, *_) = [one for one in dialog.list.widget().findChildren(QLabel) if not one.text()]
    before = mark.pixmap().toImage()
    theme.apply_theme(qapp, "dark")
    assert mark.pixmap().toImage() != before
    theme.apply_theme(qapp, "light")
    set_language("zh_CN")
    assert "内存" in dialog.as_text()


def test_the_menu_opens_it_for_the_folder_of_the_project(application, findings, tmp_path, qtbot):
    window, (asked, go_on) = application.window, findings
    go_on.set()
    window.top_bar.check_requested.emit()
    dialog = window.findChild(ComputerDialog)
    qtbot.waitUntil(dialog.again_button.isEnabled)
    dialog.close()
    Project.create(tmp_path / "项目", "Parts").close()
    window.projects.open_project(tmp_path / "项目")
    dialog = window.help.check_computer()
    qtbot.waitUntil(dialog.again_button.isEnabled)
    assert asked == [Path.home(), tmp_path / "项目"]
    dialog.close()


def test_a_window_that_closes_ends_it(application, findings, qtbot):
    dialog = application.window.help.check_computer()
    qtbot.waitUntil(lambda: len(dialog.checks) == 1)
    application.shut_down()
