"""Polygons: drawn vertex by vertex, painted when closed, and changed while their vertices show."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from app.canvas.drawing import draw_handles, draw_line
from app.canvas.editor import Editor
from app.canvas.tool import Pointer, Tool
from core.annotation.components import pick_component
from core.annotation.edits import MaskEdit, Region, crop
from core.annotation.hit_test import HitTest
from core.annotation.polygon import (
    Point,
    Polygon,
    delete_vertex,
    insert_vertex,
    move_vertex,
    polygon_region,
    trace,
)
from core.messages import Message, message

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

_Place = tuple[int, int]  # (ring, index of the vertex)
_NEAR = 8.0
_NEAR_EDGE = 6.0
_TRACE_TOLERANCE = 0.75


class PolygonTool(Tool):
    """Click by click.

    A closed polygon is painted at once. Its vertices stay until the next polygon begins or
    something else changes the mask: dragging, adding or removing one paints it anew.
    """

    key: ClassVar[str] = "polygon"
    title: ClassVar[Message] = message("Polygon")
    icon: ClassVar[str] = "tool-polygon"
    shortcut: ClassVar[str] = "P"
    hint: ClassVar[Message] = message("Click vertices · Ctrl+click: edit a painted part")
    draw_hint: ClassVar[Message] = message(
        "Click vertices · Enter or double click: close · Backspace: back · Esc: drop"
    )
    edit_hint: ClassVar[Message] = message(
        "Drag vertices or edges · right click removes a vertex · Shift+click: hole · Enter: done"
    )
    options: ClassVar[tuple[str, ...]] = ("only_over",)

    def __init__(self, editor: Editor, view: CanvasView) -> None:
        super().__init__(editor, view)
        self._points: list[Point] = []
        self._polygon: Polygon | None = None
        self._painted: MaskEdit | None = None
        self._vertex: _Place | None = None
        self._moved: Polygon | None = None
        self._pointer: Point | None = None
        self._is_painting = False
        editor.committed.connect(self._on_committed)

    @property
    def busy(self) -> bool:
        """Whether a ring is being drawn."""
        return bool(self._points)

    @property
    def polygon(self) -> Polygon | None:
        """The polygon whose vertices can be moved."""
        return self._polygon

    def shown_hint(self) -> Message:
        """Before, while drawing, or afterwards."""
        if self._points:
            return self.draw_hint
        return self.hint if self._polygon is None else self.edit_hint

    def deactivated(self) -> None:
        """Let go of everything."""
        super().deactivated()
        self._let_go()

    def pressed(self, pointer: Pointer) -> None:
        """Take a vertex up, or add one."""
        self._pointer = pointer.point
        if pointer.right:
            self._remove_at(pointer)
            return
        if not self._points and pointer.ctrl:
            self._edit_painted(pointer)
            return
        if not self._points and self._polygon is not None and self._take_up(pointer):
            return
        if not self._points and not pointer.shift:
            self._let_go()
        if not self._points and not self.editor.may_paint(self.editor.class_id):
            return
        if len(self._points) >= 3 and self._is_near(pointer.point, self._points[0]):
            self.accept()
            return
        self._points.append(pointer.point)
        self.view.update()

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Move the vertex that was taken up, or the line to the next one."""
        self._pointer = pointer.point
        if pressed and self._vertex is not None and self._polygon is not None:
            ring, index = self._vertex
            base = self._moved or self._polygon
            self._moved = move_vertex(base, pointer.point, ring=ring, index=index)
            self.view.renew_preview()
        elif self._points or self._polygon is not None:
            self.view.update()

    def released(self, pointer: Pointer) -> None:
        """Paint the polygon with its moved vertex."""
        moved, self._moved = self._moved, None
        if moved is not None:
            self._paint(moved)
        self.view.renew_preview()

    def double_clicked(self, pointer: Pointer) -> None:
        """Close the ring; the first click of the two was its last vertex."""
        if len(self._points) >= 3:
            self.accept()
        else:
            self.pressed(pointer)

    def accept(self) -> None:
        """Close the ring, or let go of the polygon."""
        if not self._points:
            self._let_go()
            return
        if len(self._points) < 3:
            return
        points, self._points = self._points, []
        if self._polygon is not None:
            self._paint(self._polygon.with_hole(points))
        else:
            self._painted = None
            self._paint(Polygon.of(points))
        self.view.update()

    def cancel(self) -> None:
        """Drop the ring; without one, let go of the polygon."""
        if self._points:
            self._points = []
        else:
            self._let_go()
        self._moved = None
        self.view.renew_preview()

    def step_back(self) -> None:
        """Take the last vertex back, or the chosen one away."""
        if self._points:
            self._points.pop()
            self.view.update()
        else:
            self.delete()

    def delete(self) -> None:
        """Remove the chosen vertex."""
        if self._polygon is not None and self._vertex is not None:
            self._remove(self._vertex)

    def preview(self) -> Region | None:
        """The polygon while a vertex is dragged."""
        document = self.editor.document
        if self._moved is None or document is None:
            return None
        return polygon_region(self._moved, document.size)

    def paint(self, painter: QPainter) -> None:
        """Draw rings and vertices."""
        color = self.view.class_color(self.editor.class_id)
        polygon = self._moved or self._polygon
        if polygon is not None:
            for number, ring in enumerate(polygon.rings):
                points = [self.view.to_widget(x, y) for x, y in ring.tolist()]
                draw_line(painter, points, color, closed=True)
                chosen = self._vertex
                is_here = chosen is not None and chosen[0] == number
                draw_handles(
                    painter, points, color, chosen=chosen[1] if chosen and is_here else None
                )
        if self._points:
            drawn = [self.view.to_widget(*point) for point in self._points]
            if self._pointer is not None:
                here = self.view.to_widget(*self._pointer)
                draw_line(painter, [drawn[-1], here], color, dashed=True)
                if len(drawn) > 1:
                    draw_line(painter, [here, drawn[0]], color, dashed=True)
            draw_line(painter, drawn, color)
            closes = self._pointer is not None and self._is_near(self._pointer, self._points[0])
            is_closing = closes and len(drawn) >= 3
            draw_handles(painter, drawn, color, chosen=0 if is_closing else None)

    def _paint(self, polygon: Polygon) -> None:
        document = self.editor.document
        if document is None:
            return
        self._is_painting = True
        try:
            region = polygon_region(polygon, document.size)
            self._painted = self.editor.repaint(self._painted, region, name=self.name)
        finally:
            self._is_painting = False
        self._polygon = polygon

    def _edit_painted(self, pointer: Pointer) -> None:
        """Turn the painted part under the pointer into a polygon."""
        document = self.editor.document
        class_id = None if document is None else document.class_at(*pointer.point)
        if document is None or not class_id or not self.editor.may_paint(class_id):
            return
        region = pick_component(document.mask, *pointer.pixel)
        polygons = [] if region is None else trace(region, tolerance=_TRACE_TOLERANCE)
        if region is None or len(polygons) != 1:
            return
        self.editor.set_class(class_id)
        now = crop(document.mask, region.box).copy()
        without = np.where(region.pixels, np.uint8(0), now)
        self._let_go()
        self._polygon = polygons[0]
        self._painted = MaskEdit(region.box, without, now)
        self.view.update()

    def _take_up(self, pointer: Pointer) -> bool:
        """Choose the vertex near the pointer, or make one on the edge there."""
        assert self._polygon is not None
        if pointer.shift:
            return False
        self._vertex = self._vertex_at(pointer)
        if self._vertex is None:
            reach = _NEAR_EDGE / self.view.pixel_size
            edge = HitTest([self._polygon]).edge_at(*pointer.point, radius=reach)
            if edge is None:
                return False
            self._vertex = edge.ring, edge.index
            self._moved = insert_vertex(
                self._polygon, pointer.point, ring=edge.ring, index=edge.index
            )
        self.view.renew_preview()
        return True

    def _vertex_at(self, pointer: Pointer) -> _Place | None:
        assert self._polygon is not None
        reach = _NEAR / self.view.pixel_size
        hit = HitTest([self._polygon]).vertex_at(*pointer.point, radius=reach)
        return None if hit is None else (hit.ring, hit.index)

    def _remove_at(self, pointer: Pointer) -> None:
        if self._points:
            self.step_back()
        elif self._polygon is not None:
            place = self._vertex_at(pointer)
            if place is not None:
                self._remove(place)

    def _remove(self, place: _Place) -> None:
        assert self._polygon is not None
        self._vertex = None
        smaller = delete_vertex(self._polygon, ring=place[0], index=place[1])
        if smaller is not None:
            self._paint(smaller)
        self.view.update()

    def _let_go(self) -> None:
        self._polygon = self._painted = self._vertex = self._moved = None
        self.view.update()

    def _on_committed(self, _boxes: object) -> None:
        if not self._is_painting:
            self._let_go()

    def _is_near(self, first: Point, second: Point) -> bool:
        step: QPointF = self.view.to_widget(*first) - self.view.to_widget(*second)
        return abs(step.x()) + abs(step.y()) <= _NEAR
