"""A stroke on an object in a box changes what it was meant to change."""

from __future__ import annotations

import cv2
import numpy as np

from core.annotation.edits import Region
from core.annotation.grabcut import GrabCut
from core.annotation.grabcut.correction import changed_by_strokes


def dark_spot():
    """A spot a few grey values darker than what is around it, as on grey machine images."""
    picture = np.full((60, 60), 80, np.uint8)
    spot = np.zeros((60, 60), np.uint8)
    cv2.circle(spot, (30, 30), 7, 1, -1)
    picture[spot > 0] = 66
    noise = np.random.default_rng(0).normal(0, 2, picture.shape)
    picture = cv2.GaussianBlur(np.clip(picture + noise, 0, 255).astype(np.uint8), (0, 0), 0.8)
    return picture, spot > 0


def in_image(region):
    return np.zeros((60, 60), np.bool_) if region is None else region.in_box((0, 0, 60, 60))


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def test_a_dab_on_the_border_does_not_wipe_out_a_small_object():
    picture, spot = dark_spot()
    cut = GrabCut(picture, (20, 20, 41, 41))
    assert iou(in_image(cut.solve()), spot) > 0.75
    for column, row in ((36, 29), (29, 36)):
        dab = Region((column, row, column + 2, row + 2), np.ones((2, 2), np.bool_))
        cut.add_stroke(dab, foreground=False)
        pixels = in_image(cut.solve())
        assert not (pixels & in_image(dab)).any()
        assert iou(pixels, spot) > 0.75


def test_object_strokes_only_add_and_others_only_take_away():
    picture, _ = dark_spot()
    cut = GrabCut(picture, (20, 20, 41, 41))
    first = in_image(cut.solve())
    cut.add_stroke(Region((30, 21, 32, 23), np.ones((2, 2), np.bool_)), foreground=True)
    second = in_image(cut.solve())
    assert second[21:23, 30:32].all()
    assert not (first & ~second).any()
    cut.add_stroke(Region((30, 21, 32, 23), np.ones((2, 2), np.bool_)), foreground=False)
    third = in_image(cut.solve())
    assert not third[21:23, 30:32].any()
    assert not (third & ~second).any()


def test_changes_count_where_they_are_connected_with_a_stroke():
    old, new, marks = np.zeros((3, 9, 40), np.int8)
    old[2:7, 2:20] = 1
    new[2:7, 6:24] = 1  # gains a part on the right, loses one on the left
    new[0, 35] = 1
    marks[4, 23] = 1
    pixels = changed_by_strokes(old > 0, new > 0, marks, side=18)
    assert np.array_equal(pixels, (old > 0) | ((new > 0) & (np.arange(40) < 30)))
    pixels = changed_by_strokes(old > 0, new > 0, -np.roll(marks, 14, axis=1), side=18)
    assert np.array_equal(pixels, old > 0)  # a stroke beside it, on nothing
    marks[:] = 0
    marks[4, 3] = -1
    pixels = changed_by_strokes(old > 0, new > 0, marks, side=18)
    assert np.array_equal(pixels, (old > 0) & (np.arange(40) >= 6))


def test_an_object_that_would_go_loses_the_surroundings_of_the_stroke_alone():
    old = np.ones((20, 20), np.bool_)
    marks = np.zeros((20, 20), np.int8)
    marks[0, 0] = -1
    pixels = changed_by_strokes(old, ~old, marks, side=20)
    assert not pixels[0, 0]
    assert not pixels[0, 2]
    assert pixels.sum() > 380
