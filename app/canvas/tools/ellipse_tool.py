"""Ellipses, drawn in one go."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.canvas.tools.dragged_tool import DraggedTool
from core.annotation.shapes import Outline
from core.system.messages import Message, message


class EllipseTool(DraggedTool):
    """An ellipse; Shift: a circle."""

    key: ClassVar[str] = "ellipse"
    title: ClassVar[Message] = message("Ellipse")
    icon: ClassVar[str] = "tool-ellipse"
    shortcut: ClassVar[str] = "O"
    hint: ClassVar[Message] = message("Drag an ellipse · Shift: circle · right button erases")

    def outline(self) -> Outline | None:
        """The ellipse between start and end."""
        corners = self.corners()
        return None if corners is None else Outline.between("ellipse", *corners)

    def paint(self, painter: QPainter) -> None:
        """Draw its outline."""
        corners = self.corners()
        if corners is None:
            return
        area = QRectF(self.view.to_widget(*corners[0]), self.view.to_widget(*corners[1]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(QColor(0, 0, 0, 170), 3.2), QPen(self.color.lighter(130), 1.6)):
            painter.setPen(pen)
            painter.drawEllipse(area.normalized())
