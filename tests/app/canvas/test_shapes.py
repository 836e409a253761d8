"""Shapes on the canvas: drawn with any tool, opened again with the polygon tool, edited."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_parts import CTRL, LEFT, RIGHT, SHIFT, Bench
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtWidgets import QApplication

from app.canvas.tools.tool import Pointer

KEY = Qt.Key
SIZE = (100, 80)


@pytest.fixture
def bench(qapp):
    made = Bench(image=np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    yield made
    assert made.errors == []
    made.close()


def shapes(bench: Bench):
    return bench.editor.document.layers.shapes


def draw(bench: Bench, key: str, *points, class_id: int = 1) -> None:
    bench.editor.set_class(class_id)
    bench.take(key)
    bench.drag(*points)


def polygon(bench: Bench, *corners, class_id: int = 1):
    bench.editor.set_class(class_id)
    tool = bench.take("polygon")
    for corner in corners:
        bench.click(*corner)
    bench.key(KEY.Key_Return)
    return tool


def open_at(bench: Bench, x: int, y: int):
    tool = bench.take("polygon")
    bench.click(x, y, keys=CTRL)
    return tool


def expect_mask(bench: Bench) -> None:
    """The mask is what painting its shapes from the bottom up gives."""
    expected = np.zeros_like(bench.mask)
    for shape in shapes(bench):
        expected[shape.outline.region(SIZE).in_box((0, 0, *SIZE))] = shape.class_id
    assert np.array_equal(bench.mask, expected)


@pytest.mark.parametrize("kind", ["rectangle", "ellipse"])
def test_a_box_stays_one_and_has_handles(bench, kind) -> None:
    draw(bench, kind, (20, 20), (40, 40))
    before = bench.mask.copy()
    tool = open_at(bench, 30, 30)
    assert tool.outline.kind == kind and tool.shown_hint() == tool.box_hint
    bench.drag((40, 40), (50, 45), (60, 50))  # a corner
    expect_mask(bench)
    assert bench.mask[:, 61:].max() == 0 and bench.mask[20:51, 20:61].any(axis=0).all()
    bench.drag((20, 35), (10, 0))  # the left side's middle: up and down do nothing
    expect_mask(bench)
    assert bench.mask[20:51, 10:61].any(axis=0).all() and not bench.mask[:20].any()
    bench.click(30, 35, keys=SHIFT)  # boxes have no holes: another polygon begins
    assert tool.busy and tool.outline is None
    bench.key(KEY.Key_Escape)
    for _ in range(2):
        bench.editor.undo()
    assert np.array_equal(bench.mask, before)


def test_sides_of_a_rectangle_are_dragged_anywhere_and_shift_keeps_sides_equal(bench) -> None:
    draw(bench, "rectangle", (20, 20), (60, 40))
    open_at(bench, 30, 30)
    bench.drag((30, 40), (33, 50))
    assert bench.mask[50, 20:61].all() and not bench.mask[51].any()
    bench.drag((60, 50), (70, 60), keys=SHIFT)
    assert bench.mask[20:71, 20:71].all() and bench.mask.sum() == 51 * 51


def test_a_lasso_is_painted_and_kept_with_few_vertices(bench) -> None:
    angles = np.linspace(0, 2 * np.pi, 120)
    way = [(round(50 + 25 * np.cos(a)), round(40 + 25 * np.sin(a))) for a in angles]
    draw(bench, "lasso", *way)
    (shape,) = shapes(bench)
    assert 8 <= len(shape.outline.polygon.outer) < 100
    expect_mask(bench)
    tool = open_at(bench, 50, 40)
    assert tool.outline is shape.outline
    x, y = shape.outline.polygon.outer[0].astype(int).tolist()
    bench.drag((x, y), (x + 8, y))
    expect_mask(bench)


def test_a_polygon_is_opened_with_its_own_vertices(bench) -> None:
    tool = polygon(bench, (20, 20), (60, 20), (60, 60), (20, 60))
    vertices = tool.polygon.outer
    bench.take("brush")
    bench.take("polygon")
    assert tool.polygon is None
    bench.move(30, 30)
    QApplication.sendEvent(bench.view, QEvent(QEvent.Type.Leave))
    bench.key(KEY.Key_Return)  # the pointer is elsewhere
    assert tool.polygon is None
    bench.move(30, 30)
    bench.key(KEY.Key_Return)  # what is under the pointer, without Ctrl
    assert np.array_equal(tool.polygon.outer, vertices)
    bench.key(KEY.Key_Return)
    assert tool.polygon is None
    bench.double_click(30, 30)
    assert np.array_equal(tool.polygon.outer, vertices) and not tool.busy
    bench.click(30, 30, button=RIGHT)
    bench.drag((60, 60), (80, 70))
    bench.click(20, 60, button=RIGHT)
    assert len(tool.polygon.outer) == 3
    expect_mask(bench)


def test_the_topmost_shape_is_opened_and_stays_where_it_is_among_the_others(bench) -> None:
    draw(bench, "rectangle", (10, 10), (40, 40), class_id=1)
    draw(bench, "rectangle", (30, 30), (60, 60), class_id=2)
    tool = open_at(bench, 35, 35)
    assert bench.editor.class_id == 2
    bench.click(15, 15, keys=CTRL)
    assert bench.editor.class_id == 1
    bench.drag((40, 40), (50, 50))
    expect_mask(bench)
    assert bench.mask[35, 35] == 2 and [shape.id for shape in shapes(bench)] == [1, 2]
    assert tool.outline.kind == "rectangle"


def test_ctrl_drag_moves_the_whole_shape_and_uncovers_the_one_below(bench) -> None:
    draw(bench, "ellipse", (10, 10), (60, 60), class_id=1)
    tool = polygon(bench, (20, 20), (40, 20), (40, 40), class_id=2)
    before = tool.polygon.outer
    bench.drag((35, 25), (40, 40), (60, 45), keys=CTRL)
    assert np.array_equal(tool.polygon.outer, before + np.array([25, 20]))
    expect_mask(bench)
    assert bench.mask[25, 35] == 1
    bench.press(60, 45, keys=CTRL)
    bench.move(5, 5, held=LEFT, keys=CTRL)
    assert tool.preview() is not None
    bench.key(KEY.Key_Escape)
    bench.release(5, 5)
    assert tool.preview() is None and np.array_equal(
        tool.polygon.outer, before + np.array([25, 20])
    )
    expect_mask(bench)


def test_a_shape_is_opened_and_moved_in_one_go_but_not_by_a_trembling_hand(bench) -> None:
    draw(bench, "rectangle", (20, 20), (40, 40))
    tool = bench.take("polygon")
    at = bench.view.to_widget(30, 30)
    bench.press(30, 30, keys=CTRL)
    near = bench.view.to_image(at + QPointF(3, 0))
    bench.view.use(Pointer(*near), pressed=True)
    bench.release(30, 30, keys=CTRL)
    assert tool.polygon is not None and bench.mask[20:41, 20:41].all()
    tool.cancel()
    bench.drag((30, 30), (45, 35), keys=CTRL)
    assert bench.mask[25:46, 35:56].all() and bench.mask.sum() == 21 * 21
    bench.key(KEY.Key_Return)
    bench.move(45, 35)
    bench.key(KEY.Key_Return)  # opened by a key: nothing is held
    bench.move(60, 60)
    assert tool.polygon is not None and tool.preview() is None


@pytest.mark.parametrize("key", [KEY.Key_Delete, KEY.Key_Backspace])
def test_delete_removes_the_chosen_vertex_or_the_shape(bench, key) -> None:
    polygon(bench, (20, 20), (60, 20), (60, 60), (20, 60))
    draw(bench, "rectangle", (5, 5), (30, 30), class_id=2)
    tool = open_at(bench, 50, 50)
    bench.click(60, 60)
    bench.key(key)
    assert len(tool.polygon.outer) == 3
    expect_mask(bench)
    bench.key(key)
    assert tool.polygon is None and [shape.class_id for shape in shapes(bench)] == [2]
    expect_mask(bench)
    bench.editor.undo()
    assert len(shapes(bench)) == 2
    expect_mask(bench)


def test_a_shape_opened_to_be_edited_takes_the_class_that_is_chosen(bench) -> None:
    tool = polygon(bench, (20, 20), (60, 20), (60, 60))
    bench.editor.set_class(2)  # for the next polygon
    assert bench.mask.max() == 1 and tool.polygon is not None
    bench.drag((60, 60), (70, 70))
    assert bench.mask.max() == 1
    open_at(bench, 55, 25)
    tool.cancel()
    open_at(bench, 55, 25)
    assert bench.editor.class_id == 1
    bench.editor.set_class(3)
    assert set(np.unique(bench.mask)) == {0, 3} and shapes(bench)[0].class_id == 3
    bench.editor.set_locked({2})
    bench.editor.set_class(2)
    assert set(np.unique(bench.mask)) == {0, 3}
    bench.editor.set_locked({3})
    bench.editor.set_class(1)
    bench.key(KEY.Key_Delete)
    assert set(np.unique(bench.mask)) == {0, 3} and tool.polygon is not None
    bench.editor.set_locked(())
    tool.cancel()
    open_at(bench, 55, 25)
    bench.editor.set_class(0)
    assert tool.polygon is None and shapes(bench)[0].class_id == 3


def test_undo_leaves_the_shape_open_as_it_was(bench) -> None:
    tool = polygon(bench, (20, 20), (60, 20), (60, 60))
    before = tool.polygon.outer
    bench.drag((60, 60), (70, 70))
    bench.editor.undo()
    assert np.array_equal(tool.polygon.outer, before)
    bench.editor.redo()
    assert tool.polygon.outer[2].tolist() != before[2].tolist()
    for _ in range(2):
        bench.editor.undo()
    assert tool.polygon is None and not bench.mask.any()


def test_what_a_polygon_was_drawn_over_comes_back_after_undo_too(bench) -> None:
    bench.mask[:, 40:] = 2
    bench.take("polygon")
    polygon(bench, (20, 20), (60, 20), (60, 60), (20, 60))
    bench.drag((60, 60), (70, 60))
    bench.editor.undo()
    bench.drag((60, 60), (30, 60))
    bench.drag((60, 20), (30, 20))
    assert (bench.mask[:, 40:] == 2).all()


def test_erasing_stores_nothing_and_takes_what_it_touches(bench) -> None:
    draw(bench, "rectangle", (10, 10), (30, 30))
    draw(bench, "rectangle", (50, 10), (70, 30))
    bench.drag((60, 20), (80, 40), button=RIGHT)
    assert [shape.id for shape in shapes(bench)] == [1]
    tool = polygon(bench, (5, 5), (15, 5), (15, 15), class_id=0)
    assert not shapes(bench) and bench.mask[14, 14] == 0
    bench.drag((15, 15), (15, 8))  # still open, and gives back what it took
    assert bench.mask[14, 14] == 1
    tool.cancel()


def test_a_painted_part_becomes_a_shape_with_its_first_edit(bench) -> None:
    bench.mask[20:40, 20:50] = 2
    tool = open_at(bench, 30, 30)
    assert tool.polygon is not None and not shapes(bench)
    bench.drag((49, 39), (70, 60))
    (shape,) = shapes(bench)
    expect_mask(bench)
    tool.cancel()
    bench.click(30, 30, keys=CTRL)
    assert tool.outline is shape.outline


def test_a_hole_is_drawn_while_a_vertex_is_chosen(bench) -> None:
    tool = polygon(bench, (10, 10), (70, 10), (70, 70), (10, 70))
    bench.click(70, 70)
    corners = tool.polygon.outer
    for corner in ((20, 20), (50, 20), (50, 50)):
        bench.press(*corner, keys=SHIFT)
        bench.move(corner[0] + 1, corner[1], held=LEFT, keys=SHIFT)  # a hand that trembles
        bench.release(*corner, keys=SHIFT)
    bench.key(KEY.Key_Return)
    assert np.array_equal(tool.polygon.outer, corners) and len(tool.polygon.holes) == 1
    expect_mask(bench)
    assert not bench.mask[25, 45]


def test_the_shape_under_the_pointer_is_outlined(bench) -> None:
    draw(bench, "rectangle", (20, 20), (60, 60))
    bench.take("polygon")
    bench.move(80, 70)
    without = bench.view.grab().toImage()
    bench.move(40, 40)
    assert bench.view.grab().toImage() != without
    bench.move(82, 70)
    assert bench.view.grab().toImage() == without
    bench.click(40, 40, keys=CTRL)
    bench.move(80, 70)
    opened = bench.view.grab().toImage()
    bench.move(40, 40)  # it is open already
    assert bench.view.grab().toImage() == opened


def test_protected_classes_and_projects_for_reading_are_not_opened(bench) -> None:
    draw(bench, "rectangle", (20, 20), (60, 60))
    refused: list[bool] = []
    bench.editor.refused.connect(lambda: refused.append(True))
    bench.editor.set_locked({1})
    tool = open_at(bench, 40, 40)
    assert tool.polygon is None and refused
    bench.editor.set_locked(())
    bench.editor.editable = False
    bench.click(40, 40, keys=CTRL)
    assert tool.polygon is None and len(refused) == 2


def test_another_tool_that_takes_pixels_closes_the_shape(bench) -> None:
    draw(bench, "rectangle", (20, 20), (60, 60))
    bench.take("brush")
    bench.editor.set_class(2)
    bench.drag((40, 40), (70, 40))
    assert not shapes(bench)
    tool = open_at(bench, 30, 30)
    assert tool.outline.kind == "polygon"  # traced


def test_a_vertex_is_dragged_without_a_mouse(bench) -> None:
    tool = polygon(bench, (20, 20), (40, 20), (40, 40))
    keyboard = bench.view.keyboard
    bench.key(KEY.Key_Space)  # shows the crosshair
    keyboard._x, keyboard._y = 40.5, 40.5
    bench.key(KEY.Key_Space)
    assert tool.holds
    for _ in range(10):
        bench.key(KEY.Key_Right)
    assert bench.mask[38, 45] == 0
    bench.key(KEY.Key_Space)
    assert not tool.holds
    assert tool.polygon.outer.tolist()[2][0] == pytest.approx(50.5)
    expect_mask(bench)
    bench.key(KEY.Key_Right)  # nothing is held any more
    assert tool.polygon.outer.tolist()[2][0] == pytest.approx(50.5)
