"""Files and folders dropped onto the window."""

from __future__ import annotations

import pytest
from parts import wait_until_idle
from project_samples import write_images
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from app.panels.data.import_dialog import ImportDialog
from app.shell.new_project_dialog import NewProjectDialog
from core.project import Project


def drop(widget, *paths) -> bool:
    """Drag files over a widget and let go; return whether they were taken."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    over = QDragEnterEvent(
        QPoint(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, over)
    if not over.isAccepted():
        return False
    event = QDropEvent(
        QPoint(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


@pytest.fixture
def window(application):
    return application.window


def test_images_on_the_start_page_become_a_project(application, window, qtbot, tmp_path):
    folder = tmp_path / "磁 tiles"
    write_images(folder, 3)
    assert drop(window, folder)
    dialog = window.findChild(NewProjectDialog)
    dialog.labels_edit.setPlainText("Crack")
    dialog.folder_edit.setText(str(tmp_path / "projects"))
    qtbot.mouseClick(dialog.create_button, Qt.MouseButton.LeftButton)
    project = application.context.project
    assert project.name == "磁 tiles"
    area = window.work_area
    qtbot.waitUntil(lambda: area.current_panel.key == "labelling", timeout=20_000)
    assert project.counts().total == 3
    assert area.notice.text.text() == "3 images added."
    panel = area.panels["labelling"]
    qtbot.waitUntil(lambda: panel.editor.document is not None, timeout=20_000)
    assert panel.workspace.classes.name(panel.editor.class_id) == "Crack"
    wait_until_idle(qtbot, area.panels["dataset"])


def test_a_labelled_folder_becomes_a_project_with_its_labels(
    application, window, qtbot, tmp_path, seg_folder
):
    assert drop(window, seg_folder)
    dialog = window.findChild(NewProjectDialog)
    dialog.folder_edit.setText(str(tmp_path / "projects"))
    qtbot.mouseClick(dialog.create_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.findChild(ImportDialog) is not None, timeout=20_000)
    shown = window.findChild(ImportDialog)
    qtbot.waitUntil(lambda: shown.import_button.isEnabled(), timeout=20_000)
    qtbot.mouseClick(shown.import_button, Qt.MouseButton.LeftButton)
    project = application.context.project
    qtbot.waitUntil(lambda: project.counts().total == 12, timeout=20_000)
    wait_until_idle(qtbot, window.work_area.panels["dataset"])
    rail = window.work_area.rail
    qtbot.waitUntil(lambda: rail.next_button.text() == "Next: Train", timeout=20_000)
    assert project.counts().by_subset == {"train": 8, "val": 2, "test": 2, "none": 0}


def test_images_are_added_to_the_open_project_and_taken_back(opened, qtbot, tmp_path):
    window, project = opened.window, opened.context.project
    more = write_images(tmp_path / "more", 2)
    known = project.images()[0].path
    assert drop(window, *more, known)
    notice = window.work_area.notice
    qtbot.waitUntil(lambda: notice.text.text().startswith("2 images added."), timeout=20_000)
    assert "1 was there already" in notice.text.text()
    assert project.counts().total == 14
    notice.action.click()
    qtbot.waitUntil(lambda: project.counts().total == 12, timeout=20_000)
    wait_until_idle(qtbot, window.work_area.panels["dataset"])


def test_labels_are_shown_before_they_are_taken_over(opened, seg_folder, qtbot):
    window = opened.window
    assert drop(window, seg_folder)
    qtbot.waitUntil(lambda: window.findChild(ImportDialog) is not None, timeout=20_000)
    dialog = window.findChild(ImportDialog)
    qtbot.waitUntil(lambda: dialog.import_button.isEnabled(), timeout=20_000)
    assert dialog.format_box.currentData() == "seg"
    dialog.reject()


def test_a_project_is_opened(application, window, tmp_path, qtbot):
    Project.create(tmp_path / "项 a", "First").close()
    Project.create(tmp_path / "b", "Second").close()
    assert drop(window, tmp_path / "项 a")
    assert application.context.project.name == "First"
    assert drop(window, tmp_path / "b" / "project.db")
    assert application.context.project.name == "Second"


def test_what_is_no_image_is_said(opened, tmp_path, qtbot):
    (tmp_path / "notes.txt").write_text("nothing")
    assert drop(opened.window, tmp_path / "notes.txt")
    notice = opened.window.work_area.notice
    qtbot.waitUntil(lambda: "no image in notes.txt" in notice.text.text(), timeout=20_000)
    assert opened.context.project.counts().total == 12


def test_the_window_says_what_dropping_does(application, window, tmp_path):
    data = QMimeData()
    data.setText("only a text")
    over = QDragEnterEvent(
        QPoint(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    over.ignore()
    QApplication.sendEvent(window, over)
    hint = window.intake._hint
    assert not over.isAccepted() and not hint.isVisible()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    QApplication.sendEvent(window, over)
    assert hint.isVisible() and "make a project" in hint.text.text()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not hint.isVisible()
