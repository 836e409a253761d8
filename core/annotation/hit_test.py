"""Which vertex or edge of a polygon is under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.annotation.polygon import Point, Ring


@dataclass(frozen=True, slots=True)
class VertexHit:
    """Vertex ``index`` of ring ``ring``."""

    ring: int
    index: int


@dataclass(frozen=True, slots=True)
class EdgeHit:
    """The edge before vertex ``index`` of ring ``ring``; ``point`` lies on it."""

    ring: int
    index: int
    point: Point


def vertex_at(rings: Sequence[Ring], x: float, y: float, *, radius: float) -> VertexHit | None:
    """Return the nearest vertex within ``radius`` pixels."""
    best: VertexHit | None = None
    least = radius * radius
    for number, ring in enumerate(rings):
        squares = ((ring - (x, y)) ** 2).sum(axis=1)
        nearest = int(squares.argmin())
        if squares[nearest] <= least and (best is None or squares[nearest] < least):
            least = float(squares[nearest])
            best = VertexHit(number, nearest)
    return best


def edge_at(rings: Sequence[Ring], x: float, y: float, *, radius: float) -> EdgeHit | None:
    """Return the nearest edge within ``radius`` pixels."""
    best: EdgeHit | None = None
    least = radius * radius
    for number, ring in enumerate(rings):
        feet = _feet(ring, x, y)
        squares = ((feet - (x, y)) ** 2).sum(axis=1)
        nearest = int(squares.argmin())
        if squares[nearest] <= least and (best is None or squares[nearest] < least):
            least = float(squares[nearest])
            foot = (float(feet[nearest, 0]), float(feet[nearest, 1]))
            best = EdgeHit(number, nearest + 1, foot)
    return best


def _feet(ring: Ring, x: float, y: float) -> Ring:
    """The point of each edge nearest to (x, y)."""
    along = np.roll(ring, -1, axis=0) - ring
    squares = (along**2).sum(axis=1)
    share = ((np.array([x, y]) - ring) * along).sum(axis=1) / np.where(squares == 0, 1, squares)
    feet: Ring = ring + np.clip(share, 0, 1)[:, None] * along
    return feet
