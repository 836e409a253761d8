"""Carrying labels through a sequence."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.annotation.edits import Region
from core.annotation.interpolation import copy_region, interpolate


def test_a_disc_between_two_frames_is_half_way_in_place_and_size():
    first, second = disc((40, 40), 10), disc((140, 80), 30)
    assert np.array_equal(at(first, second, 0.0), first == 1)
    assert np.array_equal(at(first, second, 1.0), second == 1)
    middle = at(first, second, 0.5)
    expected = disc((90, 60), 20) == 1
    assert (middle & expected).sum() / (middle | expected).sum() > 0.93


def disc(centre, radius):
    mask = np.zeros((120, 200), np.uint8)
    cv2.circle(mask, centre, radius, 1, -1)
    return mask


def at(first, second, share):
    region = interpolate(first, second, class_id=1, share=share)
    return region.in_box((0, 0, 200, 120))


def test_a_class_missing_from_a_frame_is_not_interpolated():
    first = disc((40, 40), 10)
    assert interpolate(first, np.zeros_like(first), class_id=1, share=0.5) is None
    with pytest.raises(ValueError, match="masks"):
        interpolate(first, first[:5], class_id=1, share=0.5)
    with pytest.raises(ValueError, match="share"):
        interpolate(first, first, class_id=1, share=2)


def test_a_region_is_copied_as_far_as_it_lies_in_the_next_image():
    region = Region((120, 80, 190, 140), np.ones((60, 70), np.bool_))
    copied = copy_region(region, (320, 240), shift=(-12, 5))
    assert copied is not None
    assert copied.box == (108, 85, 178, 145)
    assert copy_region(region, (320, 240), shift=(500, 0)) is None
