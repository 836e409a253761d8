"""Regions while they are drawn: steps, what is under the pointer, the way to settings and back."""

from __future__ import annotations

import numpy as np
import pytest

from core.annotation.inspected_regions import (
    InspectedRegion,
    RegionDrawing,
    RegionKind,
    area_of_regions,
    kept_inside,
    regions_of,
)
from core.annotation.polygon import Polygon
from core.annotation.shapes import Outline
from core.portable.cleaning import InspectedArea

SIZE = (40, 60)  # height, width


def rectangle(x0, y0, x1, y1, kind=RegionKind.INSPECT) -> InspectedRegion:
    return InspectedRegion(kind, Outline.between("rectangle", (x0, y0), (x1, y1)))


def polygon(*points, kind=RegionKind.INSPECT) -> InspectedRegion:
    return InspectedRegion(kind, Outline.of(Polygon.of(points)))


def test_every_step_can_be_undone_and_done_again() -> None:
    drawing = RegionDrawing()
    first, second = rectangle(1, 1, 9, 9), polygon((20, 2), (30, 2), (25, 9))
    assert not drawing.undo()
    states = [drawing.regions]
    for step in (
        lambda: drawing.add(first),
        lambda: drawing.add(second),
        lambda: drawing.replace(0, rectangle(2, 2, 9, 9)),
        lambda: drawing.replace(1, InspectedRegion(RegionKind.IGNORE, second.outline)),
        lambda: drawing.remove(0),
        drawing.clear,
    ):
        step()
        states.append(drawing.regions)
    assert [len(one) for one in states] == [0, 1, 2, 2, 2, 1, 0]
    for state in reversed(states[:-1]):
        assert drawing.undo()
        assert drawing.regions == state
    for state in states[1:]:
        assert drawing.redo()
        assert drawing.regions == state
    assert not drawing.redo()
    drawing.undo()
    drawing.add(first)
    assert not drawing.can_redo  # another way was taken


def test_what_changes_nothing_is_no_step() -> None:
    drawing = RegionDrawing()
    drawing.clear()
    drawing.add(rectangle(1, 1, 9, 9))
    drawing.replace(0, rectangle(1, 1, 9, 9))
    assert drawing.undo()
    assert not drawing.can_undo


def test_others_cannot_be_undone() -> None:
    drawing = RegionDrawing()
    drawing.add(rectangle(1, 1, 9, 9))
    drawing.start_over([rectangle(3, 3, 5, 5)])
    assert not drawing.can_undo
    assert len(drawing.regions) == 1


def test_the_last_one_drawn_lies_on_top() -> None:
    drawing = RegionDrawing()
    drawing.start_over([rectangle(0, 0, 30, 30), polygon((10, 10), (20, 10), (10, 20))])
    assert drawing.region_at(12, 12) == 1
    assert drawing.region_at(19, 19) == 0
    assert drawing.region_at(30.9, 30.9) == 0  # the pixel of its corner belongs to it
    assert drawing.region_at(31, 30) is None


@pytest.mark.parametrize("clockwise", [True, False])
def test_settings_hold_the_same_pixels(clockwise) -> None:
    regions = [
        rectangle(40, 30, 5, 3),
        polygon((2, 2), (50.5, 8), (30, 35.25), (9, 20)),
        rectangle(12, 9, 18, 16, kind=RegionKind.IGNORE),
        polygon((30, 10), (35, 10), (33, 18), kind=RegionKind.IGNORE),
    ]
    area = area_of_regions(regions)
    if not clockwise:
        area = InspectedArea(
            regions=tuple(one[::-1] for one in area.regions),
            dont_care=tuple(one[::-1] for one in area.dont_care),
        )
    again = regions_of(area)
    assert [one.kind for one in again] == [one.kind for one in regions]
    assert [one.outline.kind for one in again] == ["rectangle", "polygon"] * 2
    wanted = np.zeros(SIZE, bool)
    for one in regions[:2]:
        x0, y0, x1, y1 = (found := one.outline.region(SIZE[::-1])).box
        wanted[y0:y1, x0:x1] |= found.pixels
    for one in regions[2:]:
        x0, y0, x1, y1 = (found := one.outline.region(SIZE[::-1])).box
        wanted[y0:y1, x0:x1] &= ~found.pixels
    included = area_of_regions(again).included(SIZE)
    assert included is not None
    # OpenCV and Pillow may round an edge's pixel to different sides.
    assert (included != wanted).sum() <= 0.02 * wanted.sum()
    np.testing.assert_array_equal(included, area.included(SIZE))


def test_a_tilted_rectangle_stays_a_polygon() -> None:
    area = InspectedArea(regions=(((10.0, 0.0), (20.0, 10.0), (10.0, 20.0), (0.0, 10.0)),))
    (region,) = regions_of(area)
    assert region.outline.kind == "polygon"
    assert area_of_regions([region]) == area


def test_points_stay_inside_the_image() -> None:
    assert kept_inside((-3, 70), (60, 40)) == (0, 40 - 1 / 16)
    assert kept_inside((12.5, 7), (60, 40)) == (12.5, 7)
