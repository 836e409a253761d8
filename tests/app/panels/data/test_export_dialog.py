"""Export of labels, and import of what other tools write."""

from __future__ import annotations

import pytest
from parts import make_seg_folder, wait_until_idle
from PySide6.QtCore import Qt
from shiboken6 import isValid

from app.panels.data.export_dialog import ExportDialog
from core.data.formats import registry
from core.project import Project


@pytest.fixture
def panel(opened):
    return opened.window.work_area.panels["dataset"]


def is_closed(dialog) -> bool:
    return not isValid(dialog) or not dialog.isVisible()


def open_dialog(panel, qtbot, key, folder) -> ExportDialog:
    wait_until_idle(qtbot, panel)
    qtbot.mouseClick(panel._inspector.export_button, Qt.MouseButton.LeftButton)
    dialog = panel.findChild(ExportDialog)
    assert not dialog.export_button.isEnabled()
    dialog.format_box.setCurrentIndex(dialog.format_box.findData(key))
    dialog.folder_edit.setText(str(folder))
    assert dialog.export_button.isEnabled()
    return dialog


def test_every_format_is_offered_and_coco_is_written(opened, panel, tmp_path, qtbot):
    target = tmp_path / "导出 coco"
    dialog = open_dialog(panel, qtbot, "coco", target)
    keys = [dialog.format_box.itemData(n) for n in range(dialog.format_box.count())]
    assert keys == [one.key for one in registry.WRITABLE]
    qtbot.mouseClick(dialog.export_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: is_closed(dialog))
    project = opened.context.project
    back = registry.read("coco", target)
    assert {item.image_path.name for item in back.items} == {
        item.image_path.name for item in project.labelled_dataset().items
    }
    assert back.labels == [label.name for label in project.labels()]


def test_what_is_lost_is_shown(opened, panel, tmp_path, qtbot):
    project = opened.context.project
    gone = project.labelled_dataset().items[0].image_path
    gone.rename(gone.with_suffix(".away"))
    dialog = open_dialog(panel, qtbot, "voc", tmp_path / "out")
    qtbot.mouseClick(dialog.export_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.report.rows.count() == 1)
    assert gone.name in dialog.report.rows.item(0).text()
    assert dialog.summary.text() == "Exported; 1 thing could not be carried over:"
    assert not dialog.export_button.isVisible()
    dialog.reject()


def test_a_folder_with_files_is_refused_and_stays(opened, panel, tmp_path, qtbot):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    dialog = open_dialog(panel, qtbot, "cvat", tmp_path / "full")
    qtbot.mouseClick(dialog.export_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dialog.problem.isVisible)
    assert "is not empty" in dialog.problem.text.text()
    assert dialog.export_button.isEnabled()
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    dialog.reject()


@pytest.mark.parametrize("key", ["coco", "cvat", "yolo", "voc", "eiseg", "cityscapes"])
def test_other_formats_are_recognised_by_the_import(application, tmp_path, qtbot, key):
    source = make_seg_folder(tmp_path / "源", count=12)
    registry.write(key, registry.read("seg", source), tmp_path / "外 来")
    application.context.create_project(tmp_path / "p", "P")
    dialog = application.window.project_actions.show_import(tmp_path / "外 来")
    qtbot.waitUntil(lambda: dialog.import_button.isEnabled())
    assert dialog.format_box.currentData() == key
    assert dialog.class_map.rowCount() == 3
    qtbot.mouseClick(dialog.import_button, Qt.MouseButton.LeftButton)
    project: Project = application.context.project
    qtbot.waitUntil(lambda: project.counts().total == 12 and is_closed(dialog))
    project.undo_last_import()
    assert project.counts().total == 0
    assert project.labels() == ()
    wait_until_idle(qtbot, application.window.work_area.panels["dataset"])
