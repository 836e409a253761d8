"""Brush strokes with a hard edge.

A stroke is the area a disc or square sweeps, worked out row by row, so its cost does not depend on
how fast the pointer moves and there are no gaps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.annotation.edits import (
    FREE,
    Box,
    Mask,
    MaskEdit,
    PaintRule,
    Region,
    crop,
    edit_between,
    fill_pixels,
    intersect,
    unite,
    whole_box,
)

Point = tuple[float, float]
BrushShape = Literal["round", "square"]
MAX_SIZE = 8192
_TILE = 256
_PIECE = 256


@dataclass(frozen=True, slots=True)
class Brush:
    """``size`` is the diameter, or side, in pixels: 1 paints the pixel under the pointer.

    Raises:
        ValueError: size outside 1 … ``MAX_SIZE``.
    """

    size: int = 10
    shape: BrushShape = "round"

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MAX_SIZE:
            raise ValueError(f"size {self.size} is outside 1 … {MAX_SIZE}")

    def centre(self, point: Point) -> Point:
        """Return where the brush sits for a pointer at ``point``.

        Odd sizes sit on pixel centres and even ones on corners, so that every dab of a size has
        the same pixels.
        """
        x, y = point
        if self.size % 2:
            return math.floor(x) + 0.5, math.floor(y) + 0.5
        return float(math.floor(x + 0.5)), float(math.floor(y + 0.5))


def sweep(start: Point, end: Point, *, brush: Brush, size: tuple[int, int]) -> Region | None:
    """Return what a brush covers on its way from ``start`` to ``end``.

    Args:
        start: first pointer position (x, y).
        end: last one; equal to ``start`` for a single dab.
        brush: the brush.
        size: (width, height) of the image.

    Returns:
        The pixels whose centres are covered, inside the image; None if there are none.
    """
    a, b = brush.centre(start), brush.centre(end)
    radius = brush.size / 2
    box = intersect(_sweep_box(a, b, radius), (0, 0, *size))
    if box is None:
        return None
    rows = np.arange(box[1], box[3], dtype=np.float64) + 0.5
    if brush.shape == "round":
        left, right = _round_extent(a, b, radius, rows)
    else:
        left, right = _extent(_square_sides(a, b, radius), rows)
    columns = (np.arange(box[0], box[2]) + 0.5).astype(np.float32)
    inside = columns >= left.astype(np.float32)[:, None]
    inside &= columns <= right.astype(np.float32)[:, None]
    return Region(box, inside)


class Stroke:
    """A stroke in the making: paints ``mask`` in place as the pointer moves.

    Args:
        mask: the mask, changed in place.
        brush: the brush.
        class_id: class to paint (0 erases).
        rule: which pixels may change.
    """

    def __init__(self, mask: Mask, brush: Brush, *, class_id: int, rule: PaintRule = FREE) -> None:
        self._mask = mask
        self._brush = brush
        self._class_id = np.uint8(class_id)
        self._rule = rule
        self._tiles: dict[tuple[int, int], Mask] = {}
        self._last: Point | None = None

    def move_to(self, x: float, y: float) -> Box | None:
        """Paint from the last position to this one.

        Returns:
            The box to draw again, None if nothing of the brush is inside the image.
        """
        start = (x, y) if self._last is None else self._last
        self._last = (x, y)
        touched: Box | None = None
        for piece_start, piece_end in _pieces(start, (x, y)):
            touched = unite(touched, self._paint(piece_start, piece_end))
        return touched

    def finish(self) -> tuple[MaskEdit, ...]:
        """Return what the stroke changed, tile by tile, for the undo stack."""
        edits = []
        for (column, row), before in self._tiles.items():
            height, width = before.shape
            x, y = column * _TILE, row * _TILE
            after = crop(self._mask, (x, y, x + width, y + height))
            edit = edit_between(before, after, origin=(x, y))
            if edit is not None:
                edits.append(edit)
        self._tiles.clear()
        self._last = None
        return tuple(edits)

    def cancel(self) -> tuple[Box, ...]:
        """Take the stroke back; return the boxes to draw again."""
        edits = self.finish()
        for edit in edits:
            edit.revert(self._mask)
        return tuple(edit.box for edit in edits)

    def _paint(self, start: Point, end: Point) -> Box | None:
        size = (self._mask.shape[1], self._mask.shape[0])
        region = sweep(start, end, brush=self._brush, size=size)
        if region is None:
            return None
        self._keep(region.box)
        fill_pixels(crop(self._mask, region.box), region.pixels, self._class_id, self._rule)
        return region.box

    def _keep(self, box: Box) -> None:
        """Remember the tiles under ``box`` as they were before the stroke."""
        x0, y0, x1, y1 = box
        bounds = whole_box(self._mask)
        for row in range(y0 // _TILE, (y1 - 1) // _TILE + 1):
            for column in range(x0 // _TILE, (x1 - 1) // _TILE + 1):
                if (column, row) not in self._tiles:
                    x, y = column * _TILE, row * _TILE
                    tile = intersect((x, y, x + _TILE, y + _TILE), bounds)
                    assert tile is not None
                    self._tiles[column, row] = crop(self._mask, tile).copy()


def _pieces(start: Point, end: Point) -> list[tuple[Point, Point]]:
    """Cut a long way into short ones: the box of a long diagonal would be the whole image."""
    count = max(1, math.ceil(math.dist(start, end) / _PIECE))
    stops = [
        (
            start[0] + (end[0] - start[0]) * k / count,
            start[1] + (end[1] - start[1]) * k / count,
        )
        for k in range(count + 1)
    ]
    return list(pairwise(stops))


def _sweep_box(a: Point, b: Point, radius: float) -> Box:
    return (
        math.floor(min(a[0], b[0]) - radius),
        math.floor(min(a[1], b[1]) - radius),
        math.ceil(max(a[0], b[0]) + radius),
        math.ceil(max(a[1], b[1]) + radius),
    )


Floats = npt.NDArray[np.float64]


def _round_extent(a: Point, b: Point, radius: float, rows: Floats) -> tuple[Floats, Floats]:
    """First and last x that a disc swept from ``a`` to ``b`` covers in each row."""
    left = np.full(rows.shape, np.inf)
    right = np.full(rows.shape, -np.inf)
    for x, y in (a, b):
        height = radius * radius - (rows - y) ** 2
        half = np.sqrt(np.maximum(height, 0))
        left = np.where(height >= 0, np.minimum(left, x - half), left)
        right = np.where(height >= 0, np.maximum(right, x + half), right)
    length = math.dist(a, b)
    if length:
        dx, dy = (b[1] - a[1]) / length * radius, (a[0] - b[0]) / length * radius
        sides = [
            ((a[0] + dx, a[1] + dy), (b[0] + dx, b[1] + dy)),
            ((a[0] - dx, a[1] - dy), (b[0] - dx, b[1] - dy)),
        ]
        side_left, side_right = _extent(sides, rows)
        left, right = np.minimum(left, side_left), np.maximum(right, side_right)
    return left, right


def _square_sides(a: Point, b: Point, radius: float) -> list[tuple[Point, Point]]:
    corners = [(-radius, -radius), (radius, -radius), (radius, radius), (-radius, radius)]
    sides: list[tuple[Point, Point]] = []
    for (dx, dy), (ex, ey) in zip(corners, corners[1:] + corners[:1], strict=True):
        sides += [((x + dx, y + dy), (x + ex, y + ey)) for x, y in (a, b)]
        sides.append(((a[0] + dx, a[1] + dy), (b[0] + dx, b[1] + dy)))
    return sides


def _extent(sides: list[tuple[Point, Point]], rows: Floats) -> tuple[Floats, Floats]:
    """First and last x where any of the line segments crosses each row; inf, -inf where none."""
    left = np.full(rows.shape, np.inf)
    right = np.full(rows.shape, -np.inf)
    for (xa, ya), (xb, yb) in sides:
        if ya == yb:
            continue
        x = xa + (rows - ya) * ((xb - xa) / (yb - ya))
        crosses = (rows >= min(ya, yb)) & (rows <= max(ya, yb))
        left = np.where(crosses, np.minimum(left, x), left)
        right = np.where(crosses, np.maximum(right, x), right)
    return left, right
