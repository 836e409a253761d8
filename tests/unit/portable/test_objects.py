"""Objects against scikit-image and shapely, which measure in other ways."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from skimage.measure import label, regionprops

from core.portable.objects import FoundObject, find_objects

LABELS = ["background", "Crack", "Blowhole"]


def found(label_map, scores=None, **more) -> list[FoundObject]:
    options = {"labels": LABELS, "background": 0} | more
    return find_objects(np.asarray(label_map, np.uint8), scores, **options)


def references(label_map, class_id):
    """Area, box and center of each object of a class, with its pixels, as scikit-image has them."""
    for one in regionprops(label(label_map == class_id, connectivity=2)):
        y0, x0, y1, x1 = one.bbox
        center = (one.centroid[1] + 0.5, one.centroid[0] + 0.5)
        yield int(one.area), (x0, y0, x1, y1), center, one.coords


def rectangle(coords) -> tuple[float, float]:
    """Length and width of shapely's smallest rectangle around pixels with their corners."""
    corners = [(x + i, y + j) for (y, x), i, j in product(coords, (0, 1), (0, 1))]
    ring = shapely.minimum_rotated_rectangle(shapely.MultiPoint(corners)).exterior.coords
    sides = [float(np.hypot(*np.subtract(ring[i + 1], ring[i]))) for i in (0, 1)]
    return max(sides), min(sides)


@settings(max_examples=120, deadline=None)
@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24)).map(lambda m: m % 3)
)
def test_objects_are_those_of_scikit_image(label_map):
    objects = found(label_map)
    for class_id in (1, 2):
        mine = sorted(
            (one.area_px, one.box, one.center) for one in objects if one.class_id == class_id
        )
        theirs = sorted(one[:3] for one in references(label_map, class_id))
        assert [one[:2] for one in mine] == [one[:2] for one in theirs]
        assert np.allclose(
            [one[2] for one in mine] or 0, [one[2] for one in theirs] or 0, atol=1e-3
        )


@settings(max_examples=120, deadline=None)
@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24)).map(lambda m: m % 2)
)
def test_rectangles_are_as_small_as_those_of_shapely(label_map):
    mine = {(*one.box, one.area_px, *one.center): one for one in found(label_map)}
    for area, box, center, coords in references(label_map, 1):
        one = mine[(*box, area, *(round(float(value), 3) for value in center))]
        length, width = rectangle(coords)
        assert one.length_px * one.width_px == pytest.approx(length * width, rel=2e-3)
        if one.length_px != pytest.approx(length, rel=1e-3):  # two rectangles of one area
            assert one.length_px >= one.width_px


def test_one_pixel_is_one_by_one_at_every_border():
    label_map = np.zeros((5, 7), np.uint8)
    for y, x in ((0, 0), (0, 6), (4, 0), (4, 6), (2, 3)):
        label_map[y, x] = 1
    objects = found(label_map)
    assert [(one.length_px, one.width_px, one.area_px) for one in objects] == [(1, 1, 1)] * 5
    assert objects[0].center == (0.5, 0.5)
    assert objects[-1].box == (6, 4, 7, 5)


def test_a_slanted_bar_has_its_own_length_and_direction():
    ys, xs = np.mgrid[:400, :400]
    angle = np.deg2rad(30)
    along = (xs - 199.5) * np.cos(angle) + (ys - 199.5) * np.sin(angle)
    across = -(xs - 199.5) * np.sin(angle) + (ys - 199.5) * np.cos(angle)
    (bar,) = found((abs(along) < 150) & (abs(across) < 10))
    assert bar.length_px == pytest.approx(300, abs=2)
    assert bar.width_px == pytest.approx(20, abs=2)
    assert bar.angle == pytest.approx(30, abs=1)


@pytest.mark.parametrize(("shape", "angle"), [((2, 9), 0), ((9, 2), 90)])
def test_directions_along_rows_and_columns(shape, angle):
    label_map = np.zeros((12, 12), np.uint8)
    label_map[1 : 1 + shape[0], 2 : 2 + shape[1]] = 1
    (one,) = found(label_map)
    assert (one.length_px, one.width_px, one.angle) == (9, 2, angle)


def test_an_object_in_the_hole_of_another_is_measured_itself():
    label_map = np.zeros((20, 20), np.uint8)
    label_map[2:18, 2:18] = 1
    label_map[5:15, 5:15] = 0
    label_map[8:11, 8:10] = 1
    ring, inner = found(label_map)
    assert (ring.area_px, ring.length_px, ring.width_px) == (156, 16, 16)
    assert (inner.area_px, inner.length_px, inner.width_px, inner.center) == (6, 3, 2, (9, 9.5))


def test_scores_are_those_of_the_objects_own_class():
    scores = np.zeros((4, 6, 3), np.float32)
    scores[..., 0] = 1
    scores[1, 1:4] = [(0.1, 0.9, 0), (0.3, 0.7, 0), (0.4, 0.5, 0.1)]
    scores[3, 5] = (0.2, 0.2, 0.6)
    crack, hole = found(scores.argmax(axis=2), scores)
    assert (crack.score, crack.score_max) == (0.7, 0.9)
    assert (hole.name, hole.score, hole.score_max) == ("Blowhole", 0.6, 0.6)
    assert found(scores.argmax(axis=2))[0].score is None


def test_millimetres_are_as_people_compute_them():
    label_map = np.zeros((4, 9), np.uint8)
    label_map[1, 2:5] = 1
    (one,) = found(label_map, pixel_size_mm=0.1)
    assert (one.length_mm, one.width_mm, one.area_mm2) == (0.3, 0.1, 0.03)
    assert one.center_mm == (0.35, 0.15)
    assert one.to_dict()["length_mm"] == 0.3
    (without,) = found(label_map)
    assert without.length_mm is without.area_mm2 is without.center_mm is None


def test_what_is_no_class_is_no_object():
    assert found([[255, 3, 0]]) == []
    assert [one.name for one in found([[0, 1]], background=None)] == ["background", "Crack"]
