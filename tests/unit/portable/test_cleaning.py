"""Cleaning: regions first, then holes, then small objects."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.morphology import remove_small_holes, remove_small_objects

from core.images.io import write_mask
from core.portable.cleaning import InspectedArea, clean_label_map
from core.portable.portable_error import PortableError

SQUARE = ((2, 2), (9, 2), (9, 9), (2, 9))


def blobs(seed: int, share: float = 0.55) -> np.ndarray:
    noise = np.random.default_rng(seed).random((60, 80)).astype(np.float32)
    return (cv2.GaussianBlur(noise, (5, 5), 1.2) > np.quantile(noise, share) * 0.93).astype(
        np.uint8
    )


@pytest.mark.parametrize("seed", range(6))
def test_small_objects_go_as_with_scikit_image(seed):
    area = blobs(seed)
    clean = clean_label_map(area, background=0, minimum_area=(0, 12))
    expected = remove_small_objects(area.astype(bool), max_size=11, connectivity=2)
    assert (clean == expected).all()
    assert (clean != area).any()


@pytest.mark.parametrize("seed", range(6))
def test_holes_are_filled_as_with_scikit_image(seed):
    area = np.pad(blobs(seed, 0.4), 2, constant_values=1)
    area[0] = area[-1] = 0
    area[:, 0] = area[:, -1] = 0
    clean = clean_label_map(area, background=0, fill_holes=(0, 9))
    expected = remove_small_holes(area.astype(bool), max_size=9, connectivity=1)
    assert (clean == expected).all()
    assert (clean != area).any()


def test_a_hole_between_two_classes_or_with_another_class_in_it_stays():
    label_map = np.zeros((12, 12), np.uint8)
    label_map[1:11, 1:11] = 1
    label_map[3:6, 3:6] = 0
    label_map[4, 4] = 2  # a blowhole in the hole of a crack
    clean = clean_label_map(label_map, background=0, fill_holes=(0, 99, 99))
    assert (clean == label_map).all()
    label_map[4, 4] = 0
    assert (clean_label_map(label_map, background=0, fill_holes=(0, 8))[3:6, 3:6] == 0).all()
    assert (clean_label_map(label_map, background=0, fill_holes=(0, 9))[3:6, 3:6] == 1).all()


def test_a_hole_at_the_border_or_at_an_excluded_pixel_stays():
    label_map = np.ones((9, 9), np.uint8)
    label_map[0, 4] = label_map[4, 4] = 0
    clean = clean_label_map(label_map, background=0, fill_holes=(0, 5))
    assert clean[4, 4] == 1
    assert clean[0, 4] == 0
    included = np.ones((9, 9), np.bool_)
    included[5, 4] = False
    clean = clean_label_map(label_map, background=0, fill_holes=(0, 5), included=included)
    assert clean[4, 4] == clean[5, 4] == 0


def test_what_a_region_leaves_of_an_object_is_what_counts():
    label_map = np.zeros((12, 12), np.uint8)
    label_map[4, 1:11] = 1
    included = InspectedArea(regions=(SQUARE,)).included((12, 12))
    clean = clean_label_map(label_map, background=0, included=included, minimum_area=(0, 8))
    assert clean.sum() == 8
    assert (
        clean_label_map(label_map, background=0, included=included, minimum_area=(0, 9)).sum() == 0
    )
    assert label_map.sum() == 10  # the caller's own stays as it is


def test_regions_include_their_borders_and_dont_care_areas_win():
    inside = InspectedArea(
        regions=(SQUARE, ((10, 10), (40, 10), (40, 40))),
        dont_care=(((3, 3), (5, 3), (5, 5), (3, 5)),),
    ).included((12, 12))
    expected = np.zeros((12, 12), np.bool_)
    expected[2:10, 2:10] = True
    expected[3:6, 3:6] = False
    expected[10, 10:] = expected[11, 11] = True
    assert (inside == expected).all()
    assert InspectedArea().included((5, 5)) is None


def test_region_files(tmp_path):
    stencil = np.zeros((6, 8), np.uint8)
    stencil[2:4] = 7
    file = tmp_path / "区域.png"
    file.write_bytes(cv2.imencode(".png", stencil)[1].tobytes())
    assert (InspectedArea(regions_file=file).included((6, 8)) == (stencil > 0)).all()
    assert (InspectedArea(dont_care_file=file).included((6, 8)) == (stencil == 0)).all()
    with pytest.raises(PortableError, match="8 × 6 pixels, but the image has 9 × 6"):
        InspectedArea(regions_file=file).included((6, 9))
    for content in (b"", b"no image"):
        other = tmp_path / f"{len(content)}.png"
        other.write_bytes(content)
        with pytest.raises(PortableError, match="is no grey PNG"):
            InspectedArea(regions_file=other).included((6, 8))
    write_mask(tmp_path / "palette.png", stencil, palette=[(1, 1, 1)] * 9)
    for name in ("missing.png", "palette.png", "."):
        with pytest.raises(PortableError, match="is no grey PNG"):
            InspectedArea(dont_care_file=tmp_path / name).included((6, 8))


def test_without_a_background_removed_pixels_are_of_no_class():
    clean = clean_label_map(np.array([[0, 1, 1]], np.uint8), background=None, minimum_area=(2, 2))
    assert clean.tolist() == [[255, 1, 1]]
