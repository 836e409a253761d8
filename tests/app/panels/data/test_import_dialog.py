"""Import dialog: the format before a folder is chosen, crowds, many classes, what is lost."""

from __future__ import annotations

import json

import numpy as np
import pytest
from parts import wait_until_idle, wheel_down
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from app.panels.data.class_map_table import ClassMapTable
from app.panels.data.export_dialog import ExportDialog
from app.panels.data.problem_list import ProblemList
from core.images.io import write_image
from core.system.messages import message


@pytest.fixture
def coco_folder(tmp_path):
    """One image with a polygon and a crowd beside it; one annotation is damaged."""
    folder = tmp_path / "数 据 coco"
    folder.mkdir()
    write_image(folder / "a.png", np.full((20, 30, 3), 90, np.uint8))
    crowd = {"size": [20, 30], "counts": [400, 100, 100]}
    annotations = [
        {"segmentation": [[1, 1, 9, 1, 9, 9, 1, 9]], "iscrowd": 0},
        {"segmentation": crowd, "iscrowd": 1},
        {"segmentation": [[1, 1]], "iscrowd": 0},
    ]
    data = {
        "images": [{"id": 1, "file_name": "a.png", "width": 30, "height": 20}],
        "categories": [{"id": 1, "name": "人群"}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, **one}
            for number, one in enumerate(annotations)
        ],
    }
    (folder / "instances.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


def imported_mask(application, dialog, qtbot) -> np.ndarray:
    project = application.context.project
    dialog.import_button.click()
    qtbot.waitUntil(lambda: project.counts().total == 1)
    qtbot.waitUntil(lambda: not isValid(dialog) or not dialog.isVisible())
    wait_until_idle(qtbot, application.window.work_area.panels["dataset"])
    return project.label_map(project.image_ids()[0])


def test_no_format_is_named_before_a_folder_is_read(application, tmp_path, qtbot):
    application.context.create_project(tmp_path / "p", "P")
    dialog = application.window.project_actions.show_import()
    assert dialog.format_box.currentText() == ""
    assert not dialog.format_box.isEnabled()
    dialog.set_folder(tmp_path / "没有 none")
    qtbot.waitUntil(dialog.format_box.isEnabled)
    assert dialog.format_box.currentText() == ""
    assert "没有 none" in dialog.hint.text()
    dialog.reject()


@pytest.mark.parametrize(("choice", "value"), [("ignore", 255), ("class", 1)])
def test_crowds_become_what_is_chosen(application, coco_folder, tmp_path, qtbot, choice, value):
    application.context.create_project(tmp_path / "项 目", "P")
    dialog = application.window.project_actions.show_import(coco_folder)
    qtbot.waitUntil(dialog.import_button.isEnabled)
    assert dialog.crowds.isVisible()
    assert dialog.crowd_label.text() == "Crowds (1)"
    assert dialog.crowd_box.currentData() == "ignore"
    dialog.crowd_box.setCurrentIndex(dialog.crowd_box.findData(choice))
    mask = imported_mask(application, dialog, qtbot)
    assert (mask[:, 20:25] == value).all()
    assert set(np.unique(mask)) == {0, 1, value}


def test_without_crowds_there_is_no_such_choice(application, seg_folder, tmp_path, qtbot):
    application.context.create_project(tmp_path / "项 目", "P")
    dialog = application.window.project_actions.show_import(seg_folder)
    qtbot.waitUntil(dialog.import_button.isEnabled)
    assert not dialog.crowds.isVisible()
    dialog.reject()


def test_what_is_lost_is_shown_and_copied(application, coco_folder, tmp_path, qtbot):
    application.context.create_project(tmp_path / "项 目", "P")
    dialog = application.window.project_actions.show_import(coco_folder)
    qtbot.waitUntil(dialog.import_button.isEnabled)
    assert dialog.report.isVisible()
    assert dialog.report.heading.text() == "1 thing cannot be taken over"
    qtbot.mouseClick(dialog.report.copy_button, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert copied == dialog.report.rows.item(0).text() + "\n"
    assert "damaged" in copied
    dialog.reject()


def test_many_problems_are_copied_in_full(qtbot):
    problems = ProblemList()
    qtbot.addWidget(problems)
    problems.show_problems(
        [message("{file} has no mask.", file=f"图 {n}.png") for n in range(2000)]
    )
    assert problems.rows.count() == 501
    assert "1,500 more" in problems.rows.item(500).text()
    problems.copy_button.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert (len(lines), lines[1999]) == (2000, "图 1999.png has no mask.")


def test_the_wheel_over_a_class_chooses_none(qtbot):
    table = ClassMapTable()
    qtbot.addWidget(table)
    table.resize(400, 200)
    names = [f"类别 {number}" for number in range(30)]
    table.set_classes(names, [], [])
    table.show()
    qtbot.waitExposed(table)
    box = table.cellWidget(1, 1)
    turn = wheel_down(box)
    QApplication.sendEvent(box, turn)
    assert table.class_map() == {name: name for name in names}
    assert not turn.isAccepted()  # so that it goes on to the table


def test_what_an_export_loses_is_copied_too(opened, tmp_path, qtbot):
    project = opened.context.project
    gone = project.images(limit=1)[0].path
    gone.unlink()
    panel = opened.window.work_area.panels["dataset"]
    panel.show_export()
    dialog = panel.findChild(ExportDialog)
    dialog.format_box.setCurrentIndex(dialog.format_box.findData("coco"))
    dialog.folder_edit.setText(str(tmp_path / "出 out"))
    dialog.export_button.click()
    qtbot.waitUntil(dialog.report.isVisible)
    assert not dialog.report.heading.isVisible()
    qtbot.mouseClick(dialog.report.copy_button, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert gone.name in copied
    assert copied.count("\n") == dialog.report.rows.count() == 1
    dialog.reject()
    wait_until_idle(qtbot, panel)


def test_a_folder_of_images_says_what_is_not_read(application, tmp_path, qtbot):
    application.context.create_project(tmp_path / "p", "P")
    folder = tmp_path / "照片"
    folder.mkdir()
    write_image(folder / "a.png", np.full((20, 30, 3), 90, np.uint8))
    (folder / "b.heic").touch()
    (folder / "._a.png").touch()
    dialog = application.window.project_actions.show_import()
    dialog.set_folder(folder)
    qtbot.waitUntil(dialog.import_button.isEnabled)
    assert "1 image" in dialog.summary.text()
    dialog.report.copy_button.click()
    assert "1 file of the type .heic is not read" in QGuiApplication.clipboard().text()


@pytest.fixture
def colored_folder(tmp_path):
    """Two images with masks in red, green and black that no file names."""
    folder = tmp_path / "彩色 masks"
    for number in range(2):
        mask = np.zeros((20, 30, 3), np.uint8)
        mask[2:8, 2:8] = (0, 0, 255)  # as OpenCV has it: red
        mask[10:15, 10:20] = (0, 255, 0)
        for place, pixels in (("images", np.full_like(mask, 90)), ("masks", mask)):
            (folder / place).mkdir(parents=True, exist_ok=True)
            write_image(folder / place / f"{number}.png", pixels)
    return folder


def named_dialog(application, colored_folder, tmp_path, qtbot):
    application.context.create_project(tmp_path / "项 目", "P")
    dialog = application.window.project_actions.show_import(colored_folder)
    qtbot.waitUntil(dialog.palette_table.isVisible)
    return dialog


def test_colours_that_no_file_names_are_named_by_the_keyboard(
    application, colored_folder, tmp_path, qtbot
):
    dialog = named_dialog(application, colored_folder, tmp_path, qtbot)
    table = dialog.palette_table
    assert [table.item(row, 0).text() for row in range(3)] == ["0,0,0", "0,255,0", "255,0,0"]
    assert [table.item(row, 1).text() for row in range(3)] == ["85.7 %", "8.3 %", "6.0 %"]
    assert table.item(1, 2).toolTip() == str(colored_folder / "images" / "0.png")
    assert table.cellWidget(0, 3).currentText() == "background"
    assert not dialog.palette_button.isEnabled()
    assert not dialog.import_button.isEnabled()
    qtbot.waitUntil(table.cellWidget(1, 3).hasFocus)
    qtbot.keyClicks(table.cellWidget(1, 3).lineEdit(), "dent")
    qtbot.keyClick(table.cellWidget(1, 3), Qt.Key.Key_Tab)
    assert table.cellWidget(2, 3).hasFocus()
    qtbot.keyClicks(table.cellWidget(2, 3).lineEdit(), "crack")
    assert dialog.palette_button.isEnabled()
    qtbot.keyClick(table.cellWidget(2, 3), Qt.Key.Key_Return)
    qtbot.waitUntil(dialog.import_button.isEnabled)
    assert dialog.class_map.class_map().keys() == {"background", "dent", "crack"}
    project = application.context.project
    dialog.import_button.click()
    qtbot.waitUntil(lambda: project.counts().total == 2)
    qtbot.waitUntil(lambda: not isValid(dialog) or not dialog.isVisible())
    wait_until_idle(qtbot, application.window.work_area.panels["dataset"])
    names = [label.name for label in project.labels()]
    mask = project.label_map(project.image_ids()[0])
    assert (mask[2:8, 2:8] == names.index("crack")).all()
    assert (mask[10:15, 10:20] == names.index("dent")).all()
    assert (mask == names.index("background")).sum() == 600 - 36 - 50


def test_colours_are_merged_and_ignored_and_named_again(
    application, colored_folder, tmp_path, qtbot
):
    dialog = named_dialog(application, colored_folder, tmp_path, qtbot)
    table = dialog.palette_table
    ignored = table.cellWidget(1, 3)
    ignored.setCurrentIndex(ignored.findData("__ignore__"))
    table.cellWidget(2, 3).setEditText(" background ")
    dialog.palette_button.click()
    qtbot.waitUntil(dialog.import_button.isEnabled)
    assert list(dialog.class_map.class_map()) == ["background"]
    mask = dialog._preview.result.items[0].mask()
    assert (mask[10:15, 10:20] == 255).all()
    assert (mask == 0).sum() == 550
    dialog.rename_button.click()
    assert table.isVisible()
    assert not dialog.import_button.isEnabled()
    assert table.cellWidget(1, 3).currentIndex() == ignored.findData("__ignore__")
    table.cellWidget(1, 3).setEditText("dent")
    dialog.palette_button.click()
    qtbot.waitUntil(dialog.import_button.isEnabled)
    assert list(dialog.class_map.class_map()) == ["background", "dent"]
    dialog.reject()
