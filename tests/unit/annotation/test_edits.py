from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.annotation.brush import Brush
from core.annotation.document import MaskDocument
from core.annotation.edits import (
    MaskEdit,
    PaintRule,
    Region,
    edit_between,
    joined,
    paint,
    paste,
)
from core.annotation.polygon import Polygon
from core.annotation.shapes import Outline
from core.annotation.undo import UndoStack


def ones(box):
    return Region(box, np.ones((box[3] - box[1], box[2] - box[0]), np.bool_))


def test_paint_changes_the_region_and_says_what_it_changed():
    mask = np.zeros((6, 8), np.uint8)
    mask[2, 3] = 7
    edit = paint(mask, ones((2, 1, 5, 4)), class_id=7)
    assert mask.sum() == 9 * 7
    assert edit is not None
    assert edit.box == (2, 1, 5, 4)
    edit.revert(mask)
    assert mask.sum() == 7
    edit.apply(mask)
    assert mask.sum() == 9 * 7


def test_joined_regions_have_the_pixels_of_all_and_share_none_with_their_parts():
    corner = Region((4, 5, 6, 7), np.array([[True, False], [False, True]]))
    parts = (ones((2, 1, 5, 4)), corner, ones((4, 3, 7, 6)))
    found = joined(*parts)
    assert found.box == (2, 1, 7, 7)
    expected = np.any([part.in_box((0, 0, 9, 8)) for part in parts], axis=0)
    assert np.array_equal(found.in_box((0, 0, 9, 8)), expected)
    alone = joined(corner)
    alone.pixels[:] = True
    assert corner.area == 2


def test_the_edit_holds_only_what_changed():
    mask = np.zeros((50, 50), np.uint8)
    mask[:, :30] = 1
    edit = paint(mask, ones((0, 10, 50, 12)), class_id=1)
    assert edit is not None
    assert edit.box == (30, 10, 50, 12)


def test_painting_what_is_there_already_is_no_edit():
    mask = np.ones((4, 4), np.uint8)
    assert paint(mask, ones((0, 0, 4, 4)), class_id=1) is None


@pytest.mark.parametrize("box", [(-9, -9, -2, -2), (8, 0, 12, 4), (0, 6, 3, 9)])
def test_a_region_outside_the_image_changes_nothing(box):
    mask = np.zeros((6, 8), np.uint8)
    assert paint(mask, ones(box), class_id=1) is None
    assert not mask.any()


def test_a_region_half_outside_paints_its_inside():
    mask = np.zeros((6, 8), np.uint8)
    region = Region((-2, -2, 2, 2), np.eye(4, dtype=np.bool_))
    paint(mask, region, class_id=1)
    assert np.argwhere(mask).tolist() == [[0, 0], [1, 1]]


def test_paste_copies_values_but_neither_over_nor_into_a_locked_class():
    mask = np.array([[0, 1, 2, 3]], np.uint8)
    values = np.array([[5, 5, 1, 6]], np.uint8)
    paste(mask, ones((0, 0, 4, 1)), values, rule=PaintRule(frozenset({1})))
    assert mask.tolist() == [[5, 1, 2, 6]]


def test_only_over_paints_over_that_class_alone():
    mask = np.array([[0, 1, 2, 0]], np.uint8)
    paint(mask, ones((0, 0, 4, 1)), class_id=4, rule=PaintRule(only_over=0))
    assert mask.tolist() == [[4, 1, 2, 4]]


def test_only_over_a_locked_class_paints_nothing():
    mask = np.zeros((2, 2), np.uint8)
    rule = PaintRule(frozenset({0}), only_over=0)
    assert paint(mask, ones((0, 0, 2, 2)), class_id=4, rule=rule) is None


masks = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, 4, (9, 11), dtype=np.uint8)
)
boxes = st.tuples(
    st.integers(-5, 12), st.integers(-5, 12), st.integers(1, 9), st.integers(1, 9)
).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
strokes = st.lists(st.tuples(boxes, st.integers(0, 4)), min_size=1, max_size=12)
rules = st.builds(
    PaintRule, st.frozensets(st.integers(0, 4), max_size=3), st.none() | st.integers(0, 4)
)


@settings(max_examples=60, deadline=None)
@given(masks, strokes, rules)
def test_locked_classes_never_change(mask, painted, rule):
    before = mask.copy()
    for box, class_id in painted:
        paint(mask, ones(box), class_id=class_id, rule=rule)
    for locked in rule.protect:
        assert np.array_equal(mask == locked, before == locked)


