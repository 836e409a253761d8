"""Painting with a brush."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.canvas.editor import BACKGROUND
from app.canvas.tools.tool import Pending, Pointer, Tool
from core.annotation.brush import Brush
from core.system.messages import Message, message

_CROSS_BELOW = 6.0  # widget pixels


class BrushTool(Tool):
    """Paints the class in hand; the right button erases; Shift draws straight lines."""

    key: ClassVar[str] = "brush"
    title: ClassVar[Message] = message("Brush")
    icon: ClassVar[str] = "tool-brush"
    shortcut: ClassVar[str] = "B"
    hint: ClassVar[Message] = message(
        "Drag to paint · right button erases · Shift+click: straight line · [ ] or Ctrl+wheel: size"
    )
    options: ClassVar[tuple[str, ...]] = ("brush_size", "brush_shape", "only_over")
    main_option: ClassVar[str] = "brush_size"
    drags: ClassVar[bool] = True
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.BlankCursor
    erases: ClassVar[bool] = False

    _at: tuple[float, float] | None = None
    _last: tuple[float, float] | None = None

    @property
    def brush(self) -> Brush:
        """The brush as it is set."""
        options = self.editor.options
        return Brush(options.brush_size, options.brush_shape)

    @property
    def busy(self) -> bool:
        """Whether a stroke is under way."""
        return self.editor.document is not None and self.editor.document.in_stroke

    def pending(self) -> Pending | None:
        """A stroke is complete at any time."""
        return Pending() if self.busy else None

    def pressed(self, pointer: Pointer) -> None:
        """Begin a stroke."""
        class_id = BACKGROUND if self.erases or pointer.right else self.editor.class_id
        document = self.editor.prepare(class_id)
        if document is None:
            return
        document.begin_stroke(self.brush, class_id, name=self.name)
        if pointer.shift and self._last is not None:
            document.stroke_to(*self._last)
        document.stroke_to(*pointer.point)
        self._last = pointer.point

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Go on with it, and move the outline."""
        self._move_outline(pointer.point)
        if pressed and self.busy and self.editor.document is not None:
            self.editor.document.stroke_to(*pointer.point)
            self._last = pointer.point

    def released(self, pointer: Pointer) -> None:
        """End the stroke."""
        if self.editor.document is not None:
            self.editor.document.finish_stroke()

    def double_clicked(self, pointer: Pointer) -> None:
        """Another dab."""
        self.pressed(pointer)

    def left(self) -> None:
        """Hide the outline."""
        self._move_outline(None)

    def cancel(self) -> None:
        """Take the stroke back."""
        if self.editor.document is not None:
            self.editor.document.cancel_stroke()
        self._last = None

    def options_changed(self) -> None:
        """Draw the outline at its new size."""
        self.view.update()

    def paint(self, painter: QPainter) -> None:
        """Draw the brush's outline, and a dot in its middle."""
        if self._at is None:
            return
        brush = self.brush
        center = self.view.to_widget(*brush.centre(self._at))
        radius = brush.size / 2 * self.view.pixel_size
        area = QRectF(center - QPointF(radius, radius), center + QPointF(radius, radius))
        color = (
            QColor(255, 255, 255)
            if self.erases
            else self.view.class_color(self.editor.class_id).lighter(120)
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(QColor(0, 0, 0, 170), 2.6), QPen(color, 1.3)):
            painter.setPen(pen)
            if brush.shape == "round":
                painter.drawEllipse(area)
            else:
                painter.drawRect(area)
        if radius < _CROSS_BELOW:  # too small to see where it is
            arm = QPointF(_CROSS_BELOW + 4, 0), QPointF(0, _CROSS_BELOW + 4)
            for step in arm:
                painter.drawLine(center - step, center - step * 0.5)
                painter.drawLine(center + step * 0.5, center + step)

    def _move_outline(self, at: tuple[float, float] | None) -> None:
        margin = self.brush.size * self.view.pixel_size + _CROSS_BELOW + 8
        points = [point for point in (self._at, at) if point is not None]
        self._at = at
        self.view.update_around(*points, margin=margin)
