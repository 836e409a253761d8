"""Polygons: drawn vertex by vertex, painted when closed; and editing every shape there is."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from app.canvas.editor import Editor
from app.canvas.tool_drawing import draw_handles, draw_line
from app.canvas.tools.host import ToolHost
from app.canvas.tools.shape_editing import ShapeEditing
from app.canvas.tools.tool import Pending, Pointer, Tool
from core.annotation.edits import Region
from core.annotation.polygon import Point, Polygon, spans_area
from core.annotation.shapes import Outline
from core.system.messages import Message, message

_NEAR = 8.0


class PolygonTool(Tool):
    """Click by click.

    A closed polygon is painted at once. It stays open, its vertices shown, until the next one
    begins; Ctrl+click opens it again, and any other shape.
    """

    key: ClassVar[str] = "polygon"
    title: ClassVar[Message] = message("Polygon")
    icon: ClassVar[str] = "tool-polygon"
    shortcut: ClassVar[str] = "P"
    hint: ClassVar[Message] = message("Click vertices · Ctrl+click: edit a shape or a painted part")
    draw_hint: ClassVar[Message] = message(
        "Click vertices · Enter or double click: close · Backspace: back · Esc: drop"
    )
    edit_hint: ClassVar[Message] = message(
        "Drag vertices or edges · Ctrl+drag: move · right click removes a vertex · "
        "Shift+click: hole · Del: delete · Enter: done"
    )
    box_hint: ClassVar[Message] = message(
        "Drag corners or edges, with Shift: equal sides · Ctrl+drag: move · Del: delete · "
        "Enter: done"
    )
    options: ClassVar[tuple[str, ...]] = ("only_over",)

    def __init__(self, editor: Editor, view: ToolHost) -> None:
        super().__init__(editor, view)
        self._points: list[Point] = []
        self._pointer: Pointer | None = None
        self._editing = ShapeEditing(editor, view, lambda: self.name)

    @property
    def busy(self) -> bool:
        """Whether a ring is being drawn."""
        return bool(self._points)

    def pending(self) -> Pending | None:
        """A ring is complete with three points that are not in one line; so is what is dragged."""
        if not self._points:
            return Pending() if self._editing.is_held else None
        return Pending(_missing(self._points))

    @property
    def holds(self) -> bool:
        """Whether a vertex, a corner or the whole shape was taken up."""
        return self._editing.is_held

    @property
    def outline(self) -> Outline | None:
        """The form of the shape that is open."""
        return self._editing.outline

    @property
    def polygon(self) -> Polygon | None:
        """Its vertices; two corners of a rectangle or an ellipse."""
        return None if self.outline is None else self.outline.polygon

    def shown_hint(self) -> Message:
        """Before, while drawing, or afterwards."""
        if self._points:
            return self.draw_hint
        if self.outline is None:
            return self.hint
        return self.box_hint if self.outline.is_box else self.edit_hint

    def deactivated(self) -> None:
        """Let go of everything."""
        super().deactivated()
        self._editing.let_go()
        self._editing.hover(None)
        self._pointer = None

    def pressed(self, pointer: Pointer) -> None:
        """Take a vertex up, or add one."""
        self._pointer = pointer
        editing = self._editing
        if pointer.right:
            self._remove_at(pointer)
            return
        if not self._points and pointer.ctrl:
            if not editing.take_whole(pointer) and editing.open_at(pointer) and editing.is_stored:
                editing.take_whole(pointer)  # opened and moved in one go
            return
        is_hole = pointer.shift and editing.takes_holes
        if not self._points and not is_hole and editing.take_up(pointer):
            return
        if not self._points and not is_hole:
            editing.let_go()
        if not self._points and not self.editor.may_paint(self.editor.class_id):
            return
        if len(self._points) >= 3 and self._is_near(pointer.point, self._points[0]):
            self.accept()
            return
        self._points.append(pointer.point)
        editing.hover(None)
        self.view.update()

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Move what was taken up, or the line to the next vertex."""
        self._pointer = pointer
        if pressed:
            self._editing.drag(pointer)
        elif self._points:
            self.view.update()
        else:
            self._editing.hover(pointer if self.outline is None or pointer.ctrl else None)

    def released(self, pointer: Pointer) -> None:
        """Paint the shape as it was dragged."""
        self._editing.drop()

    def left(self) -> None:
        """Nothing is under the pointer."""
        self._editing.hover(None)
        if not self._points:
            self._pointer = None

    def double_clicked(self, pointer: Pointer) -> None:
        """Close the ring; the first click of the two was its last vertex. Or open a shape."""
        if len(self._points) >= 3:
            self.accept()
        elif len(self._points) == 1 and self._editing.open_at(pointer):
            self._points = []
        else:
            self.pressed(pointer)

    def accept(self) -> None:
        """Close the ring, let go of the shape, or open the one under the pointer."""
        if not self._points:
            if self.outline is not None:
                self._editing.let_go()
            elif self._pointer is not None:
                self._editing.open_at(self._pointer)
            return
        if len(self._points) < 3:
            return
        points, self._points = self._points, []
        if self.outline is not None:
            self._editing.add_hole(points)
        else:
            self._editing.add(Polygon.of(points))
        self.view.update()

    def cancel(self) -> None:
        """Drop the ring, or what is dragged; without either, let go of the shape."""
        if self._points:
            self._points = []
        elif not self._editing.stop_drag():
            self._editing.let_go()
        self.view.renew_preview()

    def step_back(self) -> None:
        """Take the last vertex back, or the chosen one or the shape away."""
        if self._points:
            self._points.pop()
            self.view.update()
        else:
            self.delete()

    def delete(self) -> None:
        """Remove the chosen vertex, or the shape."""
        if not self._points:
            self._editing.delete()

    def preview(self) -> Region | None:
        """The shape while it is dragged."""
        return self._editing.preview()

    def paint(self, painter: QPainter) -> None:
        """Draw the open shape and the ring in the making."""
        self._editing.paint(painter)
        if not self._points:
            return
        color = self.view.class_color(self.editor.class_id)
        drawn = [self.view.to_widget(*point) for point in self._points]
        closes = False
        if self._pointer is not None:
            here = self.view.to_widget(*self._pointer.point)
            draw_line(painter, [drawn[-1], here], color, dashed=True)
            if len(drawn) > 1:
                draw_line(painter, [here, drawn[0]], color, dashed=True)
            closes = len(drawn) >= 3 and self._is_near(self._pointer.point, self._points[0])
        draw_line(painter, drawn, color)
        draw_handles(painter, drawn, color, chosen=0 if closes else None)

    def _remove_at(self, pointer: Pointer) -> None:
        if self._points:
            self.step_back()
        else:
            self._editing.remove_vertex_at(pointer)

    def _is_near(self, first: Point, second: Point) -> bool:
        step: QPointF = self.view.to_widget(*first) - self.view.to_widget(*second)
        return abs(step.x()) + abs(step.y()) <= _NEAR


def _missing(points: list[Point]) -> Message | None:
    """Return why a ring cannot be closed, None where it can."""
    if len(points) == 1:
        return message("The polygon has only one point: finish it, or discard it.")
    if len(points) == 2:
        return message("The polygon has only two points: finish it, or discard it.")
    if not spans_area(points):
        return message("The polygon's points are in one line: finish it, or discard it.")
    return None
