from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.annotation.edits import Region
from core.annotation.hit_test import edge_at, vertex_at
from core.annotation.polygon import (
    Polygon,
    delete_vertex,
    ellipse_region,
    insert_vertex,
    move_vertex,
    polygon_region,
    rectangle_region,
    simplify,
    trace,
)
from core.data.formats.labelme_shapes import Shape, rasterize

SQUARE = [(10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0)]
HOLE = [(15.0, 15.0), (25.0, 15.0), (25.0, 25.0), (15.0, 25.0)]


def filled(polygons, size):
    pixels = np.zeros(size[::-1], np.bool_)
    for polygon in polygons:
        region = polygon_region(polygon, size)
        if region is not None:
            pixels |= region.in_box((0, 0, *size))
    return pixels


def whole(pixels):
    return Region((0, 0, pixels.shape[1], pixels.shape[0]), pixels)


coordinates = st.floats(-15, 75, allow_nan=False)
rings = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=9)


@settings(max_examples=80, deadline=None)
@given(rings)
def test_polygons_are_filled_as_labelme_fills_them(ring):
    size = (60, 50)
    shape = Shape("a", "polygon", tuple(ring))
    expected = rasterize([shape], size, {"a": 1}, Path("标注 文件.json")) == 1
    assert np.array_equal(filled([Polygon.of(ring)], size), expected)


@pytest.mark.parametrize("kind", ["rectangle", "circle"])
def test_rectangles_and_ellipses_are_filled_as_labelme_fills_them(kind):
    size = (60, 50)
    centre, radius = (25.0, 20.0), 13.0
    corners = [(12.0, 7.0), (38.0, 33.0)]
    points = corners if kind == "rectangle" else [centre, (centre[0] + radius, centre[1])]
    make = rectangle_region if kind == "rectangle" else ellipse_region
    region = make(corners[1], corners[0], size=size)
    expected = rasterize([Shape("a", kind, tuple(points))], size, {"a": 1}, Path("a")) == 1
    assert region is not None
    assert np.array_equal(region.in_box((0, 0, *size)), expected)


@settings(max_examples=100, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14))))
def test_a_traced_mask_is_filled_back_exactly(pixels):
    size = (pixels.shape[1], pixels.shape[0])
    assert np.array_equal(filled(trace(whole(pixels)), size), pixels)


def test_tracing_keeps_holes_and_places():
    pixels = np.zeros((30, 30), np.bool_)
    pixels[2:20, 3:22] = True
    pixels[6:12, 8:14] = False
    pixels[8:10, 10:12] = True
    polygons = trace(Region((100, 200, 130, 230), pixels))
    assert sorted(len(polygon.holes) for polygon in polygons) == [0, 1]
    outer = max(polygons, key=lambda polygon: len(polygon.holes)).outer
    assert outer.min(axis=0).tolist() == [103.5, 202.5]


def test_small_parts_and_holes_can_be_left_out():
    pixels = np.zeros((30, 30), np.bool_)
    pixels[2:20, 2:20] = True
    pixels[5:7, 5:7] = False
    pixels[10:14, 10:14] = False
    pixels[25:27, 25:27] = True
    polygons = trace(whole(pixels), min_area=5)
    assert len(polygons) == 1
    assert len(polygons[0].holes) == 1


def test_a_simplified_outline_stays_within_its_tolerance():
    pixels = np.zeros((200, 200), np.uint8)
    cv2.circle(pixels, (100, 100), 70, 1, -1)
    (exact,) = trace(whole(pixels > 0))
    (simple,) = trace(whole(pixels > 0), tolerance=1.0)
    assert len(simple.outer) < len(exact.outer) / 3
    rest = (filled([simple], (200, 200)) != (pixels > 0)).astype(np.uint8)
    assert cv2.distanceTransform(rest, cv2.DIST_L2, 3).max() <= 2


def test_simplifying_keeps_a_triangle_and_holes():
    assert len(simplify(Polygon.of(SQUARE[:3]), 500.0).outer) == 3
    assert len(simplify(Polygon.of(SQUARE, [HOLE]), 1.0).holes) == 1


@pytest.mark.parametrize("ring", [[], [(3.0, 4.0)], [(3.0, 4.0), (6.0, 4.0)]])
def test_rings_of_few_points(ring):
    region = polygon_region(Polygon.of(ring), (10, 10))
    assert (0 if region is None else region.area) == {0: 0, 1: 1, 2: 4}[len(ring)]


def test_a_polygon_outside_the_image_has_no_pixels():
    far = Polygon.of([(1e9, 1e9), (2e9, 1e9), (2e9, 2e9)])
    assert polygon_region(far, (20, 20)) is None
    assert polygon_region(Polygon.of(SQUARE).moved(-100, 0), (20, 20)) is None


def test_one_pixel_images():
    around = Polygon.of([(-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0)])
    region = polygon_region(around, (1, 1))
    assert region is not None
    assert region.pixels.tolist() == [[True]]
    assert trace(whole(np.zeros((1, 1), np.bool_))) == []


def test_vertices_can_be_inserted_moved_and_deleted():
    polygon = Polygon.of(SQUARE, [HOLE])
    more = insert_vertex(polygon, (20, 5), ring=0, index=1)
    assert more.outer[1].tolist() == [20, 5]
    assert len(more.outer) == 5
    moved = move_vertex(more, (16, 16), ring=1, index=0)
    assert moved.holes[0][0].tolist() == [16, 16]
    assert polygon.holes[0][0].tolist() == [15, 15]  # the old one is untouched
    less = delete_vertex(moved, ring=0, index=1)
    assert less is not None
    assert less.outer.tolist() == polygon.outer.tolist()


def test_rings_too_short_to_exist_are_dropped():
    polygon = Polygon.of(SQUARE[:3], [HOLE[:3]])
    without_hole = delete_vertex(polygon, ring=1, index=0)
    assert without_hole is not None
    assert without_hole.holes == ()
    assert delete_vertex(polygon, ring=0, index=0) is None


def test_vertices_and_edges_are_hit_within_the_radius():
    rings = Polygon.of(SQUARE, [HOLE]).rings
    vertex = vertex_at(rings, 15.5, 14.5, radius=3)
    assert vertex is not None
    assert (vertex.ring, vertex.index) == (1, 0)
    assert vertex_at(rings, 20, 20, radius=3) is None
    edge = edge_at(rings, 20, 9, radius=3)
    assert edge is not None
    assert (edge.ring, edge.index, edge.point) == (0, 1, (20.0, 10.0))
