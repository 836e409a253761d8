"""Fill, wand, scissors, GrabCut and superpixels on pictures whose answers are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.annotation.color_space import to_lab
from core.annotation.edits import Region
from core.annotation.flood_fill import flood
from core.annotation.grabcut import GrabCut
from core.annotation.grabcut.min_cut import EdgeWeights, least_cut
from core.annotation.grabcut.opencv_cut import box_cut
from core.annotation.polygon import Polygon, polygon_region
from core.annotation.scissors import Scissors
from core.annotation.superpixels import SuperpixelCache, superpixels
from core.annotation.wand import wand


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def dot_picture(size=(160, 120), centre=(80, 60), radius=30):
    picture = np.full((size[1], size[0], 3), (60, 120, 60), np.uint8)
    cv2.circle(picture, centre, radius, (40, 60, 200), -1)
    noise = np.random.default_rng(0).normal(0, 6, picture.shape)
    dot = np.zeros(picture.shape[:2], np.uint8)
    cv2.circle(dot, centre, radius, 1, -1)
    return np.clip(picture + noise, 0, 255).astype(np.uint8), dot > 0


@pytest.mark.parametrize("diagonal", [False, True])
def test_flood_fill_is_connected_by_sides_or_corners(diagonal):
    mask = np.zeros((5, 5), np.uint8)
    mask[0, 0] = mask[1, 1] = mask[1, 2] = mask[4, 4] = 3
    region = flood(mask, 1, 1, diagonal=diagonal)
    assert region is not None
    assert region.area == (3 if diagonal else 2)


def test_flood_fill_grows_over_large_images():
    mask = np.zeros((900, 1500), np.uint8)
    mask[:, 700] = 1
    region = flood(mask, 3, 5)
    assert region is not None
    assert region.box == (0, 0, 700, 900)
    assert region.area == 700 * 900


def test_flood_fill_stays_in_its_box_and_the_image():
    mask = np.zeros((20, 20), np.uint8)
    region = flood(mask, 5, 5, within=(3, 4, 9, 8))
    assert region is not None
    assert region.box == (3, 4, 9, 8)
    assert flood(mask, 20, 5) is None
    assert flood(np.zeros((1, 1), np.uint8), 0, 0).area == 1


def test_the_wand_takes_like_colours_near_or_everywhere():
    picture = np.full((60, 90), 100, np.uint8)
    picture[10:20, 10:20] = picture[40:50, 60:80] = 200
    near = wand(picture, 12, 12, tolerance=10)
    every = wand(picture, 12, 12, tolerance=10, contiguous=False)
    assert near is not None
    assert every is not None
    assert (near.box, near.area, every.area) == ((10, 10, 20, 20), 100, 300)


def test_the_wand_tolerance_is_a_distance_in_lab():
    picture = np.zeros((1, 2, 3), np.uint8)
    picture[0, 1] = 30
    gap = float(np.linalg.norm(to_lab(picture)[0, 1] - to_lab(picture)[0, 0]))
    areas = [wand(picture, 0, 0, tolerance=gap + offset, sample=0).area for offset in (-0.1, 0.1)]
    assert areas == [1, 2]


def test_the_wand_outside_the_image_selects_nothing():
    picture = np.zeros((5, 5), np.uint8)
    assert wand(picture, -1, 2) is None
    assert wand(picture, 2, 2, within=(3, 3, 5, 5)) is None


def test_scissors_follow_the_edge_of_a_disc():
    picture, dot = dot_picture()
    scissors = Scissors(cv2.GaussianBlur(picture, (5, 5), 1))
    scissors.start(50, 60)
    for x, y in ((80, 30), (110, 60), (80, 90)):
        scissors.add_anchor(x, y)
    region = polygon_region(Polygon.of(scissors.close()), (160, 120))
    assert region is not None
    assert iou(region.in_box((0, 0, 160, 120)), dot) > 0.94  # the rhombus of the anchors has 0.64


def test_scissors_anchors_snap_to_the_edge_and_can_be_taken_back():
    picture = np.zeros((60, 60), np.uint8)
    picture[:, 30:] = 255
    scissors = Scissors(picture, snap=5)
    x, _ = scissors.start(26.5, 30.5)
    assert x in (29.5, 30.5)
    scissors.add_anchor(27, 10)
    assert len(scissors.anchors) == 2
    assert scissors.remove_anchor()
    assert not scissors.remove_anchor()
    assert len(scissors.anchors) == 1


def test_scissors_go_straight_where_no_edge_is_worth_a_detour():
    noise = np.random.default_rng(0).integers(100, 140, (80, 120)).astype(np.uint8)
    noise = cv2.GaussianBlur(noise, (0, 0), 2)
    scissors = Scissors(noise, snap=0)
    scissors.start(10, 60)
    assert len(scissors.path_to(110, 60)) == 2
    noise[:30] += 100  # an edge a short way off is worth it
    scissors = Scissors(noise, snap=0)
    scissors.start(10, 32)
    path = scissors.path_to(110, 32)
    assert np.median(np.abs(path[:, 1] - 30)) <= 1


def test_scissors_paths_reach_beyond_the_square_looked_at():
    scissors = Scissors(np.zeros((50, 400), np.uint8), side=32, snap=0)
    scissors.start(5, 5)
    path = scissors.path_to(390, 40)
    assert path[0].tolist() == [5.5, 5.5]
    assert path[-1].tolist() == [390.5, 40.5]


def test_scissors_need_an_anchor_and_take_one_pixel_images():
    scissors = Scissors(np.zeros((1, 1), np.uint8))
    with pytest.raises(RuntimeError, match="anchor"):
        scissors.path_to(0, 0)
    scissors.start(40, -3)
    assert scissors.close().tolist() == [[0.5, 0.5]]


def test_grabcut_cuts_the_object_out_of_its_box():
    picture, dot = dot_picture()
    region = GrabCut(picture, (46, 26, 114, 94)).solve()
    assert region is not None
    assert iou(region.in_box((0, 0, 160, 120)), dot) > 0.95


def test_grabcut_strokes_take_away_and_add():
    picture, dot = dot_picture(size=(240, 120), centre=(60, 60))
    other = dot_picture(size=(240, 120), centre=(150, 60), radius=20)
    picture[other[1]] = other[0][other[1]]
    cut = GrabCut(picture, (20, 20, 180, 100))
    both = cut.solve()
    assert both is not None
    assert iou(both.in_box((0, 0, 240, 120)), dot | other[1]) > 0.9
    cut.add_stroke(Region((140, 55, 160, 65), np.ones((10, 20), np.bool_)), foreground=False)
    one = cut.solve()
    assert one is not None
    assert iou(one.in_box((0, 0, 240, 120)), dot) > 0.9
    cut.add_stroke(Region((145, 57, 155, 63), np.ones((6, 10), np.bool_)), foreground=True)
    again = cut.solve()
    assert again is not None
    assert again.in_box((0, 0, 240, 120))[57:63, 145:155].all()


def test_grabcut_gives_the_same_answer_again():
    picture, _ = dot_picture()
    first, second = (GrabCut(picture, (30, 10, 130, 110)).solve() for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.box == second.box
    assert np.array_equal(first.pixels, second.pixels)


def test_grabcut_works_on_a_scale_of_its_own():
    picture, dot = dot_picture()
    large = cv2.resize(picture, (1280, 960), interpolation=cv2.INTER_CUBIC)
    region = GrabCut(large, (370, 210, 910, 750)).solve()
    expected = cv2.resize(dot.astype(np.uint8), (1280, 960)) > 0
    assert region is not None
    assert iou(region.in_box((0, 0, 1280, 960)), expected) > 0.95


def test_grabcut_can_be_cancelled():
    picture, _ = dot_picture()
    assert GrabCut(picture, (30, 10, 130, 110)).solve(cancelled=lambda: True) is None


def test_grabcut_cancelled_halfway_answers_the_same_when_asked_again():
    picture, _ = dot_picture()
    expected = GrabCut(picture, (30, 10, 130, 110)).solve()
    assert expected is not None
    for patience in (1, 4, 6, 8):
        cut = GrabCut(picture, (30, 10, 130, 110))
        asked = iter(range(patience))
        assert cut.solve(cancelled=lambda asked=asked: next(asked, None) is None) is None
        again = cut.solve()
        assert again is not None
        assert again.box == expected.box
        assert np.array_equal(again.pixels, expected.pixels)


def test_the_cut_of_a_box_is_that_of_opencv():
    picture, dot = dot_picture()
    inside = np.zeros(dot.shape, np.bool_)
    inside[20:100, 40:120] = True
    labels = np.zeros(dot.shape, np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(picture, labels, (40, 20, 80, 80), *models, 3, cv2.GC_INIT_WITH_RECT)
    for _ in range(2):
        pixels = box_cut(picture, inside, lambda: False)
        assert pixels is not None
        assert np.array_equal(pixels, labels == cv2.GC_PR_FGD)
    assert iou(pixels, dot) > 0.95


def test_the_cut_of_a_box_can_be_cancelled_and_needs_pixels_on_both_sides():
    picture, dot = dot_picture()
    asked = []
    assert box_cut(picture, dot, lambda: bool(asked.append(1)) or len(asked) == 3) is None
    assert len(asked) == 3
    assert box_cut(picture, np.ones_like(dot), lambda: False) is None
    assert box_cut(picture, np.zeros_like(dot), lambda: False) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 3, 3)])
def test_grabcut_on_images_of_a_few_pixels_answers_inside_them(shape):
    region = GrabCut(np.zeros(shape, np.uint8), (0, 0, 9, 9)).solve()
    assert region is None or region.box[2] <= shape[1]
    with pytest.raises(ValueError, match="inside"):
        GrabCut(np.zeros(shape, np.uint8), (100, 100, 120, 120))


def test_the_least_cut_of_a_noisy_square_is_the_square():
    square = np.zeros((40, 40), np.bool_)
    square[10:30, 12:32] = True
    cost = np.where(square, -1, 1) + np.random.default_rng(0).normal(0, 1, square.shape)
    flat = np.zeros((40, 40, 3), np.float32)
    u = least_cut(
        cost.astype(np.float32),
        EdgeWeights.of(flat),
        np.zeros((40, 40), np.float32),
        smoothness=1.5,
        steps=300,
    )
    assert iou(u > 0.5, square) > 0.95 > iou(cost < 0, square)


def test_superpixels_do_not_cross_strong_edges():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, 30:] = 255
    cells = superpixels(picture, (0, 0, 64, 64), size=12)
    assert cells is not None
    left, right = cells.labels[:, :30], cells.labels[:, 30:]
    assert not set(np.unique(left)) & set(np.unique(right))
    cell = cells.at(5, 5)
    assert cell is not None
    assert cell.box[2] <= 30
    assert cells.at(99, 99) is None


def test_superpixels_are_worked_out_once_and_forgotten_in_time():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (40, 1100), dtype=np.uint8)
    cache = SuperpixelCache(picture, max_tiles=2)
    first = cache.tile_at(3, 3)
    assert cache.tile_at(30, 30) is first
    cache.at(600, 3)
    cache.at(1050, 3)
    assert cache.tile_at(3, 3) is not first
    assert cache.at(-1, 3) is None
    assert superpixels(picture, (2000, 0, 2010, 5)) is None


def test_superpixels_of_one_pixel():
    cell = SuperpixelCache(np.zeros((1, 1), np.uint8)).at(0, 0)
    assert cell is not None
    assert cell.area == 1
