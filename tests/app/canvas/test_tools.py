"""Every tool of the canvas, driven by mouse and keys."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from canvas_parts import CTRL, RIGHT, SHIFT, Bench, disc_image, disc_mask, iou
from PySide6.QtCore import Qt

from core.annotation.polygon import Polygon, polygon_region

KEY = Qt.Key


@pytest.fixture
def bench(qapp):
    made = Bench()
    yield made
    assert made.errors == []
    made.close()


def painted(bench: Bench, class_id: int = 1) -> np.ndarray:
    return bench.mask == class_id


def test_brush_paints_a_line_without_gaps_and_undo_takes_it_back_whole(bench) -> None:
    bench.take("brush")
    bench.editor.set_option("brush_size", 5)
    bench.drag((10, 10), (60, 10))
    rows, columns = np.nonzero(painted(bench))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 12, 8, 62)
    assert painted(bench)[10, 8:63].all()
    assert len(bench.committed) == 1
    bench.editor.undo()
    assert not bench.mask.any()
    bench.editor.redo()
    assert painted(bench)[10, 8:63].all()


def test_right_button_erases_and_shift_draws_straight(bench) -> None:
    bench.take("brush")
    bench.editor.set_option("brush_size", 3)
    bench.click(10, 40)
    bench.click(50, 40, keys=SHIFT)
    assert painted(bench)[40, 10:51].all()
    bench.drag((20, 40), (30, 40), button=RIGHT)
    assert not painted(bench)[40, 20:31].any()
    assert painted(bench)[40, 33:51].all()


def test_escape_takes_the_stroke_in_hand_back(bench) -> None:
    bench.take("brush")
    bench.press(20, 20)
    bench.move(40, 20, held=Qt.MouseButton.LeftButton)
    assert bench.mask.any()
    bench.key(KEY.Key_Escape)
    bench.release(40, 20)
    assert not bench.mask.any()
    assert bench.committed == []


def test_square_brush_and_sizes_by_wheel(bench) -> None:
    bench.take("brush")
    bench.editor.set_option("brush_size", 4)
    bench.editor.set_option("brush_shape", "square")
    bench.click(30, 30)
    assert painted(bench).sum() == 16
    steps = []
    bench.view.main_option_stepped.connect(steps.append)
    scale = bench.view.viewport.scale
    bench.wheel(2, keys=CTRL)
    assert steps == [2] and bench.view.viewport.scale == scale
    bench.wheel(1)
    assert bench.view.viewport.scale == pytest.approx(scale * 1.25)


def test_locked_classes_and_paint_over_are_kept(bench) -> None:
    bench.mask[:, :30] = 2
    bench.mask[:, 30:50] = 3
    bench.editor.set_locked({3})
    refused = []
    bench.editor.refused.connect(lambda: refused.append(True))
    bench.take("rectangle")
    bench.drag((20, 20), (70, 40))
    assert set(np.unique(bench.mask[20:41, 20:30])) == {1}
    assert set(np.unique(bench.mask[20:41, 30:50])) == {3}
    bench.editor.undo()
    bench.editor.set_option("only_over", 0)
    bench.drag((20, 20), (70, 40))
    assert set(np.unique(bench.mask[20:41, 20:30])) == {2}
    assert set(np.unique(bench.mask[20:41, 50:71])) == {1}
    bench.editor.set_class(3)
    bench.drag((60, 60), (70, 70))
    assert refused and not (bench.mask[60:71, 60:71] == 3).any()


def test_nothing_changes_while_reading_only(bench) -> None:
    bench.editor.editable = False
    for key in ("brush", "eraser", "rectangle", "lasso", "fill", "polygon"):
        bench.take(key)
        bench.drag((10, 10), (30, 30), (10, 30))
        bench.key(KEY.Key_Return)
    assert not bench.mask.any() and bench.committed == []


def test_rectangle_and_ellipse_paint_their_pixels(bench) -> None:
    bench.take("rectangle")
    bench.drag((10, 12), (19, 21))
    assert painted(bench)[12:22, 10:20].all() and painted(bench).sum() == 100
    bench.editor.undo()
    bench.take("ellipse")
    bench.drag((10, 10), (50, 31), keys=SHIFT)
    rows, columns = np.nonzero(painted(bench))
    assert np.ptp(rows) == np.ptp(columns) == 40
    assert painted(bench).sum() == pytest.approx(np.pi * 20.5**2, rel=0.03)


def test_lasso_paints_what_it_surrounds(bench) -> None:
    bench.take("lasso")
    angles = np.linspace(0, 2 * np.pi, 40)
    points = [(50 + 20 * np.cos(a), 40 + 20 * np.sin(a)) for a in angles]
    bench.drag(*points)
    expected = np.zeros(bench.mask.shape, np.uint8)
    cv2.circle(expected, (50, 40), 20, 1, -1)
    assert iou(painted(bench), expected.astype(bool)) > 0.93


def test_fill_takes_the_connected_part_or_the_whole_class(bench) -> None:
    bench.mask[10:20, 10:20] = 2
    bench.mask[40:50, 10:20] = 2
    bench.take("fill")
    bench.click(15, 15)
    assert painted(bench).sum() == 100
    bench.editor.undo()
    bench.editor.set_option("contiguous", False)
    bench.click(15, 15)
    assert painted(bench).sum() == 200


def test_polygon_is_painted_when_closed_and_follows_its_vertices(bench) -> None:
    tool = bench.take("polygon")
    corners = [(20, 20), (60, 20), (60, 60), (20, 60)]
    for corner in corners:
        bench.click(*corner)
    assert tool.busy and not bench.mask.any()
    bench.key(KEY.Key_Return)
    first = polygon_region(Polygon.of([(x + 0.5, y + 0.5) for x, y in corners]), (100, 80))
    assert np.array_equal(painted(bench), first.in_box((0, 0, 100, 80)))
    bench.drag((60, 60), (80, 70))
    assert painted(bench)[65, 73] and painted(bench)[30, 30]
    bench.drag((20, 40), (30, 40))  # an edge: a vertex is made there
    assert len(tool.polygon.outer) == 5
    assert not painted(bench)[40, 22]
    bench.click(30, 40, button=RIGHT)
    assert len(tool.polygon.outer) == 4
    assert painted(bench)[40, 22]
    for _ in range(3):
        bench.editor.undo()
    assert np.array_equal(painted(bench), first.in_box((0, 0, 100, 80)))
    bench.editor.undo()
    assert not bench.mask.any()


def test_polygon_keeps_what_was_below_it(bench) -> None:
    bench.mask[:, 50:] = 2
    bench.take("polygon")
    for corner in ((30, 20), (70, 20), (70, 40), (30, 40)):
        bench.click(*corner)
    bench.click(30, 20)  # the first vertex closes
    assert painted(bench)[30, 60]
    bench.drag((70, 20), (55, 20))
    bench.drag((70, 40), (55, 40))
    assert (bench.mask[20:41, 58:] == 2).all()
    assert not (bench.mask[:, :50] == 2).any()


def test_hole_of_a_polygon_and_last_vertex_back(bench) -> None:
    tool = bench.take("polygon")
    for corner in ((10, 10), (70, 10), (70, 70), (10, 70), (40, 40)):
        bench.click(*corner)
    bench.key(KEY.Key_Backspace)
    bench.double_click(10, 71)
    assert not tool.busy and painted(bench)[40, 40]
    for corner in ((30, 30), (50, 30), (50, 50)):
        bench.click(*corner, keys=SHIFT)
    bench.key(KEY.Key_Return)
    assert not painted(bench)[35, 45] and painted(bench)[20, 20]
    bench.key(KEY.Key_Escape)
    assert tool.polygon is None and painted(bench)[20, 20]


def test_painted_part_becomes_a_polygon(bench) -> None:
    bench.mask[20:40, 20:50] = 2
    tool = bench.take("polygon")
    bench.click(30, 30, keys=CTRL)
    assert tool.polygon is not None and bench.editor.class_id == 2
    bench.drag((49, 39), (70, 60))
    assert bench.mask[50, 60] == 2
    bench.editor.undo()
    assert (bench.mask == 2).sum() == 600
    assert tool.polygon is None


def test_wand_shows_and_paints_what_is_alike(bench, qtbot) -> None:
    tool = bench.take("wand")
    bench.move(40, 30)
    bench.settle(qtbot)
    assert iou(tool.preview().in_box((0, 0, 100, 80)), disc_mask()) == 1.0
    assert not bench.mask.any()
    bench.click(40, 30)
    bench.settle(qtbot)
    assert np.array_equal(painted(bench), disc_mask())
    bench.editor.set_option("tolerance", 100)
    bench.settle(qtbot)
    assert tool.preview().area == 8000


def test_wand_sees_the_window_of_grey_images(qtbot, qapp) -> None:
    grey = np.full((60, 80), 30_000, np.uint16)
    grey[20:40, 20:50] = 30_600
    bench = Bench(grey)
    bench.take("wand")
    bench.click(30, 30)
    bench.settle(qtbot)
    assert painted(bench).sum() == 600
    bench.close()


def test_wand_paints_where_it_was_clicked_though_the_pointer_went_on(bench, qtbot) -> None:
    bench.take("wand")
    bench.click(40, 30)
    bench.move(90, 70)
    bench.settle(qtbot)
    assert np.array_equal(painted(bench), disc_mask())


def test_superpixels_follow_the_disc(bench, qtbot) -> None:
    tool = bench.take("superpixel")
    bench.editor.set_option("superpixel_size", 8)
    bench.move(40, 30)
    bench.settle(qtbot)
    assert tool.preview().in_box((0, 0, 100, 80))[30, 40]
    for x, y in ((40, 30), (34, 30), (46, 30), (40, 22), (40, 38), (33, 24), (47, 36)):
        bench.click(x, y)
        bench.settle(qtbot)
    found = painted(bench)
    assert (found & disc_mask()).sum() > 200
    assert (found & ~disc_mask()).sum() < 0.1 * found.sum()
    before = found.sum()
    bench.click(40, 30, button=RIGHT)
    bench.settle(qtbot)
    assert painted(bench).sum() < before


def test_scissors_follow_the_edge(bench, qtbot) -> None:
    tool = bench.take("scissors")
    x, y, radius = 40, 30, 12
    for dx, dy in ((radius, 0), (0, radius), (-radius, 0), (0, -radius)):
        bench.click(x + dx, y + dy)
        bench.settle(qtbot)
    assert tool.busy
    bench.key(KEY.Key_Return)
    bench.settle(qtbot)
    assert iou(painted(bench), disc_mask()) > 0.9


def test_clicks_that_come_faster_than_the_scissors(bench, qtbot) -> None:
    bench.take("scissors")
    for dx, dy in ((12, 0), (0, 12), (-12, 0), (0, -12)):
        bench.click(40 + dx, 30 + dy)
    bench.key(KEY.Key_Backspace)
    bench.click(40, 18)
    bench.key(KEY.Key_Return)
    bench.settle(qtbot)
    assert iou(painted(bench), disc_mask()) > 0.85


def test_object_in_a_box_and_a_stroke(bench, qtbot) -> None:
    tool = bench.take("grabcut")
    bench.drag((24, 14), (57, 46))
    bench.settle(qtbot)
    assert iou(tool.preview().in_box((0, 0, 100, 80)), disc_mask()) > 0.9
    assert not bench.mask.any()
    bench.editor.set_option("brush_size", 6)
    bench.drag((34, 30), (46, 30), button=RIGHT)  # not this
    bench.settle(qtbot)
    preview = tool.preview()
    assert preview is None or not preview.in_box((0, 0, 100, 80))[30, 36:45].any()
    bench.drag((34, 30), (46, 30))
    bench.key(KEY.Key_Return)  # before the answer is there
    bench.settle(qtbot)
    assert painted(bench)[30, 36:45].all()
    assert not tool.busy


def test_dropping_an_object_drops_its_answer(bench, qtbot) -> None:
    tool = bench.take("grabcut")
    bench.drag((24, 14), (57, 46))
    bench.key(KEY.Key_Escape)
    bench.settle(qtbot)
    assert tool.preview() is None and not tool.busy and not bench.mask.any()


def test_chosen_parts_are_changed(bench) -> None:
    bench.mask[10:30, 10:30] = 2
    bench.mask[18:22, 18:22] = 0
    bench.mask[50:60, 50:60] = 2
    tool = bench.take("component")
    bench.click(12, 12)
    assert tool.selection[0].area == 400 - 16
    tool.fill_holes()
    assert (bench.mask[10:30, 10:30] == 2).all()
    assert tool.selection[0].area == 400
    bench.editor.set_option("radius", 2)
    tool.dilate()
    assert bench.mask[9, 20] == 2 and tool.selection[0].area > 400
    tool.erode()
    assert bench.mask[9, 20] == 0
    bench.click(55, 55, keys=SHIFT)
    bench.editor.set_class(3)
    bench.key(KEY.Key_Return)
    assert not (bench.mask == 2).any() and (bench.mask[50:60, 50:60] == 3).all()
    bench.key(KEY.Key_Delete)
    assert not bench.mask.any()


def test_specks_go_from_the_class_in_hand_where_nothing_is_chosen(bench) -> None:
    bench.mask[10:30, 10:30] = 1
    bench.mask[50, 50] = 1
    tool = bench.take("component")
    bench.editor.set_option("min_area", 5)
    tool.remove_specks()
    assert bench.mask[50, 50] == 0 and (bench.mask == 1).sum() == 400


def test_every_tool_draws_itself_and_gives_up_cleanly(bench, qtbot) -> None:
    picture = disc_image()
    for key, tool in bench.tools.items():
        bench.take(key)
        bench.move(30, 30)
        bench.press(30, 30)
        bench.move(50, 45, held=Qt.MouseButton.LeftButton)
        assert not bench.view.grab().isNull()
        bench.release(50, 45)
        bench.key(KEY.Key_Escape)
        bench.settle(qtbot)
        assert not tool.busy, key
        assert str(tool.shown_hint()) and tool.name
    assert picture.shape == (80, 100, 3)


def test_outside_the_image_nothing_happens_and_nothing_breaks(bench, qtbot) -> None:
    for key, tool in bench.tools.items():
        bench.take(key)
        bench.editor.set_option("brush_size", 3)
        bench.drag((112, 20), (118, 30))
        bench.click(-9, 40)
        bench.click(112, 50)
        bench.settle(qtbot)
        bench.key(KEY.Key_Return)
        bench.settle(qtbot)
        bench.key(KEY.Key_Escape)
        assert bench.errors == [] and not tool.busy, key
    bench.mask[:] = 0
    for key in ("brush", "wand", "fill", "grabcut", "superpixel", "rectangle"):
        bench.take(key)
        bench.drag((112, 20), (118, 30))
        bench.settle(qtbot)
    assert not bench.mask.any()
