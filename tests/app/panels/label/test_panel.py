"""The Labelling panel in the real window: paint, switch, save, classes, states."""

from __future__ import annotations

import numpy as np
import pytest
from labelling_parts import (
    labelling_panel,
    open_image,
    saved,
    settle,
    stroke,
    trigger,
)
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from app.panels.base import StepState
from app.panels.label.widgets.class_dialogs import AddClassDialog, MergeClassDialog
from app.panels.label.widgets.shortcut_editor import ShortcutEditor
from app.services.targets import LabelImage, ShowDataset
from core.annotation.edits import Region
from core.project import Project
from core.project.journal import FOLDER, Journal, Patch


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


def test_leaving_the_panel_tells_the_others(panel, qtbot) -> None:
    told = []
    panel.context.dataset_changed.connect(lambda: told.append(True))
    stroke(panel, (5, 5), (9, 9))
    settle(qtbot, panel)
    assert told == []
    panel.context.navigate(ShowDataset())
    assert told == [True]
    panel.context.navigate(LabelImage())
    panel.context.navigate(ShowDataset())
    assert told == [True]


def test_closing_the_project_saves_what_was_just_painted(panel, qtbot, tmp_path) -> None:
    first = panel.images.ids[0]
    open_image(qtbot, panel, first)
    stroke(panel, (30, 25), (40, 25))
    painted = panel.editor.document.mask.copy()
    folder = panel.project.folder
    panel.context.close_project()
    assert panel.editor.document is None
    with Project.open(folder) as project:
        mask = project.label_map(first)
        assert mask is not None and np.array_equal(mask, painted)
        assert not list((folder / FOLDER).glob("*"))


def test_strokes_of_a_killed_window_come_back(panel, qtbot) -> None:
    first = panel.images.ids[0]
    folder, size = panel.project.folder, panel.editor.document.size
    lost = saved(panel, first)
    panel.context.close_project()
    lost[3:6, 3:6] = 2
    Journal(folder / FOLDER / f"{first}.journal", size).append([Patch.of(lost, (3, 3, 6, 6))])
    panel.context.open_project(folder)
    panel.context.navigate(LabelImage())
    qtbot.waitUntil(lambda: panel.view.notice.isVisible(), timeout=20_000)
    settle(qtbot, panel)
    assert "brought back" in panel.view.notice.text.text()
    assert np.array_equal(saved(panel, first), lost)


def test_read_only_projects_are_shown_and_not_changed(panel, qtbot) -> None:
    folder, first = panel.project.folder, panel.images.ids[0]
    before = saved(panel, first)
    panel.context.close_project()
    panel.context.open_project(folder, read_only=True)
    panel.context.navigate(LabelImage(first))
    qtbot.waitUntil(lambda: panel.editor.document is not None, timeout=20_000)
    stroke(panel, (30, 25), (40, 25))
    trigger(panel, "image.labelled")
    assert np.array_equal(panel.editor.document.mask, before)
    assert "reading only" in panel.view.notice.text.text()
    settle(qtbot, panel)
    assert np.array_equal(saved(panel, first), before)


def test_states_comments_and_next_unlabelled(panel, qtbot) -> None:
    project, ids = panel.project, list(panel.images.ids)
    for image_id in (ids[2], ids[5]):
        project.clear_label_map(image_id)
    panel.context.dataset_changed.emit()
    settle(qtbot, panel)
    assert panel.status().state is StepState.NEXT
    open_image(qtbot, panel, ids[0])
    trigger(panel, "image.next_unlabelled")
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == ids[2])
    trigger(panel, "image.labelled")  # nothing to see here: an empty mask
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == ids[3])
    assert project.image(ids[2]).state == "labelled" and not saved(panel, ids[2]).any()
    trigger(panel, "state.reviewed")
    assert project.image(ids[3]).state == "reviewed"
    assert panel.inspector_parts.review.state.currentData() == "reviewed"
    review = panel.inspector_parts.review
    review.comment.setText("Kratzer 划痕")
    review.comment.editingFinished.emit()
    assert project.image(ids[3]).comment == "Kratzer 划痕"
    trigger(panel, "image.next_unlabelled")
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == ids[5])
    stroke(panel, (10, 10), (12, 12))
    settle(qtbot, panel)
    assert project.image(ids[5]).state == "labelled"
    assert panel.status().state is StepState.DONE


