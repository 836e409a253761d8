"""Cleaning up one class of a mask."""

from __future__ import annotations

import numpy as np
import pytest

from core.annotation.components import (
    class_region,
    dilate,
    erode,
    fill_holes,
    pick_component,
    remove_specks,
    smooth,
)
from core.annotation.edits import PaintRule, Region


def square(side=20, box=(5, 5, 15, 15), class_id=2):
    mask = np.zeros((side, side), np.uint8)
    mask[box[1] : box[3], box[0] : box[2]] = class_id
    return mask


def test_a_component_is_picked_by_a_click():
    mask = square()
    mask[15, 15] = 2  # touches at the corner
    mask[0, 0] = 2
    region = pick_component(mask, 7, 7)
    assert region is not None
    assert region.area == 101


def test_holes_are_filled_but_bays_are_not():
    mask = square()
    mask[7, 7] = 0
    mask[9:12, 9:12] = 1
    mask[5:8, 12] = 0
    assert fill_holes(mask, 2) is not None
    assert (mask[7, 7], mask[10, 10], mask[6, 12]) == (2, 2, 0)
    assert fill_holes(mask, 2) is None


def test_a_locked_class_in_a_hole_stays():
    mask = square()
    mask[9:12, 9:12] = 1
    assert fill_holes(mask, 2, rule=PaintRule(frozenset({1}))) is None


def test_specks_take_the_class_around_them():
    mask = square(class_id=2)
    mask[8, 8] = 4
    mask[1, 1] = 4
    mask[17:20, 17:20] = 4
    edit = remove_specks(mask, 4, min_area=5)
    assert edit is not None
    assert (mask[8, 8], mask[1, 1], mask[18, 18]) == (2, 0, 4)
    edit.revert(mask)
    assert (mask[8, 8], mask[1, 1]) == (4, 4)


def test_specks_outside_the_selection_stay():
    mask = np.zeros((10, 10), np.uint8)
    mask[2, 2] = mask[7, 7] = 1
    remove_specks(mask, 1, min_area=5, selection=Region((0, 0, 5, 5), np.ones((5, 5), np.bool_)))
    assert np.argwhere(mask).tolist() == [[7, 7]]


def test_dilate_and_erode_by_a_disc():
    mask = np.zeros((21, 21), np.uint8)
    mask[10, 10] = 1
    dilate(mask, 1, radius=3)
    y, x = np.indices(mask.shape) - 10
    assert np.array_equal(mask == 1, x * x + y * y <= 9)
    erode(mask, 1, radius=3)
    assert np.argwhere(mask == 1).tolist() == [[10, 10]]


def test_the_image_border_does_not_erode():
    mask = np.ones((8, 8), np.uint8)
    assert erode(mask, 1, radius=3) is None


def test_dilating_obeys_only_over():
    mask = square()
    mask[:, :5] = 7
    dilate(mask, 2, radius=2, rule=PaintRule(only_over=0))
    assert (mask[:, :5] == 7).all()
    assert (mask[7:13, 15:17] == 2).all()


def test_smoothing_takes_spikes_and_fills_notches():
    mask = square(40, (10, 10, 30, 30), 1)
    mask[20, 30:36] = 1
    mask[10:14, 20] = 0
    assert smooth(mask, 1, radius=2) is not None
    assert not mask[20, 31:36].any()
    assert mask[11:14, 20].all()
    assert (mask[15:25, 15:25] == 1).all()


@pytest.mark.parametrize("change", [dilate, erode, smooth, fill_holes])
def test_a_class_that_is_not_there_changes_nothing(change):
    assert change(np.zeros((1, 1), np.uint8), 3) is None
    assert class_region(np.zeros((4, 4), np.uint8), 3) is None


@pytest.mark.parametrize("radius", [0, 10_000])
def test_impossible_radii_are_refused(radius):
    with pytest.raises(ValueError, match="radius"):
        dilate(square(), 2, radius=radius)
