from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.annotation.edits import (
    MaskEdit,
    PaintRule,
    Region,
    edit_between,
    joined,
    paint,
    paste,
)
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


def whole(region):
    x0, y0, x1, y1 = region.box
    image = np.zeros((8, 9), np.bool_)
    image[y0:y1, x0:x1] = region.pixels
    return image


def test_joined_regions_have_the_pixels_of_all_and_share_none_with_their_parts():
    corner = Region((4, 5, 6, 7), np.array([[True, False], [False, True]]))
    parts = (ones((2, 1, 5, 4)), corner, ones((4, 3, 7, 6)))
    found = joined(*parts)
    assert found.box == (2, 1, 7, 7)
    expected = np.any([whole(part) for part in parts], axis=0)
    assert np.array_equal(whole(found), expected)
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
    assert stack.nbytes < 1000


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


def test_a_group_is_one_step_undone_in_reverse():
    mask = np.zeros((3, 3), np.uint8)
    stack = UndoStack()
    with stack.group("Both"):
        stack.push("One", [paint(mask, ones((0, 0, 2, 2)), class_id=1)])
        with stack.group("Inner"):
            stack.push("Two", [paint(mask, ones((0, 0, 2, 2)), class_id=2)])
    assert (len(stack), stack.undo_name) == (1, "Both")
    step = stack.undo(mask)
    assert step is not None
    assert step.boxes == ((0, 0, 2, 2), (0, 0, 2, 2))
    assert not mask.any()


def test_an_empty_group_is_no_step():
    stack = UndoStack()
    with stack.group("Nothing"):
        stack.push("Nothing", [None])
    assert len(stack) == 0


def test_a_step_carries_what_else_it_changed():
    mask = np.zeros((3, 3), np.uint8)
    stack = UndoStack()
    stack.push("Move vertex", before=("a",), after=("b",))
    step = stack.undo(mask)
    assert step is not None
    assert (step.before, step.after) == (("a",), ("b",))


def test_a_group_carries_the_first_before_and_the_last_after():
    stack = UndoStack()
    with stack.group("Moves"):
        stack.push("1", before="a", after="b")
        stack.push("2", [noisy_edit(0)])
        stack.push("3", before="b", after="c")
    step = stack.undo(np.zeros((64, 64), np.uint8))
    assert step is not None
    assert (step.before, step.after) == ("a", "c")
