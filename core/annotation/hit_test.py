"""Which polygon, vertex or edge is under the pointer, among thousands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.annotation.polygon import Point, Polygon, Ring


@dataclass(frozen=True, slots=True)
class VertexHit:
    """Vertex ``index`` of ring ``ring`` (0 is the outer one) of polygon ``polygon``."""

    polygon: int
    ring: int
    index: int


@dataclass(frozen=True, slots=True)
class EdgeHit:
    """The edge before vertex ``index``; a vertex inserted there at ``point`` lies on it."""

    polygon: int
    ring: int
    index: int
    point: Point


class HitTest:
    """A table of bounding boxes; later polygons lie on top of earlier ones."""

    def __init__(self, polygons: Sequence[Polygon] = ()) -> None:
        self._polygons = list(polygons)
        self._boxes = np.array([_box(polygon) for polygon in self._polygons], np.float64).reshape(
            -1, 4
        )

    def replace(self, index: int, polygon: Polygon) -> None:
        """Put another polygon in the place of one."""
        self._polygons[index] = polygon
        self._boxes[index] = _box(polygon)

    def polygon_at(self, x: float, y: float) -> int | None:
        """Return the index of the topmost polygon that contains a point (holes do not)."""
        for index in self._near(x, y, 0.0):
            if contains(self._polygons[index], x, y):
                return index
        return None

    def vertex_at(
        self, x: float, y: float, *, radius: float, only: int | None = None
    ) -> VertexHit | None:
        """Return the nearest vertex within ``radius`` pixels, of polygon ``only`` if given."""
        best: VertexHit | None = None
        least = radius * radius
        for number in self._candidates(x, y, radius, only):
            for ring_index, ring in enumerate(self._polygons[number].rings):
                squares = ((ring - (x, y)) ** 2).sum(axis=1)
                nearest = int(squares.argmin())
                if squares[nearest] <= least and (best is None or squares[nearest] < least):
                    least = float(squares[nearest])
                    best = VertexHit(number, ring_index, nearest)
        return best

    def edge_at(
        self, x: float, y: float, *, radius: float, only: int | None = None
    ) -> EdgeHit | None:
        """Return the nearest edge within ``radius`` pixels, of polygon ``only`` if given."""
        best: EdgeHit | None = None
        least = radius * radius
        for number in self._candidates(x, y, radius, only):
            for ring_index, ring in enumerate(self._polygons[number].rings):
                feet = _feet(ring, x, y)
                squares = ((feet - (x, y)) ** 2).sum(axis=1)
                nearest = int(squares.argmin())
                if squares[nearest] <= least and (best is None or squares[nearest] < least):
                    least = float(squares[nearest])
                    foot = (float(feet[nearest, 0]), float(feet[nearest, 1]))
                    best = EdgeHit(number, ring_index, nearest + 1, foot)
        return best

    def _candidates(self, x: float, y: float, radius: float, only: int | None) -> list[int]:
        return self._near(x, y, radius) if only is None else [only]

    def _near(self, x: float, y: float, radius: float) -> list[int]:
        """Polygons whose boxes are within ``radius``, topmost first."""
        boxes = self._boxes
        near = (boxes[:, 0] - radius <= x) & (x <= boxes[:, 2] + radius)
        near &= (boxes[:, 1] - radius <= y) & (y <= boxes[:, 3] + radius)
        return [int(index) for index in np.flatnonzero(near)[::-1]]


def contains(polygon: Polygon, x: float, y: float) -> bool:
    """Say whether a point lies in the polygon and in none of its holes."""
    return _in_ring(polygon.outer, x, y) and not any(_in_ring(hole, x, y) for hole in polygon.holes)


def _in_ring(ring: Ring, x: float, y: float) -> bool:
    x0, y0 = ring[:, 0], ring[:, 1]
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    crosses = (y0 > y) != (y1 > y)
    x0, y0, x1, y1 = x0[crosses], y0[crosses], x1[crosses], y1[crosses]
    right = x0 + (y - y0) * (x1 - x0) / (y1 - y0) > x
    return bool(np.count_nonzero(right) % 2)


def _feet(ring: Ring, x: float, y: float) -> Ring:
    """The point of each edge nearest to (x, y)."""
    along = np.roll(ring, -1, axis=0) - ring
    squares = (along**2).sum(axis=1)
    share = ((np.array([x, y]) - ring) * along).sum(axis=1) / np.where(squares == 0, 1, squares)
    feet: Ring = ring + np.clip(share, 0, 1)[:, None] * along
    return feet


def _box(polygon: Polygon) -> tuple[float, float, float, float]:
    if not len(polygon.outer):
        return np.inf, np.inf, -np.inf, -np.inf
    x0, y0 = polygon.outer.min(axis=0)
    x1, y1 = polygon.outer.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)
