"""Shapes that stay editable above the mask: their outline, their class, and what lies beneath."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np

from core.annotation.edits import Box, Mask, Region
from core.annotation.polygon import (
    Point,
    Polygon,
    Ring,
    ellipse_region,
    pixel_ring,
    polygon_region,
    rectangle_region,
)

Kind = Literal["polygon", "rectangle", "ellipse"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_SHAPES = 200_000
"""Shapes of one image that are kept."""
MOST_VERTICES = 500_000
"""Vertices of a shape that is kept."""
FARTHEST = 1_000_000
"""Pixels that a vertex of a shape that is kept may lie from the image's corner."""
_SHAPE_BYTES = 720
_RING_BYTES = 160
_STEPS = 16.0  # vertices lie on multiples of 1 / 16 pixel, which binary and decimal numbers hold
# Handles of a box run around it from its first corner; which end of x and y each one moves.
_MOVED_X = (0, None, 1, 1, 1, None, 0, 0)
_MOVED_Y = (0, 0, 0, None, 1, 1, 1, None)


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A form with vertices; make one with ``of`` or ``between``.

    Attributes:
        kind: what the vertices mean.
        polygon: a polygon's rings; for a rectangle or an ellipse two opposite corners, no holes.
        box: the pixels from the least to the greatest vertex, inside the image or not.
    """

    kind: Kind
    polygon: Polygon
    box: Box = field(init=False)

    def __post_init__(self) -> None:
        """Find the box, which is asked for all the time."""
        ring = pixel_ring(self.polygon.outer)
        x0, y0 = ring.min(axis=0).tolist()
        x1, y1 = ring.max(axis=0).tolist()
        object.__setattr__(self, "box", (x0, y0, x1 + 1, y1 + 1))

    @classmethod
    def of(cls, polygon: Polygon, kind: Kind = "polygon") -> Outline:
        """Take vertices over, moved by less than 1/16 pixel and never into another pixel."""
        return cls(kind, Polygon(_stepped(polygon.outer), tuple(map(_stepped, polygon.holes))))

    @classmethod
    def between(cls, kind: Kind, corner: Point, opposite: Point) -> Outline:
        """Return the rectangle or ellipse between two corners."""
        return cls.of(Polygon.of([corner, opposite]), kind)

    @property
    def is_box(self) -> bool:
        """Whether two corners say everything."""
        return self.kind != "polygon"

    @property
    def is_storable(self) -> bool:
        """Whether it is no larger than what is kept."""
        rings = self.polygon.rings
        return sum(map(len, rings)) <= MOST_VERTICES and all(
            bool((np.abs(ring) <= FARTHEST).all()) for ring in rings
        )

    def region(self, size: tuple[int, int]) -> Region | None:
        """Return its pixels in an image of ``size`` (width, height), None if there are none."""
        if self.kind == "polygon":
            return polygon_region(self.polygon, size)
        (x0, y0), (x1, y1) = self.polygon.outer.tolist()
        fill = rectangle_region if self.kind == "rectangle" else ellipse_region
        return fill((x0, y0), (x1, y1), size=size)

    def moved(self, dx: int, dy: int) -> Outline:
        """Return it moved by whole pixels, which leaves its form as it is."""
        return Outline(self.kind, self.polygon.moved(dx, dy))

    def handles(self) -> tuple[Ring, ...]:
        """Return the points (N, 2) that can be dragged, by ring; a box has eight."""
        if not self.is_box:
            return self.polygon.rings
        (x0, y0), (x1, y1) = self.polygon.outer.tolist()
        xs, ys = (x0, x1, (x0 + x1) / 2), (y0, y1, (y0 + y1) / 2)
        places = zip(_MOVED_X, _MOVED_Y, strict=True)
        return (
            np.array([(xs[2 if x is None else x], ys[2 if y is None else y]) for x, y in places]),
        )

    def with_handle(self, index: int, point: Point) -> Outline:
        """Return a box with one of its eight handles at ``point``."""
        corners = self.polygon.outer.copy()
        for axis, end in enumerate((_MOVED_X[index], _MOVED_Y[index])):
            if end is not None:
                corners[end, axis] = point[axis]
        return Outline.of(Polygon(corners), self.kind)

    def same_as(self, other: Outline) -> bool:
        """Whether both have the same vertices."""
        return (
            self.kind == other.kind
            and len(self.polygon.holes) == len(other.polygon.holes)
            and all(map(np.array_equal, self.polygon.rings, other.polygon.rings))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """An outline filled with a class.

    Attributes:
        id: one of its own in its image, from 1; greater ones lie above.
        class_id: 1 … 255.
        outline: its form.
        ground: packed pixels, no shape's, that it was painted over; empty for the background.
    """

    id: int
    class_id: int
    outline: Outline
    ground: bytes = b""

    @property
    def nbytes(self) -> int:
        """Bytes it takes, at least, with those of Python's objects."""
        rings = self.outline.polygon.rings
        pixels = sum(ring.nbytes + _RING_BYTES for ring in rings)
        return _SHAPE_BYTES + pixels + len(self.ground)

    def same_as(self, other: Shape) -> bool:
        """Whether both are the same, whatever lies beneath."""
        return self is other or (
            (self.id, self.class_id) == (other.id, other.class_id)
            and self.outline.same_as(other.outline)
        )

    def with_ground(self, values: Mask) -> Shape:
        """Return it painted over ``values`` (uint8, the size of its region's box)."""
        packed = zlib.compress(np.ascontiguousarray(values).tobytes(), 1) if values.any() else b""
        return replace(self, ground=packed)

    def ground_in(self, box: Box) -> Mask:
        """Return what it was painted over; ``box`` is its region's."""
        shape = (box[3] - box[1], box[2] - box[0])
        area = shape[0] * shape[1]
        if self.ground:
            try:
                pixels = zlib.decompressobj().decompress(self.ground, area)
            except zlib.error:
                pixels = b""
            if len(pixels) == area:
                return np.frombuffer(pixels, np.uint8).reshape(shape)
        return np.zeros(shape, np.uint8)


Shapes = tuple[Shape, ...]
"""The shapes of an image by id."""
ShapeChanges = Mapping[int, Shape | None]
"""What becomes of shapes by id; None: it is gone."""
NO_CHANGES: ShapeChanges = MappingProxyType({})
"""Every shape stays as it is."""


def changes_between(before: Shapes, after: Shapes) -> dict[int, Shape | None]:
    """Return what turns one list of shapes into another."""
    old = {shape.id: shape for shape in before}
    changes: dict[int, Shape | None] = {}
    for shape in after:
        known = old.pop(shape.id, None)
        if known is not shape and (known is None or not known.same_as(shape)):
            changes[shape.id] = shape
    return changes | dict.fromkeys(old)


def changed(shapes: Shapes, changes: ShapeChanges) -> Shapes:
    """Return the shapes with changes made; making them twice does no harm."""
    if not changes:
        return shapes
    found = {shape.id: shape for shape in shapes}
    for id_, shape in changes.items():
        if shape is None:
            found.pop(id_, None)
        else:
            found[id_] = shape
    return tuple(found[id_] for id_ in sorted(found))


def _stepped(ring: Ring) -> Ring:
    stepped: Ring = np.trunc(ring * _STEPS) / _STEPS
    return stepped