def test_filters_leave_only_their_images(panel, qtbot) -> None:
    project, ids = panel.project, list(panel.images.ids)
    project.set_state(ids[:3], "reviewed")
    strip = panel.view.strip
    strip.state.setCurrentIndex(strip.state.findData("reviewed"))
    settle(qtbot, panel)
    assert list(panel.images.ids) == ids[:3]
    open_image(qtbot, panel, ids[1])
    trigger(panel, "state.labelled")
    settle(qtbot, panel)
    assert list(panel.images.ids) == [ids[0], ids[2]]
    trigger(panel, "image.next")
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == ids[2])
    panel.navigate(LabelImage(project.image(ids[7]).path))
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == ids[7])


def test_classes_are_added_renamed_moved_and_merged(panel, qtbot) -> None:
    project, first = panel.project, panel.images.ids[0]
    open_image(qtbot, panel, first)
    trigger(panel, "class.add")
    dialog = panel.findChild(AddClassDialog)
    dialog.name.setText("dent 凹")
    dialog.accept()
    assert project.labels()[-1].name == "dent 凹" and panel.editor.class_id == 3
    stroke(panel, (2, 20), (6, 20))
    palette = panel.inspector_parts.classes
    palette.rename_requested.emit(3, "scratch")  # taken
    assert "already" in panel.view.notice.text.text()
    palette.rename_requested.emit(3, "dent")
    palette.move_requested.emit(3, -1)
    assert [label.name for label in project.labels()] == ["background", "scratch", "dent", "pit"]
    assert palette.class_for_key(2) == 3 and palette.class_for_key(0) == 0
    palette.merge_requested.emit(3)
    merge = panel.findChild(MergeClassDialog)
    merge.target.setCurrentIndex(merge.target.findData(1))
    merge.accept()
    settle(qtbot, panel)
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == first)
    assert [label.name for label in project.labels()] == ["background", "scratch", "pit"]
    assert (panel.editor.document.mask[20, 2:7] == 1).all()
    before = panel.editor.document.mask.copy()
    trigger(panel, "edit.undo")  # steps from before would bring the class back
    assert np.array_equal(panel.editor.document.mask, before)


def test_hidden_and_locked_classes(panel, qtbot) -> None:
    palette = panel.inspector_parts.classes
    panel.classes.choose(1)
    trigger(panel, "class.lock")
    assert panel.editor.locked == {1}
    before = panel.editor.document.mask.copy()
    stroke(panel, (30, 25), (40, 25))
    assert np.array_equal(panel.editor.document.mask, before)
    assert "protected" in panel.view.notice.text.text()
    trigger(panel, "class.hide_others")
    assert palette.hidden == {0, 2, 255}  # "don't care", too
    trigger(panel, "class.hide_others")
    assert palette.hidden == set()


def test_copy_to_the_next_image(panel, qtbot) -> None:
    first, second = panel.images.ids[:2]
    open_image(qtbot, panel, first)
    part = panel.editor.document.mask == 1
    panel.classes.choose(1)
    trigger(panel, "parts.copy_to_next")
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == second)
    settle(qtbot, panel)
    assert (saved(panel, second)[part] == 1).all()


def test_frames_in_between_get_drafts(panel, qtbot) -> None:
    project, ids = panel.project, list(panel.images.ids)
    for image_id in ids[1:4]:
        project.clear_label_map(image_id)
    start, end = np.zeros((32, 48), np.uint8), np.zeros((32, 48), np.uint8)
    start[10:20, 2:12], end[10:20, 34:44] = 1, 1
    project.save_label_map(ids[0], start)
    project.save_label_map(ids[4], end)
    panel.context.dataset_changed.emit()
    open_image(qtbot, panel, ids[0])
    settle(qtbot, panel)
    trigger(panel, "images.interpolate")
    settle(qtbot, panel)
    columns = [np.flatnonzero(saved(panel, image_id).any(axis=0)) for image_id in ids[:5]]
    assert [int(found[0]) for found in columns] == [2, 10, 18, 26, 34]
    assert [project.image(image_id).state for image_id in ids[1:4]] == ["draft"] * 3


