"""Dataset panel: import, grid, filters, findings, split, the large view."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
from draft_parts import settle
from parts import LABELS, wait_until_idle
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QPushButton
from shiboken6 import isValid

from app.panels.base import StepState
from app.panels.data import large_view as dataset_viewer
from app.panels.data import project_queries as dataset_work
from app.panels.data.finding_actions import ACTIONS, action_text
from app.panels.data.import_dialog import ImportDialog
from app.services.targets import ShowDataset
from app.widgets import dialogs
from app.widgets.image_model import ROW_ROLE
from core.annotation.uncertainty import Uncertainty
from core.data.validation import Finding
from core.images.io import write_image
from core.project import Dropped, ImageQuery
from core.system.messages import message

ROOT = Path(__file__).parents[4]


@pytest.fixture
def panel(opened):
    return opened.window.work_area.panels["dataset"]


def is_closed(dialog) -> bool:
    return not isValid(dialog) or not dialog.isVisible()


def press(panel, finding: str, text: str) -> None:
    """Press the button of a finding that says this."""
    for one in panel._inspector.findings.findChildren(QPushButton):
        if finding in one.accessibleDescription() and one.text() == text:
            one.click()
            return
    raise AssertionError(f"no button {text!r} for {finding!r}")


def shown(panel) -> list[str]:
    model = panel.grid.images
    return [model.row(place).name for place in range(model.rowCount())]


def test_empty_project_says_the_one_thing_to_do(application, tmp_path, qtbot):
    application.context.create_project(tmp_path / "e", "Empty")
    panel = application.window.work_area.panels["dataset"]
    wait_until_idle(qtbot, panel)
    assert panel.empty.isVisible()
    assert panel.status().state is StepState.NEXT
    qtbot.mouseClick(panel.empty.button, Qt.MouseButton.LeftButton)
    dialog = application.window.findChild(ImportDialog)
    assert dialog.isVisible()
    dialog.reject()


def test_import_dialog_previews_maps_classes_and_imports(application, seg_folder, tmp_path, qtbot):
    application.context.create_project(tmp_path / "项目", "P", labels=["background", "defect"])
    (seg_folder / "train_list.txt").open("a").write("images/gone.png masks/gone.png\n")
    dialog = application.window.project_actions.show_import(seg_folder)
    qtbot.waitUntil(lambda: dialog.import_button.isEnabled())
    assert dialog.format_box.currentData() == "seg"
    assert dialog.summary.text().startswith("12 images · 12 masks · Training 8")
    assert dialog.report.rows.count() == 1
    assert "gone.png" in dialog.report.rows.item(0).text()
    boxes = dialog.class_map._boxes
    assert boxes[0].currentText() == "background"
    boxes[1].setCurrentIndex(boxes[1].findData("defect"))
    boxes[2].setCurrentIndex(boxes[2].findText("Ignore these pixels (255)"))
    assert dialog.class_map.class_map() == {
        "background": "background",
        "scratch": "defect",
        "pit": Dropped.IGNORE,
    }
    qtbot.mouseClick(dialog.import_button, Qt.MouseButton.LeftButton)
    project = application.context.project
    qtbot.waitUntil(lambda: project.counts().total == 12 and is_closed(dialog))
    assert [label.name for label in project.labels()] == ["background", "defect"]
    values = {int(v) for id_ in project.image_ids() for v in np.unique(project.label_map(id_))}
    assert values == {0, 1, 255}
    wait_until_idle(qtbot, application.window.work_area.panels["dataset"])


def test_a_class_can_be_left_out_of_an_import(application, seg_folder, tmp_path, qtbot):
    application.context.create_project(tmp_path / "项目", "P", labels=["background"])
    dialog = application.window.project_actions.show_import(seg_folder)
    qtbot.waitUntil(lambda: dialog.import_button.isEnabled())
    box = dialog.class_map._boxes[1]
    box.setCurrentIndex(box.findText("Leave out (background)"))
    assert dialog.class_map.class_map()["scratch"] is Dropped.BACKGROUND
    qtbot.mouseClick(dialog.import_button, Qt.MouseButton.LeftButton)
    project = application.context.project
    qtbot.waitUntil(lambda: project.counts().total == 12 and is_closed(dialog))
    assert [label.name for label in project.labels()] == ["background", "pit"]
    values = {int(v) for id_ in project.image_ids() for v in np.unique(project.label_map(id_))}
    assert values <= {0, 1, 255}
    assert {0, 1} <= values
    wait_until_idle(qtbot, application.window.work_area.panels["dataset"])


def test_labelme_and_plain_folders_are_recognised(application, tmp_path, qtbot):
    folder = tmp_path / "标注 labelme"
    folder.mkdir()
    write_image(folder / "a.png", np.full((20, 30, 3), 90, np.uint8))
    shape = {"label": "dent", "shape_type": "polygon", "points": [[2, 2], [20, 2], [20, 15]]}
    data = {
        "imagePath": "a.png",
        "imageData": None,
        "imageHeight": 20,
        "imageWidth": 30,
        "shapes": [shape],
        "flags": {},
        "version": "5.5.0",
    }
    (folder / "a.json").write_text(json.dumps(data))
    application.context.create_project(tmp_path / "p", "P")
    dialog = application.window.project_actions.show_import(folder)
    qtbot.waitUntil(lambda: dialog.import_button.isEnabled())
    assert dialog.format_box.currentData() == "labelme"
    dialog.reject()
    (folder / "a.json").unlink()
    dialog = application.window.project_actions.show_import(folder)
    qtbot.waitUntil(lambda: dialog.import_button.isEnabled())
    assert dialog.format_box.currentData() == "images"
    assert dialog.summary.text() == "1 image"
    dialog.import_button.click()
    qtbot.waitUntil(lambda: application.context.project.counts().total == 1)
    qtbot.waitUntil(lambda: is_closed(dialog))
    wait_until_idle(qtbot, application.window.work_area.panels["dataset"])


def test_images_inside_labelme_files_go_to_the_project_only_on_import(application, tmp_path, qtbot):
    folder = tmp_path / "标注"
    folder.mkdir()
    write_image(tmp_path / "b.png", np.full((20, 30, 3), 90, np.uint8))
    shape = {"label": "dent", "shape_type": "rectangle", "points": [[2, 2], [20, 15]]}
    data = {
        "imagePath": "b.png",
        "imageData": base64.b64encode((tmp_path / "b.png").read_bytes()).decode(),
        "imageHeight": 20,
        "imageWidth": 30,
        "shapes": [shape],
    }
    (folder / "b.json").write_text(json.dumps(data))
    application.context.create_project(tmp_path / "p", "P")
    project = application.context.project
    dialog = application.window.project_actions.show_import(folder)
    qtbot.waitUntil(lambda: dialog.import_button.isEnabled())
    assert not (project.folder / "images").exists()
    dialog.import_button.click()
    qtbot.waitUntil(lambda: project.counts().total == 1 and is_closed(dialog))
    row = project.images()[0]
    assert row.path.is_relative_to(project.folder / "images")
    assert set(np.unique(project.label_map(row.id))) == {0, 1}
    assert list(folder.iterdir()) == [folder / "b.json"]
    wait_until_idle(qtbot, application.window.work_area.panels["dataset"])


def test_a_folder_without_anything_is_explained_in_the_dialog(application, tmp_path, qtbot):
    application.context.create_project(tmp_path / "p", "P")
    (tmp_path / "void").mkdir()
    dialog = application.window.project_actions.show_import(tmp_path / "void")
    qtbot.waitUntil(lambda: "no image" in dialog.hint.text())
    assert not dialog.import_button.isEnabled()
    dialog.reject()


def test_grid_shows_all_images_with_their_masks(panel, qtbot):
    assert len(shown(panel)) == 12
    assert shown(panel)[:3] == ["part_0_0.png", "part_0_1.png", "part_1_0.png"]
    qtbot.waitUntil(lambda: len(panel._loader._cache) == 12)
    made = next(iter(panel._loader._cache.values()))
    assert made.image is not None and made.mask is not None
    index = panel.grid.images.index(0)
    area = panel.grid.visualRect(index)
    row = index.data(ROW_ROLE)
    assert row.subset == "train"

    def color_at(opacity: float) -> QColor:
        panel.grid.set_opacity(opacity)
        picture = panel.grid.viewport().grab().toImage()
        scale = area.width() / 48
        return picture.pixelColor(area.topLeft() + QPoint(round(10 * scale), area.height() // 2))

    bare, covered = color_at(0.0), color_at(1.0)
    assert bare != covered
    expected = QColor(*panel._summary.labels[1].color)
    assert abs(covered.red() - expected.red()) < 12
    assert abs(covered.green() - expected.green()) < 12


def test_filters_by_subset_class_state_and_text(panel, qtbot, opened):
    panel.filters.subset.setCurrentIndex(panel.filters.subset.findData("val"))
    wait_until_idle(qtbot, panel)
    assert shown(panel) == ["part_2_0.png", "part_5_0.png"]
    assert panel.filters.count.text() == "2 of 12 images"
    panel.filters.subset.setCurrentIndex(panel.filters.subset.findData(None))
    panel._inspector.classes.class_chosen.emit(2)
    wait_until_idle(qtbot, panel)
    assert shown(panel) == [f"part_{number}_1.png" for number in range(6)]
    panel.filters.set_class(None)
    opened.window.top_bar.search.setText("part_3")
    qtbot.waitUntil(lambda: len(shown(panel)) == 2)
    opened.window.top_bar.search.clear()
    qtbot.waitUntil(lambda: len(shown(panel)) == 12)
    panel.filters.state.setCurrentIndex(panel.filters.state.findData("unlabelled"))
    wait_until_idle(qtbot, panel)
    assert shown(panel) == []
    assert panel._no_match.isVisible()


def test_class_list_counts_pixels_and_images(panel):
    facts = panel._summary.class_facts()
    assert [fact.label.name for fact in facts] == list(LABELS)
    assert [fact.images for fact in facts] == [12, 6, 6]
    assert sum(fact.share for fact in facts) == pytest.approx(1.0)
    assert facts[0].share > 0.8


def test_findings_lead_to_their_images(panel, opened, qtbot):
    row = opened.context.project.images()[3]
    row.path.rename(row.path.with_suffix(".hidden"))
    panel._on_check_clicked()
    wait_until_idle(qtbot, panel)
    assert any("not there any more" in text for text in panel._inspector.findings.texts)
    press(panel, "not there any more", "Show the images")
    wait_until_idle(qtbot, panel)
    assert shown(panel) == [row.name]
    panel.filters.finding.click()
    wait_until_idle(qtbot, panel)
    assert len(shown(panel)) == 12


def test_a_split_keeps_groups_and_is_undone(panel, opened, qtbot):
    project = opened.context.project
    before = {row.name: row.subset for row in project.images()}
    box = panel._inspector.split
    box.pattern.setText(r"(part_\d+)_")
    assert "part_0_0.png → group “part_0”" in box.example.text()
    box.val.setValue(30)
    box.test.setValue(20)
    assert box.keep_test.isVisibleTo(box) and box.keep_test.isChecked()
    box.keep_test.click()
    box.button.click()
    wait_until_idle(qtbot, panel)
    after = {row.name: row.subset for row in project.images()}
    assert {"train", "val", "test"} == set(after.values())
    for number in range(6):
        assert after[f"part_{number}_0.png"] == after[f"part_{number}_1.png"]
    notice = opened.window.work_area.notice
    assert notice.text.text().startswith("Divided: ") and notice.isVisible()
    notice.action.click()
    wait_until_idle(qtbot, panel)
    assert {row.name: row.subset for row in project.images()} == before
    box.pattern.setText("(")
    assert not box.button.isEnabled()
    assert box.example.text().startswith("Not a regular expression")


def test_selection_shows_facts_and_changes_are_saved(panel, opened, qtbot):
    panel.grid.select_image(panel.grid.images.row(0).id)
    facts = panel._inspector.facts
    qtbot.waitUntil(lambda: "scratch" in facts.content.text())
    assert facts.name.text() == "part_0_0.png"
    facts.subset.setCurrentIndex(facts.subset.findData("test"))
    facts.subset.activated.emit(facts.subset.currentIndex())
    facts.comment.setText("看一下")
    facts.comment.editingFinished.emit()
    facts.flag.click()
    wait_until_idle(qtbot, panel)
    row = opened.context.project.images()[0]
    assert (row.subset, row.comment, row.flagged) == ("test", "看一下", True)
    assert panel.grid.current_row().id == row.id, "the selection survives the refresh"


def test_removing_deletes_no_file_and_is_undone_in_one_line(panel, opened, qtbot):
    row = panel.grid.images.row(1)
    panel.grid.select_image(row.id)
    panel._inspector.facts.remove_button.click()
    wait_until_idle(qtbot, panel)
    assert row.name not in shown(panel)
    assert row.path.exists()
    opened.window.work_area.notice.action.click()
    wait_until_idle(qtbot, panel)
    assert row.name in shown(panel)
    assert opened.context.project.image(row.id) == row


def test_the_last_import_can_be_undone(panel, opened, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(dialogs, "ask", lambda _w, text, **_k: asked.append(text) or True)
    paths = [row.path for row in opened.context.project.images()]
    opened.window.top_bar.undo_action.trigger()
    qtbot.waitUntil(lambda: not shown(panel) and panel.empty.isVisible())
    wait_until_idle(qtbot, panel)
    assert "数据 set" in asked[0]
    assert all(path.exists() for path in paths)


def test_large_view_steps_through_images(panel, qtbot):
    panel.grid.select_image(panel.grid.images.row(0).id)
    qtbot.keyClick(panel.grid, Qt.Key.Key_Return)
    wait_until_idle(qtbot, panel)
    assert panel.viewer.isVisible()
    assert panel.viewer._image.image.shape == (32, 48, 3)
    qtbot.keyClick(panel.viewer, Qt.Key.Key_Right)
    wait_until_idle(qtbot, panel)
    assert panel._viewer_page.name.text() == "part_0_1.png"
    assert set(np.unique(panel.viewer._mask.image)) == {0, 2, 255}
    qtbot.keyClick(panel.viewer, Qt.Key.Key_Escape)
    assert panel.grid.isVisible()


def test_the_large_view_of_a_huge_image_is_halved_until_it_is_fit(panel, qtbot, monkeypatch):
    monkeypatch.setattr(dataset_viewer, "MOST_PIXELS", 200)
    monkeypatch.setattr(dataset_work, "MOST_PIXELS", 200)
    monkeypatch.setattr("core.annotation.image_pyramid._SMALLEST_LEVEL", 8)
    panel.grid.select_image(panel.grid.images.row(0).id)
    qtbot.keyClick(panel.grid, Qt.Key.Key_Return)
    assert panel._viewer_page.name.text() == "part_0_0.png · loading …"
    wait_until_idle(qtbot, panel)
    assert panel._viewer_page.name.text() == "part_0_0.png · shown at 1/4 of its size"
    viewer = panel.viewer
    assert viewer._image.image.shape == (8, 12, 3)
    assert viewer._mask.image.shape == (8, 12)
    for item in (viewer._image, viewer._mask):
        assert item.mapRectToParent(item.boundingRect()) == QRectF(0, 0, 48, 32)


def test_navigation_from_another_panel(panel, opened, qtbot):
    path = opened.context.project.images()[4].path
    opened.context.navigate(ShowDataset(path))
    wait_until_idle(qtbot, panel)
    assert panel._viewer_page.name.text() == path.name
    panel.viewer.closed.emit()
    panel.filters.set_class(1)
    wait_until_idle(qtbot, panel)
    assert len(shown(panel)) == 6


def test_an_unreadable_image_does_not_take_the_grid_down(panel, opened, qtbot):
    row = opened.context.project.images()[0]
    row.path.write_bytes(b"not an image")
    panel._loader.set_project(opened.context.project)
    panel.grid.viewport().update()
    qtbot.waitUntil(lambda: len(panel._loader._cache) == 12)
    broken = next(v for k, v in panel._loader._cache.items() if k[0] == row.id)
    assert broken.image is None
    assert row.path.name in broken.error


def test_images_without_masks_can_be_labelled(application, tmp_path, qtbot):
    folder = tmp_path / "图 a"
    folder.mkdir()
    write_image(folder / "a.png", np.zeros((8, 9, 3), np.uint8))
    application.context.create_project(tmp_path / "p", "P")
    application.context.project.add_images([folder / "a.png"])
    application.context.dataset_changed.emit()
    panel = application.window.work_area.panels["dataset"]
    wait_until_idle(qtbot, panel)
    assert panel.status().state is StepState.DONE
    rail = application.window.work_area.rail
    qtbot.waitUntil(lambda: rail.next_button.text() == "Next: Label", timeout=20_000)
    assert rail._entries["label"].reason.text() == "1 of 1 image to label"


def test_how_many_labels_are_enough_follows_the_labelling(panel, opened, qtbot):
    box = panel.inspector().needs
    assert box.texts == ["scratch: 4 of about 10", "pit: 4 of about 10"]
    assert not box.next_button.isVisibleTo(panel.inspector())  # every image has labels
    project = opened.context.project
    mask = np.zeros((32, 48), np.uint8)
    for place in range(7):
        mask[2:6, 2 + 6 * place : 6 + 6 * place] = 1
    row = project.images()[0]
    project.set_subset([row.id], "train")
    project.save_label_map(row.id, mask)
    opened.context.dataset_changed.emit()
    wait_until_idle(qtbot, panel)
    assert box.texts == ["pit: 4 of about 10"]
    assert box.rest.text() == "Enough: scratch."


def test_the_most_useful_image_is_the_one_that_a_model_is_least_sure_of(panel, opened, qtbot):
    project, labelling = opened.context.project, opened.window.work_area.panels["labelling"]
    ids = project.image_ids()
    for image_id in ids[3:9]:
        project.clear_label_map(image_id)
    opened.context.dataset_changed.emit()
    wait_until_idle(qtbot, panel)
    button = panel.inspector().needs.next_button
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: labelling.session.wanted == ids[3])  # no model was asked yet
    opened.window.work_area.show_panel("dataset")
    labelling.workspace.drafts._uncertain = {
        ids[4]: Uncertainty(0.2, 0.9),
        ids[7]: Uncertainty(0.9, 0.1),
        ids[1]: Uncertainty(1.0, 0.0),  # has labels
    }
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: labelling.session.wanted == ids[7])
    assert opened.window.work_area.current_panel is labelling
    settle(qtbot, labelling)


def test_after_a_training_the_needs_are_read_again(panel, opened, qtbot):
    project = opened.context.project
    run = project.new_run("train", "UNet", revision=project.create_revision(needed=("train",)))
    best = run.folder / "best_model"
    best.mkdir()
    classes = [{"name": "scratch", "objects": 3, "found": 0}]
    (best / "eval_details.json").write_text(json.dumps({"objects": {"classes": classes}}))
    project.set_run_state(run.id, "done")
    opened.context.run_state_changed.emit(str(run.id), "done")
    wait_until_idle(qtbot, panel)
    assert panel.inspector().needs.texts == ["pit: 4 of about 10", "scratch: 4 of about 9"]


def test_the_test_set_stays_where_a_split_leaves_it(panel, opened, qtbot):
    project = opened.context.project
    tested = set(project.image_ids(ImageQuery(subset="test")))
    box = panel._inspector.split
    box.val.setValue(40)
    box.button.click()
    wait_until_idle(qtbot, panel)
    rows = project.images()
    assert tested <= {row.id for row in rows if row.subset == "test"}
    assert {row.subset for row in rows} == {"train", "val", "test"}
    for part in range(6):  # the other picture of a tested part joins it
        assert len({row.subset for row in rows if row.name.startswith(f"part_{part}_")}) == 1


def test_equal_images_are_put_into_one_subset_and_back(panel, opened, qtbot):
    project = opened.context.project
    rows = project.images()
    other = next(row for row in rows if row.subset != rows[0].subset)
    other.path.write_bytes(rows[0].path.read_bytes())
    panel._on_check_clicked()
    wait_until_idle(qtbot, panel)
    before = {row.id: row.subset for row in project.images()}
    press(panel, "same image in different subsets", "Put into one subset")
    wait_until_idle(qtbot, panel)
    subsets = {row.subset for row in project.images_by_id([rows[0].id, other.id])}
    assert len(subsets) == 1
    opened.window.work_area.notice.action.click()
    wait_until_idle(qtbot, panel)
    assert {row.id: row.subset for row in project.images()} == before


def test_findings_lead_to_labelling_and_to_the_settings(panel, opened, qtbot):
    area = opened.window.work_area
    rare = message("The class “{label}” is rare.", label="pit")
    small = message("“{label}” is small.", label="pit")
    panel._on_findings(
        (
            Finding("warning", "rare_class", rare, None, 3),
            Finding("info", "small_objects", small, None, 9),
        )
    )
    press(panel, "is rare", "Show the images")
    wait_until_idle(qtbot, panel)
    assert 0 < len(shown(panel)) < 6, "those with the class to learn from"
    press(panel, "is rare", "Weight the classes")
    assert area.current_panel.key == "model"
    model = area.panels["model"]
    qtbot.waitUntil(lambda: not model.busy, timeout=20_000)
    assert model.form.weights_box.currentData() == "balanced"
    size = model.form.width_box.value(), model.form.scale_box.value()
    area.show_panel("dataset")
    press(panel, "is small", "Larger input")
    qtbot.waitUntil(lambda: not model.busy, timeout=20_000)
    now = model.form.width_box.value(), model.form.scale_box.value()
    assert now > size and model.form.advanced_button.isChecked()
    area.show_panel("dataset")
    press(panel, "is rare", "Label more")
    assert area.current_panel.key == "labelling"
    qtbot.waitUntil(lambda: not area.current_panel.busy, timeout=20_000)


def test_every_finding_that_can_come_up_has_a_button():
    found = set()
    for file in ("core/project/findings.py", "core/advice/label_needs.py"):
        found |= set(re.findall(r'Finding\(\s*"\w+", "(\w+)"', (ROOT / file).read_text("utf-8")))
    judged = (ROOT / "core/data/validation.py").read_text("utf-8").split("def judge_statistics")[1]
    found |= set(re.findall(r'Finding\(\s*"\w+", "(\w+)"', judged))
    assert len(found) > 12
    assert found == set(ACTIONS)
    for actions in ACTIONS.values():
        assert all(action_text(action) for action in actions)
