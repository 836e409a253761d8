from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.annotation.brush import Brush, Stroke, sweep
from core.annotation.edits import PaintRule
from core.annotation.undo import UndoStack

SIZE = (60, 40)


def swept(start, end, brush, size=SIZE):
    region = sweep(start, end, brush=brush, size=size)
    return np.zeros(size[::-1], np.bool_) if region is None else region.in_box((0, 0, *size))


def move_through(stroke, points):
    return [box for box in (stroke.move_to(x, y) for x, y in points) if box is not None]


def by_distance(start, end, brush, size=SIZE):
    """The same by testing every pixel centre."""
    (ax, ay), (bx, by) = brush.centre(start), brush.centre(end)
    y, x = np.indices(size[::-1]) + 0.5
    length = (bx - ax) ** 2 + (by - ay) ** 2
    if brush.shape == "round":
        share = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length if length else 0 * x
        share = np.clip(share, 0, 1)
        gap = np.hypot(x - ax - share * (bx - ax), y - ay - share * (by - ay))
        return gap <= brush.size / 2
    stops = np.linspace(0, 1, 2001)
    near = np.zeros(size[::-1], np.bool_)
    for s in stops:
        gap = np.maximum(abs(x - ax - s * (bx - ax)), abs(y - ay - s * (by - ay)))
        near |= gap <= brush.size / 2
    return near


def test_size_one_paints_the_pixel_under_the_pointer():
    for shape in ("round", "square"):
        assert np.argwhere(swept((5.9, 3.01), (5.9, 3.01), Brush(1, shape))).tolist() == [[3, 5]]


@pytest.mark.parametrize("size", [1, 2, 3, 8, 15])
def test_a_square_dab_has_its_side(size):
    pixels = swept((30.2, 20.7), (30.2, 20.7), Brush(size, "square"))
    assert pixels.sum() == size * size


def test_a_round_dab_has_its_diameter_and_area():
    pixels = swept((30, 20), (30, 20), Brush(30))
    assert pixels.any(axis=0).sum() == 30
    assert pixels.sum() == pytest.approx(np.pi * 15**2, rel=0.03)


points = st.tuples(st.floats(-20, 80), st.floats(-20, 60))


@settings(max_examples=60, deadline=None)
@given(points, points, st.integers(1, 25))
def test_a_round_sweep_is_all_pixels_within_the_radius(start, end, size):
    brush = Brush(size)
    differ = swept(start, end, brush) != by_distance(start, end, brush)
    assert differ.sum() <= 2  # ties of rounding


@pytest.mark.parametrize("end", [(50, 20), (15, 33), (20, 8.5), (49, 31)])
def test_a_square_sweep_is_the_union_of_its_dabs(end):
    brush = Brush(7, "square")
    differ = swept((15, 8.5), end, brush) ^ by_distance((15, 8.5), end, brush)
    assert differ.sum() <= 3  # the dabs of the other way are counted


def test_a_fast_stroke_of_one_pixel_has_no_gaps():
    mask = np.zeros((300, 900), np.uint8)
    move_through(Stroke(mask, Brush(1), class_id=1), [(3, 5), (890, 271), (20, 290)])
    assert cv2.connectedComponents(mask, connectivity=8)[0] == 2
    assert mask[5, 3] == mask[271, 890] == mask[290, 20] == 1


def test_a_stroke_can_be_undone_and_redone():
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 3, (600, 700), dtype=np.uint8)
    before = mask.copy()
    stroke = Stroke(mask, Brush(41), class_id=2)
    move_through(stroke, [(10, 10), (650, 500), (650, 20), (-100, 300)])
    after = mask.copy()
    stack = UndoStack()
    stack.push("Brush", stroke.finish())
    stack.undo(mask)
    assert np.array_equal(mask, before)
    stack.redo(mask)
    assert np.array_equal(mask, after)


def test_a_cancelled_stroke_leaves_no_trace():
    mask = np.zeros((100, 100), np.uint8)
    stroke = Stroke(mask, Brush(9), class_id=2)
    move_through(stroke, [(10, 10), (90, 90)])
    assert mask.any()
    assert stroke.cancel()
    assert not mask.any()
    assert stroke.finish() == ()


def test_a_stroke_tells_the_box_to_draw_again():
    mask = np.zeros((100, 100), np.uint8)
    box = Stroke(mask, Brush(5), class_id=1).move_to(50.5, 20.5)
    assert box == (48, 18, 53, 23)


def test_a_stroke_outside_does_nothing():
    mask = np.zeros((20, 20), np.uint8)
    stroke = Stroke(mask, Brush(3), class_id=1)
    assert not move_through(stroke, [(-50, -50), (-50, 500)])
    assert stroke.finish() == ()


def test_a_brush_larger_than_the_image_fills_it():
    mask = np.zeros((1, 1), np.uint8)
    Stroke(mask, Brush(8192), class_id=9).move_to(0, 0)
    assert mask.tolist() == [[9]]


def test_a_stroke_obeys_the_rule():
    mask = np.zeros((40, 60), np.uint8)
    mask[:, 20:30] = 3
    stroke = Stroke(mask, Brush(9), class_id=1, rule=PaintRule(frozenset({3})))
    move_through(stroke, [(5, 20), (55, 20)])
    assert (mask[:, 20:30] == 3).all()
    assert mask[20, 10] == mask[20, 40] == 1


def test_a_stroke_costs_memory_only_where_it_went():
    mask = np.zeros((4096, 4096), np.uint8)
    stroke = Stroke(mask, Brush(20), class_id=1)
    move_through(stroke, [(10, 10), (4000, 4000)])
    assert sum(edit.before.size for edit in stroke.finish()) < mask.size / 10


@pytest.mark.parametrize("size", [0, -3, 9000])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ValueError, match="size"):
        Brush(size)