@settings(max_examples=60, deadline=None)
@given(masks, strokes, st.integers(0, 12))
def test_undo_and_redo_visit_the_same_masks(mask, painted, back):
    stack = UndoStack()
    states = [mask.copy()]
    for box, class_id in painted:
        edit = paint(mask, ones(box), class_id=class_id)
        stack.push("Paint", [edit])
        if edit is not None:
            states.append(mask.copy())
    steps = min(back, len(states) - 1)
    for k in range(steps):
        assert stack.undo(mask) is not None
        assert np.array_equal(mask, states[-2 - k])
    for k in range(steps):
        assert stack.redo(mask) is not None
        assert np.array_equal(mask, states[len(states) - steps + k])
    assert stack.redo(mask) is None


def noisy_edit(seed, side=64):
    rng = np.random.default_rng(seed)
    before, after = rng.integers(0, 256, (2, side, side), dtype=np.uint8)
    return MaskEdit((0, 0, side, side), before, after)


def test_large_edits_come_back_from_their_packed_form():
    rng = np.random.default_rng(1)
    for after in (np.full((300, 300), 3, np.uint8), rng.integers(0, 9, (300, 300), np.uint8)):
        mask = np.zeros((300, 300), np.uint8)
        before = mask.copy()
        mask[...] = after
        stack = UndoStack()
        stack.push("Fill", [edit_between(before, mask)])
        stack.undo(mask)
        assert not mask.any()
        stack.redo(mask)
        assert np.array_equal(mask, after)


def test_uniform_edits_take_little_memory():
    stack = UndoStack()
    after = np.ones((2000, 2000), np.uint8)
    stack.push("Fill", [edit_between(np.zeros_like(after), after)])
    assert stack.nbytes < 1500


def test_the_oldest_steps_go_first_when_memory_is_full():
    stack = UndoStack(max_bytes=3 * 10_000)
    for seed in range(6):
        stack.push(f"Step {seed}", [noisy_edit(seed)])
    assert stack.nbytes <= 30_000
    assert len(stack) == 3
    assert stack.undo_name == "Step 5"


def test_the_newest_step_stays_however_large():
    stack = UndoStack(max_bytes=10)
    stack.push("Small", [noisy_edit(0, 4)])
    stack.push("Large", [noisy_edit(1)])
    assert (len(stack), stack.undo_name) == (1, "Large")


def test_a_new_step_ends_redo():
    mask = np.zeros((3, 3), np.uint8)
    stack = UndoStack()
    stack.push("One", [paint(mask, ones((0, 0, 1, 1)), class_id=1)])
    stack.undo(mask)
    assert stack.redo_name == "One"
    stack.push("Two", [paint(mask, ones((1, 1, 2, 2)), class_id=1)])
    assert stack.redo_name is None


@pytest.mark.parametrize("kind", ["strokes", "shapes", "moved shapes", "redo"])
def test_what_undo_counts_is_at_least_what_it_holds(kind):
    rng = np.random.default_rng(4)
    doc = MaskDocument(np.zeros((512, 512), np.uint8), 1)

    def act(number: int) -> None:
        x, y = rng.uniform(40, 470, 2).tolist()
        if kind in ("strokes", "redo"):
            doc.begin_stroke(Brush(int(rng.integers(2, 60))), 1 + number % 4, name="Brush")
            for dx, dy in rng.normal(0, 40, (6, 2)).tolist():
                doc.stroke_to(x + dx, y + dy)
            doc.finish_stroke()
            return
        angles = np.linspace(0, 2 * np.pi, 9, endpoint=False)
        ring = np.stack([x + 25 * np.cos(angles), y + 25 * np.sin(angles)], 1)
        opened = doc.add_shape(Outline.of(Polygon(ring)), 1 + number % 4, name="Polygon")
        if kind == "moved shapes" and opened is not None:
            doc.repaint(opened, opened.shape.outline.moved(5, 3), 2, name="Move")

    act(0)
    tracemalloc.start()
    try:
        for number in range(150):
            act(number)
        if kind == "redo":
            for _ in range(75):
                doc.undo()
        counted = doc.undo_stack.nbytes
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        doc.undo_stack.clear()
        gc.collect()
        held = before - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held > 50_000
    assert held <= counted <= 6 * held
    assert doc.undo_stack.nbytes == 0
