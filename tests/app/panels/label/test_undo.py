"""Undo in the Labelling panel: over images, and back to what an image had before."""

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


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


def blank_image(qtbot, panel) -> int:
    """Open an image without a mask."""
    image_id = panel.images.ids[1]
    panel.project.clear_label_map(image_id)
    panel.context.dataset_changed.emit()
    open_image(qtbot, panel, image_id)
    settle(qtbot, panel)
    assert panel.session.row.state == "unlabelled" and not panel.editor.document.mask.any()
    return image_id


def facts(panel, image_id: int) -> tuple[str, bool]:
    row = panel.project.image(image_id)
    return row.state, row.mask_hash is not None


def test_stroke_is_saved_and_undo_survives_other_images(panel, qtbot) -> None:
    first, second = panel.images.ids[:2]
    open_image(qtbot, panel, first)
    before = saved(panel, first)
    panel.classes.choose(2)
    panel.editor.set_option("brush_size", 3)
    stroke(panel, (30, 25), (40, 25))
    painted = panel.editor.document.mask.copy()
    assert (painted[25, 30:41] == 2).all() and not np.array_equal(painted, before)
    trigger(panel, "image.next")
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == second)
    settle(qtbot, panel)
    assert np.array_equal(saved(panel, first), painted)
    stroke(panel, (20, 10), (22, 10))
    trigger(panel, "image.previous")
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == first)
    trigger(panel, "edit.undo")
    settle(qtbot, panel)
    assert np.array_equal(saved(panel, first), before)
    trigger(panel, "edit.redo")
    settle(qtbot, panel)
    assert np.array_equal(saved(panel, first), painted)


def test_mask_changed_elsewhere_is_shown_and_old_undo_dropped(panel, qtbot) -> None:
    first, second = panel.images.ids[:2]
    open_image(qtbot, panel, first)
    stroke(panel, (30, 25), (40, 25))
    settle(qtbot, panel)
    other = np.full_like(panel.editor.document.mask, 2)
    panel.project.save_label_map(first, other)
    panel.context.dataset_changed.emit()
    qtbot.waitUntil(lambda: panel.editor.document is not None and panel.editor.document.mask.all())
    trigger(panel, "edit.undo")
    settle(qtbot, panel)
    assert np.array_equal(saved(panel, first), other)
    open_image(qtbot, panel, second)


def test_undoing_every_stroke_leaves_the_image_as_it_was(panel, qtbot) -> None:
    image_id, other = blank_image(qtbot, panel), panel.images.ids[2]
    stroke(panel, (30, 25), (40, 25))
    settle(qtbot, panel)
    stroke(panel, (10, 5), (20, 5))
    painted = panel.editor.document.mask.copy()
    settle(qtbot, panel)
    assert facts(panel, image_id) == ("labelled", True)
    open_image(qtbot, panel, other)
    open_image(qtbot, panel, image_id)
    trigger(panel, "edit.undo")
    settle(qtbot, panel)
    assert facts(panel, image_id) == ("labelled", True)
    trigger(panel, "edit.undo")
    settle(qtbot, panel)
    assert facts(panel, image_id) == ("unlabelled", False)
    assert panel.inspector_parts.review.state.currentData() == "unlabelled"
    open_image(qtbot, panel, other)
    open_image(qtbot, panel, image_id)  # what was undone can still be done again
    trigger(panel, "edit.redo")
    trigger(panel, "edit.redo")
    settle(qtbot, panel)
    assert facts(panel, image_id) == ("labelled", True)
    assert np.array_equal(saved(panel, image_id), painted)


def test_undo_does_not_touch_a_state_that_was_chosen(panel, qtbot) -> None:
    image_id = blank_image(qtbot, panel)
    trigger(panel, "state.draft")
    stroke(panel, (30, 25), (40, 25))
    settle(qtbot, panel)
    trigger(panel, "edit.undo")
    settle(qtbot, panel)
    assert facts(panel, image_id) == ("draft", False)  # chosen before the stroke
    trigger(panel, "edit.redo")
    trigger(panel, "state.unlabelled")  # the save that waits does not call it labelled
    settle(qtbot, panel)
    assert facts(panel, image_id) == ("unlabelled", True)
    trigger(panel, "state.reviewed")
    trigger(panel, "edit.undo")
    settle(qtbot, panel)
    assert facts(panel, image_id) == ("reviewed", True)  # chosen after the stroke
    assert not saved(panel, image_id).any()


def test_undo_on_a_mask_of_before_brings_its_state_back(panel, qtbot) -> None:
    image_id = panel.images.ids[1]
    panel.project.set_state([image_id], "unlabelled")
    panel.context.dataset_changed.emit()
    open_image(qtbot, panel, image_id)
    before = saved(panel, image_id)
    stroke(panel, (30, 25), (40, 25))
    settle(qtbot, panel)
    assert facts(panel, image_id) == ("labelled", True)
    trigger(panel, "edit.undo")
    settle(qtbot, panel)
    assert facts(panel, image_id) == ("unlabelled", True)
    assert np.array_equal(saved(panel, image_id), before)


def test_steps_of_all_images_together_are_bounded_while_one_is_painted(panel, qtbot, monkeypatch):
    monkeypatch.setattr("app.panels.label.session.MAX_BYTES", 6000)
    first, second = panel.images.ids[:2]
    open_image(qtbot, panel, first)
    panel.classes.choose(2)
    stroke(panel, (30, 25), (40, 25))
    open_image(qtbot, panel, second)
    assert 0 < panel.session.undo_bytes <= 6000
    kept, stack = panel.session.undo_bytes, panel.editor.document.undo_stack
    for row in range(2, 30):
        before = stack.nbytes
        stroke(panel, (2, row), (40, row))
        if before + kept > 6000:
            break
    assert stack.nbytes == panel.session.undo_bytes, "the first image's steps are still there"
    open_image(qtbot, panel, first)
    assert panel.editor.document.undo() is None


def test_images_that_were_only_looked_at_keep_nothing(panel, qtbot):
    for image_id in panel.images.ids[:4]:
        open_image(qtbot, panel, image_id)
    panel.session.leave()
    assert panel.session.hand_over().steps == {}
