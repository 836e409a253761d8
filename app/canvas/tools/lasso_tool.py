"""Outlines drawn by hand, in one go."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtGui import QPainter

from app.canvas.tool_drawing import draw_line
from app.canvas.tools.dragged_tool import DraggedTool
from app.canvas.tools.tool import Pointer
from core.annotation.polygon import Polygon, simplify
from core.annotation.shapes import Outline
from core.system.messages import Message, message

_LEAST_STEP = 1.5  # widget pixels between two points
_TOLERANCE = 0.3  # pixels, of image or widget, by which the line may move


class LassoTool(DraggedTool):
    """An outline drawn by hand."""

    key: ClassVar[str] = "lasso"
    title: ClassVar[Message] = message("Lasso")
    icon: ClassVar[str] = "tool-lasso"
    shortcut: ClassVar[str] = "L"
    hint: ClassVar[Message] = message("Drag around something · right button erases")
    unfinished_hint: ClassVar[Message] = message(
        "The lasso has enclosed nothing yet: finish it, or discard it."
    )

    def pressed(self, pointer: Pointer) -> None:
        """Begin."""
        super().pressed(pointer)
        self._points = [pointer.point]

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Go on."""
        if self._start is not None:
            step = self.view.to_widget(*pointer.point) - self.view.to_widget(*self._points[-1])
            if abs(step.x()) + abs(step.y()) >= _LEAST_STEP:
                self._points.append(pointer.point)
        super().moved(pointer, pressed=pressed)

    def outline(self) -> Outline | None:
        """The way of the pointer, without vertices that nobody would miss."""
        if len(self._points) < 3:
            return None
        tolerance = _TOLERANCE * max(1.0, 1.0 / self.view.pixel_size)
        return Outline.of(simplify(Polygon.of(self._points), tolerance))

    def paint(self, painter: QPainter) -> None:
        """Draw it."""
        if self._start is not None:
            points = [self.view.to_widget(*point) for point in self._points]
            draw_line(painter, points, self.color)
            draw_line(painter, [points[-1], points[0]], self.color, dashed=True)
