"""Projects are made, opened, found again and left."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from core.project import Project


def test_new_project_dialog_creates_and_opens(application, tmp_path, qtbot):
    window = application.window
    dialog = window.projects.show_new_project()
    assert not dialog.create_button.isEnabled()
    dialog.name_edit.setText("Blech: 1/2")
    dialog.folder_edit.setText(str(tmp_path / "项 目"))
    dialog.labels_edit.setPlainText("background\n\nscratch\n")
    qtbot.mouseClick(dialog.create_button, Qt.MouseButton.LeftButton)
    project = application.context.project
    assert project is not None
    assert project.name == "Blech: 1/2"
    assert project.folder == tmp_path / "项 目" / "Blech_ 1_2"
    assert [label.name for label in project.labels()] == ["background", "scratch"]
    assert window.work_area.isVisible()
    assert window.windowTitle().startswith("Blech: 1/2")
    assert application.context.settings.recent_projects == [project.folder]


def test_a_folder_in_use_is_refused_with_one_sentence(application, tmp_path, qtbot):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    dialog = application.window.projects.show_new_project()
    dialog.name_edit.setText("full")
    dialog.folder_edit.setText(str(tmp_path))
    dialog.accept()
    (bar,) = application.window.start_page.problems.bars
    assert "not empty" in bar.text.text()
    assert bar.isVisible()
    assert application.context.project is None
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"


def test_recent_project_opens_and_can_be_forgotten(application, tmp_path):
    Project.create(tmp_path / "old", "Old one").close()
    window = application.window
    window.projects.open_project(tmp_path / "old")
    assert window.top_bar.project_button.text() == "Old one"
    window.top_bar.close_requested.emit()
    assert application.context.project is None
    assert window.home.isVisible()
    window.home.forget_requested.emit(tmp_path / "old")
    assert application.context.settings.recent_projects == []
    assert (tmp_path / "old" / "project.db").exists()


def test_a_project_of_another_window_opens_for_reading_and_says_so(application, tmp_path):
    window, context = application.window, application.context
    with Project.create(tmp_path / "busy"):
        window.projects.open_project(tmp_path / "busy")
        assert context.project.read_only
        assert "only for reading" in window.top_bar.project_button.text()
        banner = window.work_area.banner
        assert banner.isVisible()
        assert "another window" in banner.text.text()
        assert "looked at" in banner.hint.text()
        window.work_area.show_panel("model")
        assert not window.work_area.panels["model"].start_button.isEnabled()
        context.import_requested.emit()
        assert "reading only" in window.work_area.notice.text.text()
        banner.write_button.click()
        assert context.project.read_only, "the other window still has it"
        assert banner.isVisible()
    banner.write_button.click()
    assert not context.project.read_only
    assert banner.isHidden()
    context.close_project()
    context.open_project(tmp_path / "busy")
    assert banner.isHidden()


def test_a_project_that_was_moved_is_located(application, tmp_path, monkeypatch):
    Project.create(tmp_path / "old", "Parts").close()
    window, context = application.window, application.context
    context.settings.add_recent(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    window.projects.open_project(tmp_path / "old")
    (bar,) = window.start_page.problems.bars
    assert str(tmp_path / "old") in bar.text.text()
    asked = []

    def choose(_owner, title, start):
        asked.append((title, start))
        return str(tmp_path / "new")

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", choose)
    bar.buttons[0].click()
    assert asked == [("Where is old now?", str(tmp_path))]
    assert context.project.folder == tmp_path / "new"
    assert context.settings.recent_projects == [tmp_path / "new"]
    assert window.start_page.problems.bars == []
