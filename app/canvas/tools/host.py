"""What a tool needs of the canvas that it works on."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor


class ToolHost(Protocol):
    """Where things are on the screen, their colours, and what must be painted again."""

    @property
    def pixel_size(self) -> float:
        """How many widget pixels an image pixel is wide."""

    def to_widget(self, x: float, y: float) -> QPointF:
        """Image coordinates → the widget's."""

    def class_color(self, class_id: int) -> QColor:
        """Return a class's colour."""

    def update(self) -> None:
        """Paint again what the tool draws."""

    def update_around(self, *points: tuple[float, float], margin: float) -> None:
        """Paint again what lies within ``margin`` widget pixels of image points."""

    def renew_preview(self) -> None:
        """The tool's preview or what it draws changed."""

    def begin_pan(self, place: QPointF) -> None:
        """Move the picture with the pointer, which is at ``place``, until the button goes up."""
