"""Polygons with holes: filling, tracing and simplifying.

A vertex stands for the pixel that contains it, and boundaries belong to the shape, as labelme
fills them (Pillow's rule). The boundary of a hole belongs to the polygon around it, so that a
traced mask is filled back to the very same pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
import shapely
from PIL import Image, ImageDraw

from core.annotation.edits import Box, Pixels, Region, intersect

Point = tuple[float, float]
Ring = npt.NDArray[np.float64]
_FAR = 1_000_000  # Pillow counts in C ints


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """``outer`` and each of ``holes`` are open rings (N, 2) of float64 (x, y)."""

    outer: Ring
    holes: tuple[Ring, ...] = ()

    @classmethod
    def of(
        cls, outer: Sequence[Point] | Ring, holes: Iterable[Sequence[Point] | Ring] = ()
    ) -> Polygon:
        """Build from any sequences of points."""
        return cls(_ring(outer), tuple(_ring(hole) for hole in holes))

    @property
    def rings(self) -> tuple[Ring, ...]:
        """The outer ring, then the holes."""
        return (self.outer, *self.holes)

    def with_ring(self, index: int, ring: Ring) -> Polygon:
        """Return the polygon with ring ``index`` (0 is the outer one) replaced."""
        if index == 0:
            return replace(self, outer=ring)
        holes = list(self.holes)
        holes[index - 1] = ring
        return replace(self, holes=tuple(holes))

    def with_hole(self, hole: Sequence[Point] | Ring) -> Polygon:
        """Return the polygon with one more hole."""
        return replace(self, holes=(*self.holes, _ring(hole)))

    def moved(self, dx: float, dy: float) -> Polygon:
        """Return the polygon moved."""
        offset = np.array([dx, dy])
        return Polygon(self.outer + offset, tuple(hole + offset for hole in self.holes))


def polygon_region(polygon: Polygon, size: tuple[int, int]) -> Region | None:
    """Fill a polygon.

    Args:
        polygon: the polygon; a lasso is one too.
        size: (width, height) of the image.

    Returns:
        Its pixels inside the image, None if there are none.
    """
    rings = [pixel_ring(ring) for ring in polygon.rings]
    box = _pixel_box(rings[0], size)
    if box is None:
        return None
    pixels = _fill_ring(rings[0], box)
    for ring in rings[1:]:
        if len(ring) > 2:
            pixels &= ~_fill_ring(ring, box) | _trace_ring(ring, box)
    return Region(box, pixels).tight()


def rectangle_region(corner: Point, opposite: Point, *, size: tuple[int, int]) -> Region | None:
    """Return the rectangle between two corners, their pixels included."""
    box = _pixel_box(pixel_ring(_ring([corner, opposite])), size)
    if box is None:
        return None
    return Region(box, np.ones((box[3] - box[1], box[2] - box[0]), np.bool_))


def ellipse_region(corner: Point, opposite: Point, *, size: tuple[int, int]) -> Region | None:
    """Return the ellipse in the rectangle between two corners."""
    ring = pixel_ring(_ring([corner, opposite]))
    box = _pixel_box(ring, size)
    if box is None:
        return None
    (x0, y0), (x1, y1) = ring.min(axis=0).tolist(), ring.max(axis=0).tolist()
    canvas, draw = _canvas(box)
    draw.ellipse([x0 - box[0], y0 - box[1], x1 - box[0], y1 - box[1]], outline=1, fill=1)
    return Region(box, np.asarray(canvas).astype(np.bool_)).tight()


def trace(region: Region, *, tolerance: float = 0.0, min_area: int = 1) -> list[Polygon]:
    """Return the polygons with holes around the connected parts of a region.

    Vertices are pixel centres. Without ``tolerance`` filling them gives the region back exactly.

    Args:
        region: what to trace.
        tolerance: how far, in pixels, an edge may leave the true boundary.
        min_area: parts and holes of fewer pixels are left out.
    """
    contours, hierarchy = cv2.findContours(
        np.ascontiguousarray(region.pixels, np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
    )
    if hierarchy is None:
        return []
    offset = np.array(region.box[:2]) + 0.5
    tree = np.asarray(hierarchy).reshape(-1, 4)
    polygons = []
    for index, (_, _, child, parent) in enumerate(tree.tolist()):
        if parent >= 0 or _pixels_within(contours[index]) < min_area:
            continue
        holes = []
        while child >= 0:
            if _pixels_within(contours[child], inner=True) >= min_area:
                holes.append(contours[child].reshape(-1, 2) + offset)
            child = int(tree[child, 0])
        polygon = Polygon(contours[index].reshape(-1, 2) + offset, tuple(holes))
        polygons.append(simplify(polygon, tolerance) if tolerance > 0 else polygon)
    return polygons


def simplify(polygon: Polygon, tolerance: float) -> Polygon:
    """Return the polygon with fewer vertices, edges at most ``tolerance`` pixels away.

    Rings keep at least three vertices and holes stay inside; rings of fewer are kept as they are.
    """
    if any(len(ring) < 3 for ring in polygon.rings):
        return polygon
    simple = shapely.simplify(
        shapely.Polygon(polygon.outer, polygon.holes), tolerance, preserve_topology=True
    )
    if simple.is_empty:
        return polygon
    return Polygon(
        shapely.get_coordinates(simple.exterior)[:-1],
        tuple(shapely.get_coordinates(hole)[:-1] for hole in simple.interiors),
    )


def spans_area(points: Sequence[Point] | Ring) -> bool:
    """Whether there are three points that do not lie in one line."""
    ring = _ring(points)
    return len(ring) >= 3 and int(np.linalg.matrix_rank(ring[1:] - ring[0], tol=1e-6)) == 2


def insert_vertex(polygon: Polygon, point: Point, *, ring: int, index: int) -> Polygon:
    """Return the polygon with ``point`` before vertex ``index`` of a ring (0 is the outer one)."""
    return polygon.with_ring(ring, np.insert(polygon.rings[ring], index, point, axis=0))


def move_vertex(polygon: Polygon, point: Point, *, ring: int, index: int) -> Polygon:
    """Return the polygon with one vertex at ``point``."""
    moved = polygon.rings[ring].copy()
    moved[index] = point
    return polygon.with_ring(ring, moved)


def delete_vertex(polygon: Polygon, *, ring: int, index: int) -> Polygon | None:
    """Return the polygon without one vertex.

    A hole left with two goes too; None when the outer ring would have two.
    """
    rest = np.delete(polygon.rings[ring], index, axis=0)
    if len(rest) >= 3:
        return polygon.with_ring(ring, rest)
    if ring == 0:
        return None
    return replace(polygon, holes=polygon.holes[: ring - 1] + polygon.holes[ring:])


def _ring(points: Sequence[Point] | Ring) -> Ring:
    return np.asarray(points, np.float64).reshape(-1, 2)


def pixel_ring(ring: Ring) -> npt.NDArray[np.int64]:
    """Return the pixels the vertices stand for, cut as Pillow cuts them."""
    return np.trunc(np.clip(ring, -_FAR, _FAR)).astype(np.int64)


def _pixel_box(ring: npt.NDArray[np.int64], size: tuple[int, int]) -> Box | None:
    if not len(ring):
        return None
    x0, y0 = ring.min(axis=0).tolist()
    x1, y1 = ring.max(axis=0).tolist()
    return intersect((x0, y0, x1 + 1, y1 + 1), (0, 0, *size))


def _canvas(box: Box) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    canvas = Image.new("L", (box[2] - box[0], box[3] - box[1]), 0)
    return canvas, ImageDraw.Draw(canvas)


def _fill_ring(ring: npt.NDArray[np.int64], box: Box) -> Pixels:
    canvas, draw = _canvas(box)
    points = [(int(x), int(y)) for x, y in (ring - box[:2]).tolist()]
    if len(points) == 1:
        draw.point(points, fill=1)
    else:
        draw.polygon(points, outline=1, fill=1)
    return np.asarray(canvas).astype(np.bool_)


def _trace_ring(ring: npt.NDArray[np.int64], box: Box) -> Pixels:
    canvas, draw = _canvas(box)
    points = [(int(x), int(y)) for x, y in (ring - box[:2]).tolist()]
    draw.line([*points, points[0]], fill=1)
    return np.asarray(canvas).astype(np.bool_)


def _pixels_within(contour: npt.NDArray[np.int32], *, inner: bool = False) -> float:
    """Pixels a contour of boundary pixels encloses: with them, or without (``inner``)."""
    steps = np.abs(np.diff(contour.reshape(-1, 2), axis=0, append=contour[:1].reshape(-1, 2)))
    boundary = float(steps.max(axis=1).sum()) if len(contour) > 1 else 0.0
    enclosed = float(cv2.contourArea(contour))  # Pick's theorem gives lattice points from it
    return enclosed - boundary / 2 + 1 if inner else enclosed + boundary / 2 + 1
