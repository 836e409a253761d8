"""How tools draw lines, points and hints over image and mask: seen on any ground."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from core.annotation.shapes import Outline

_DARK = QColor(0, 0, 0, 170)
_LIGHT = QColor(255, 255, 255)
HANDLE = 4.0
"""Half the side of a vertex's square, in widget pixels."""


def draw_line(
    painter: QPainter,
    points: Sequence[QPointF],
    color: QColor,
    *,
    closed: bool = False,
    dashed: bool = False,
) -> None:
    """Draw a line with a dark rim."""
    shape = QPolygonF(list(points))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(color.lighter(130), 1.6)
    if dashed:
        pen.setStyle(Qt.PenStyle.DashLine)
    for each in (QPen(_DARK, 3.2), pen):
        painter.setPen(each)
        if closed:
            painter.drawPolygon(shape)
        else:
            painter.drawPolyline(shape)


def draw_outline(
    painter: QPainter,
    outline: Outline,
    to_widget: Callable[[float, float], QPointF],
    color: QColor,
    *,
    thin: bool = False,
) -> None:
    """Draw a shape's form, with a dark rim unless ``thin``."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(color.lighter(150), 1.2 if thin else 1.6)
    for each in (pen,) if thin else (QPen(_DARK, 3.2), pen):
        painter.setPen(each)
        if outline.is_box:
            corner, opposite = (to_widget(x, y) for x, y in outline.polygon.outer.tolist())
            area = QRectF(corner, opposite).normalized()
            if outline.kind == "ellipse":
                painter.drawEllipse(area)
            else:
                painter.drawRect(area)
            continue
        for ring in outline.polygon.rings:
            painter.drawPolygon(QPolygonF([to_widget(x, y) for x, y in ring.tolist()]))


def draw_handles(
    painter: QPainter, points: Sequence[QPointF], color: QColor, *, chosen: int | None = None
) -> None:
    """Draw vertices as squares, a chosen one larger and filled with white."""
    for place, point in enumerate(points):
        is_chosen = place == chosen
        half = HANDLE + 1.5 if is_chosen else HANDLE - 0.5
        area = QRectF(point - QPointF(half, half), point + QPointF(half, half))
        painter.setPen(QPen(_DARK, 1.2))
        painter.setBrush(_LIGHT if is_chosen else color.lighter(120))
        painter.drawRect(area)


def draw_box(painter: QPainter, corner: QPointF, opposite: QPointF, color: QColor) -> None:
    """Draw a dashed rectangle."""
    area = QRectF(corner, opposite).normalized()
    corners = [area.topLeft(), area.topRight(), area.bottomRight(), area.bottomLeft()]
    draw_line(painter, corners, color, closed=True, dashed=True)
