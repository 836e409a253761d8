"""Regions that say which part of an image is inspected, while they are drawn: changes and undo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import cv2
import numpy as np

from core.annotation.polygon import Point
from core.annotation.polygon import Polygon as Rings
from core.annotation.shapes import Outline
from core.portable.cleaning import InspectedArea, Polygon

_INSIDE: Final = 1 / 16  # a vertex on the far border would stand for a pixel beyond it
_KEPT_STEPS: Final = 500


class RegionKind(StrEnum):
    """What a region means; ``InspectedArea`` calls them ``regions`` and ``dont_care``."""

    INSPECT = "inspect"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, eq=False)
class InspectedRegion:
    """A rectangle or a polygon without holes, and what it means."""

    kind: RegionKind
    outline: Outline

    def contains(self, x: float, y: float) -> bool:
        """Whether a point in image pixels lies in it or on its border."""
        ring = np.floor(self.corners()).astype(np.float32)
        return cv2.pointPolygonTest(ring, (float(np.floor(x)), float(np.floor(y))), False) >= 0

    def corners(self) -> np.ndarray:
        """Return its corners (N, 2), those of a rectangle clockwise from the upper left one."""
        ring = self.outline.polygon.outer
        if not self.outline.is_box:
            return ring
        (x0, y0), (x1, y1) = ring.min(axis=0).tolist(), ring.max(axis=0).tolist()
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


Regions = tuple[InspectedRegion, ...]


class RegionDrawing:
    """The regions in the order in which they were drawn, and the steps that led there."""

    def __init__(self) -> None:
        self.regions: Regions = ()
        self._done: list[Regions] = []
        self._undone: list[Regions] = []

    def start_over(self, regions: Iterable[InspectedRegion]) -> None:
        """Go on with others; nothing can be undone."""
        self.regions = tuple(regions)
        self._done.clear()
        self._undone.clear()

    def add(self, region: InspectedRegion) -> int:
        """Add a region as one step; return its index."""
        self._step((*self.regions, region))
        return len(self.regions) - 1

    def replace(self, index: int, region: InspectedRegion) -> None:
        """Change a region as one step; the same form and kind are none."""
        old = self.regions[index]
        if old.kind != region.kind or not old.outline.same_as(region.outline):
            self._step((*self.regions[:index], region, *self.regions[index + 1 :]))

    def remove(self, index: int) -> None:
        """Remove a region as one step."""
        self._step((*self.regions[:index], *self.regions[index + 1 :]))

    def clear(self) -> None:
        """Remove all of them as one step."""
        if self.regions:
            self._step(())

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return bool(self._undone)

    def undo(self) -> bool:
        """Take the last step back; return whether there was one."""
        return self._move(self._done, self._undone)

    def redo(self) -> bool:
        """Do it again; return whether there was one."""
        return self._move(self._undone, self._done)

    def region_at(self, x: float, y: float) -> int | None:
        """Return the index of the last region drawn at a point, None where there is none."""
        for index in reversed(range(len(self.regions))):
            if self.regions[index].contains(x, y):
                return index
        return None

    def _step(self, regions: Regions) -> None:
        self._done.append(self.regions)
        del self._done[:-_KEPT_STEPS]
        self._undone.clear()
        self.regions = regions

    def _move(self, source: list[Regions], target: list[Regions]) -> bool:
        if not source:
            return False
        target.append(self.regions)
        self.regions = source.pop()
        return True


def regions_of(area: InspectedArea) -> list[InspectedRegion]:
    """Return the polygons of an inspected area as regions; upright rectangles are told."""
    kinds = ((RegionKind.INSPECT, area.regions), (RegionKind.IGNORE, area.dont_care))
    return [
        InspectedRegion(kind, _outline(polygon)) for kind, polygons in kinds for polygon in polygons
    ]


def polygons_of(regions: Iterable[InspectedRegion], kind: RegionKind) -> tuple[Polygon, ...]:
    """Return the polygons of one kind as ``InspectedArea`` has them."""
    return tuple(
        tuple((float(x), float(y)) for x, y in one.corners().tolist())
        for one in regions
        if one.kind is kind
    )


def area_of_regions(regions: Sequence[InspectedRegion]) -> InspectedArea:
    """Return which part of an image is inspected by these regions."""
    return InspectedArea(
        regions=polygons_of(regions, RegionKind.INSPECT),
        dont_care=polygons_of(regions, RegionKind.IGNORE),
    )


def kept_inside(point: Point, size: tuple[int, int]) -> Point:
    """Return the point of an image of ``size`` (width, height) that is nearest to ``point``."""
    x, y = point
    return min(max(x, 0.0), size[0] - _INSIDE), min(max(y, 0.0), size[1] - _INSIDE)


def _outline(polygon: Polygon) -> Outline:
    if len(polygon) == 4:
        (a, b), (c, d), (e, f), (g, h) = polygon
        if (b, c, f, g) == (d, e, h, a) or (a, d, e, h) == (c, f, g, b):
            return Outline.between("rectangle", polygon[0], polygon[2])
    return Outline.of(Rings.of(polygon))
