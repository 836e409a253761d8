"""Cleaning a class up, carrying it through a sequence, and showing grey of any depth."""

from __future__ import annotations

import cv2
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
from core.annotation.interpolation import copy_region, estimate_shift, interpolate


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


def test_holes_are_filled_up_to_their_area_but_bays_are_not():
    mask = square()
    mask[7, 7] = 0
    mask[9:12, 9:12] = 1
    mask[5:8, 12] = 0
    edit = fill_holes(mask, 2, max_area=4)
    assert edit is not None
    assert (mask[7, 7], mask[10, 10], mask[6, 12]) == (2, 1, 0)
    fill_holes(mask, 2)
    assert mask[10, 10] == 2
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
    erode(mask, 1, radius=3, background=5)
    assert np.argwhere(mask == 1).tolist() == [[10, 10]]
    assert (mask == 5).sum() == (x * x + y * y <= 9).sum() - 1


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


def disc(centre, radius):
    mask = np.zeros((120, 200), np.uint8)
    cv2.circle(mask, centre, radius, 1, -1)
    return mask


def test_a_disc_between_two_frames_is_half_way_in_place_and_size():
    first, second = disc((40, 40), 10), disc((140, 80), 30)
    assert np.array_equal(at(first, second, 0.0), first == 1)
    assert np.array_equal(at(first, second, 1.0), second == 1)
    middle = at(first, second, 0.5)
    expected = disc((90, 60), 20) == 1
    assert (middle & expected).sum() / (middle | expected).sum() > 0.93


def at(first, second, share):
    region = interpolate(first, second, class_id=1, share=share)
    return region.in_image((200, 120))


def test_a_class_missing_from_a_frame_is_not_interpolated():
    first = disc((40, 40), 10)
    assert interpolate(first, np.zeros_like(first), class_id=1, share=0.5) is None
    with pytest.raises(ValueError, match="masks"):
        interpolate(first, first[:5], class_id=1, share=0.5)
    with pytest.raises(ValueError, match="share"):
        interpolate(first, first, class_id=1, share=2)


@pytest.mark.parametrize("method", ["phase", "flow"])
def test_a_region_follows_what_it_lies_on(method):
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (240, 320), dtype=np.uint8), (7, 7), 2)
    following = np.roll(picture, (5, -12), (0, 1))
    region = Region((120, 80, 190, 140), np.ones((60, 70), np.bool_))
    shift = estimate_shift(picture, following, region, method=method)
    assert shift == (-12, 5)
    copied = copy_region(region, (320, 240), shift=shift)
    assert copied is not None
    assert copied.box == (108, 85, 178, 145)
    assert copy_region(region, (320, 240), shift=(500, 0)) is None


@pytest.mark.parametrize("method", ["phase", "flow"])
def test_nothing_to_follow_is_no_shift(method):
    flat = np.zeros((100, 100), np.uint8)
    region = Region((20, 20, 40, 40), np.ones((20, 20), np.bool_))
    assert estimate_shift(flat, flat, region, method=method) == (0, 0)
    assert estimate_shift(flat, flat[:50], region, method=method) == (0, 0)