def test_labelling_by_keys_alone(panel, qtbot) -> None:
    canvas = panel.view.canvas
    open_image(qtbot, panel, panel.images.ids[0])
    canvas.setFocus()
    before = panel.editor.document.mask.copy()
    panel.classes.choose(2)
    panel.tools.take("rectangle")
    QTest.keyClick(canvas, Qt.Key.Key_Left)
    x, y = (int(part) for part in canvas.keyboard.point)
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    for _ in range(4):
        QTest.keyClick(canvas, Qt.Key.Key_Right)
        QTest.keyClick(canvas, Qt.Key.Key_Down)
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    assert (panel.editor.document.mask[y : y + 5, x : x + 5] == 2).all()
    changed = panel.editor.document.mask != before
    assert changed.sum() <= 25
    panel.tools.take("polygon")
    for step in ((0, 0), (6, 0), (0, 6)):
        for _ in range(step[0]):
            QTest.keyClick(canvas, Qt.Key.Key_Up)
        for _ in range(step[1]):
            QTest.keyClick(canvas, Qt.Key.Key_Left)
        QTest.keyClick(canvas, Qt.Key.Key_Space)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert (panel.editor.document.mask != before).sum() > changed.sum()


def test_every_action_has_its_own_shortcut_and_can_get_another(panel, qtbot) -> None:
    actions = panel.workspace.actions
    seen: dict[str, str] = {}
    for spec in actions.specs:
        for keys in actions.keys(spec.key):
            assert QKeySequence(keys).toString() and keys not in seen, (spec.key, seen.get(keys))
            seen[keys] = spec.key
        assert actions[spec.key].toolTip()
    assert {f"tool.{key}" for key in panel.workspace.tools} <= set(seen.values())
    trigger(panel, "view.shortcuts")
    editor = panel.findChild(ShortcutEditor)
    item = editor.tree.findItems("Brush", Qt.MatchFlag.MatchEndsWith)[0]
    editor.tree.setCurrentItem(item)
    editor.edit.setKeySequence(QKeySequence("E"))
    editor.edit.editingFinished.emit()
    assert actions.keys("tool.brush") == ("E",) and actions.keys("tool.eraser") == ()
    editor.reject()
    stored = panel.context.settings.panel_values["labelling/shortcuts"]
    assert stored == {"tool.brush": ["E"], "tool.eraser": []}
    actions.reset()
    actions.restore(stored | {"no.such": ["X"], "tool.fill": 3})
    assert actions.keys("tool.brush") == ("E",) and actions.keys("tool.fill") == ("G",)
    assert actions["tool.brush"].shortcut() == QKeySequence("E")


def test_draft_layer_is_shown_and_accepted(panel, qtbot) -> None:
    editor = panel.editor
    draft = np.full_like(editor.document.mask, 255)
    draft[2:8, 2:8], draft[20:28, 30:40] = 1, 2
    plain = panel.view.canvas.grab().toImage()
    editor.set_draft(draft)
    assert panel.view.canvas.grab().toImage() != plain
    editor.document.mask[:] = 0
    part = Region((2, 2, 8, 8), np.ones((6, 6), np.bool_))
    assert editor.accept_draft(part, name="Accept")
    assert (editor.document.mask[2:8, 2:8] == 1).all() and editor.document.mask.sum() == 36
    assert editor.draft is not None
    assert editor.accept_draft(name="Accept")
    assert (editor.document.mask[20:28, 30:40] == 2).all() and editor.draft is None
    editor.undo()
    assert editor.document.mask.sum() == 36


def test_removed_image_is_left(panel, qtbot) -> None:
    first = panel.images.ids[0]
    open_image(qtbot, panel, first)
    panel.project.remove_images([first])
    panel.context.dataset_changed.emit()
    settle(qtbot, panel)
    assert panel.session.row is None or panel.session.row.id != first
