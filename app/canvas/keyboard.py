"""A pointer that the arrow keys move, so that everything works without a mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen

from app.canvas.tools.tool import Pointer

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

_FAR = 10
_ARM = 14
_GAP = 4
_STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class KeyboardPointer:
    """A crosshair on pixel centres.

    Arrows move it by as many image pixels as can be told apart on the screen, with Shift ten times
    as far. Space clicks, or presses and releases by turns where the tool holds something.
    """

    def __init__(self, view: CanvasView) -> None:
        self._view = view
        self._x = self._y = 0.5
        self._pressed = False
        self.shown = False

    @property
    def place(self) -> QPointF | None:
        """Where it is in the widget, None while it is hidden."""
        return self._view.to_widget(self._x, self._y) if self.shown else None

    @property
    def point(self) -> tuple[float, float]:
        """Where it is in the image."""
        return self._x, self._y

    def key(self, event: QKeyEvent) -> bool:
        """Move with an arrow key; return whether it was one."""
        step = _STEPS.get(Qt.Key(event.key()))
        modifiers = event.modifiers()
        if step is None or modifiers & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        ):
            return False
        is_far = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        self._move(step[0], step[1], is_far=is_far)
        return True

    def act(self) -> None:
        """Click, or press or release where the tool holds something."""
        tool = self._view.tool
        if tool is None or not self._view.viewport.image_width:
            return
        if not self.shown:
            self._show()
            return
        pointer = Pointer(self._x, self._y)
        if self._pressed:
            self._pressed = False
            tool.released(pointer)
        else:
            tool.pressed(pointer)
            if tool.holds:
                self._pressed = True
            else:
                tool.released(pointer)
        self._view.acted.emit()
        self._view.update()

    def hide(self) -> None:
        """The mouse is used again."""
        if self.shown:
            self.focus_lost()
            self.shown = False
            self._view.update()

    def focus_lost(self) -> None:
        """End a press."""
        if self._pressed:
            self._pressed = False
            if self._view.tool is not None:
                self._view.tool.released(Pointer(self._x, self._y))

    def paint(self, painter: QPainter) -> None:
        """Draw the crosshair, light on dark, open in the middle."""
        if not self.shown:
            return
        center = self._view.to_widget(self._x, self._y)
        for color, width in ((QColor(0, 0, 0, 160), 3.0), (QColor(255, 255, 255), 1.2)):
            painter.setPen(QPen(color, width))
            for dx, dy in _STEPS.values():
                painter.drawLine(
                    center + QPointF(dx * _GAP, dy * _GAP), center + QPointF(dx * _ARM, dy * _ARM)
                )

    def _show(self) -> None:
        view = self._view
        x, y = view.to_image(QPointF(view.width() / 2, view.height() / 2))
        self.shown = True
        self._x, self._y = int(x) + 0.5, int(y) + 0.5
        self._move(0, 0, is_far=False)

    def _move(self, dx: int, dy: int, *, is_far: bool) -> None:
        view = self._view
        if not view.viewport.image_width:
            return
        if not self.shown:
            self._show()
        step = max(1, round(1 / view.pixel_size)) * (_FAR if is_far else 1)
        self._x = min(max(self._x + dx * step, 0.5), view.viewport.image_width - 0.5)
        self._y = min(max(self._y + dy * step, 0.5), view.viewport.image_height - 0.5)
        view.show_point(self._x, self._y)
        view.use(Pointer(self._x, self._y), pressed=self._pressed)
        view.update()
