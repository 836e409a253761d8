"""Rectangles, drawn in one go."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtGui import QPainter

from app.canvas.tool_drawing import draw_box
from app.canvas.tools.dragged_tool import DraggedTool
from core.annotation.shapes import Outline
from core.system.messages import Message, message


class RectangleTool(DraggedTool):
    """A rectangle; Shift: a square."""

    key: ClassVar[str] = "rectangle"
    title: ClassVar[Message] = message("Rectangle")
    icon: ClassVar[str] = "tool-rectangle"
    shortcut: ClassVar[str] = "R"
    hint: ClassVar[Message] = message("Drag a rectangle · Shift: square · right button erases")

    def outline(self) -> Outline | None:
        """The rectangle between start and end."""
        corners = self.corners()
        return None if corners is None else Outline.between("rectangle", *corners)

    def paint(self, painter: QPainter) -> None:
        """Draw its sides."""
        corners = self.corners()
        if corners is not None:
            draw_box(
                painter,
                self.view.to_widget(*corners[0]),
                self.view.to_widget(*corners[1]),
                self.color,
            )
