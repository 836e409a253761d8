"""Shapes drawn in one go: rectangle, ellipse, lasso."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.canvas.drawing import draw_box, draw_line
from app.canvas.editor import BACKGROUND
from app.canvas.tools.tool import Pointer, Tool
from core.annotation.polygon import Polygon, simplify
from core.annotation.shapes import Outline
from core.system.messages import Message, message

_LEAST_STEP = 1.5  # widget pixels between two points of a lasso
_TOLERANCE = 0.3  # pixels, of image or widget, by which a lasso's line may move


class DraggedTool(Tool):
    """Press, drag, release; the right button erases."""

    options: ClassVar[tuple[str, ...]] = ("only_over",)
    drags: ClassVar[bool] = True

    _start: Pointer | None = None
    _end: Pointer | None = None

    @property
    def busy(self) -> bool:
        """Whether a shape is being dragged."""
        return self._start is not None

    def pressed(self, pointer: Pointer) -> None:
        """Begin."""
        class_id = BACKGROUND if pointer.right else self.editor.class_id
        if self.editor.may_paint(class_id):
            self._start = self._end = pointer
            self.view.update()

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Go on."""
        if self._start is not None:
            self._end = pointer
            self.view.update()

    def released(self, pointer: Pointer) -> None:
        """Paint the shape."""
        start = self._start
        if start is None:
            return
        self._end = pointer
        outline = self.outline()
        self.cancel()
        class_id = BACKGROUND if start.right else self.editor.class_id
        if outline is not None:
            self.editor.add_shape(outline, class_id, name=self.name)

    def cancel(self) -> None:
        """Drop it."""
        self._start = self._end = None
        self.view.update()

    def step_back(self) -> None:
        """Drop it."""
        self.cancel()

    @abstractmethod
    def outline(self) -> Outline | None:
        """Return the shape as it is now."""

    @property
    def color(self) -> QColor:
        """The colour to draw with."""
        erases = self._start is not None and self._start.right
        return QColor(255, 255, 255) if erases else self.view.class_color(self.editor.class_id)

    def corners(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """Return start and end; with Shift of equal sides."""
        start, end = self._start, self._end
        if start is None or end is None:
            return None
        dx, dy = end.x - start.x, end.y - start.y
        if end.shift:
            side = max(abs(dx), abs(dy))
            dx, dy = (side if dx >= 0 else -side), (side if dy >= 0 else -side)
        return start.point, (start.x + dx, start.y + dy)


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


class LassoTool(DraggedTool):
    """An outline drawn by hand."""

    key: ClassVar[str] = "lasso"
    title: ClassVar[Message] = message("Lasso")
    icon: ClassVar[str] = "tool-lasso"
    shortcut: ClassVar[str] = "L"
    hint: ClassVar[Message] = message("Drag around something · right button erases")

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
