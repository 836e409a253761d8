"""A pointer that the arrow keys move, so that everything works without a mouse."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen

from app.canvas.tools.tool import Pointer, Tool
from app.canvas.viewport import Viewport

_FAR = 10
_ARM = 14
_GAP = 4
_STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class PointedCanvas(Protocol):
    """What the crosshair needs of the canvas that it moves over.

    Attributes:
        tool: what space tells to click, None for nothing.
        viewport: which part of the image is seen.
    """

    tool: Tool | None
    viewport: Viewport

    @property
    def pixel_size(self) -> float:
        """How many widget pixels an image pixel is wide."""

    def width(self) -> int:
        """The widget's."""

    def height(self) -> int:
        """The widget's."""

    def to_widget(self, x: float, y: float) -> QPointF:
        """Image coordinates → the widget's."""

    def to_image(self, place: QPointF) -> tuple[float, float]:
        """The widget's coordinates → the image's."""

    def show_point(self, x: float, y: float) -> None:
        """Move the picture if an image point is out of sight."""

    def press(self, pointer: Pointer) -> None:
        """The pointer of the keys presses the tool."""

    def use(self, pointer: Pointer, *, pressed: bool) -> None:
        """The pointer of the keys moved to ``pointer``."""

    def update(self) -> None:
        """Paint the crosshair again."""


class KeyboardPointer:
    """A crosshair on pixel centres.

    Arrows move it by as many image pixels as can be told apart on the screen, with Shift ten times
    as far. Space clicks, or presses and releases by turns where the tool holds something.
    """

    def __init__(self, view: PointedCanvas) -> None:
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

    def act(self) -> bool:
        """Click, or press or release where the tool holds something; return whether it did.

        The first time it only shows where it is.
        """
        tool = self._view.tool
        if tool is None or not self._view.viewport.image_width:
            return False
        if not self.shown:
            self._show()
            return False
        pointer = Pointer(self._x, self._y)
        if self._pressed:
            self._pressed = False
            tool.released(pointer)
        else:
            self._view.press(pointer)
            if tool.holds:
                self._pressed = True
            else:
                tool.released(pointer)
        return True

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
