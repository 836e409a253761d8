"""Which part of the image is seen, and how large: plain numbers, no widgets."""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_SCALE, MAX_SCALE = 1 / 256, 96.0
_FIT_MARGIN = 0.96


@dataclass(frozen=True, slots=True)
class Span:
    """Along one axis: ``count`` image pixels from ``first`` fill ``size`` device pixels.

    The first of those is ``start``; both ends may lie outside the widget.
    """

    first: int
    count: int
    start: int
    size: int


class Viewport:
    """Scale and place of an image in a widget; all widget lengths are device pixels.

    Attributes:
        scale: device pixels per image pixel.
        left, top: image coordinates of the widget's upper left corner.
        width, height: the widget.
        image_width, image_height: the image; 0 where there is none.
    """

    def __init__(self) -> None:
        self.scale = 1.0
        self.left = self.top = 0.0
        self.width = self.height = 1
        self.image_width = self.image_height = 0

    def set_image_size(self, width: int, height: int) -> None:
        """Show another image; call ``fit`` afterwards unless it should stay where it is."""
        self.image_width, self.image_height = width, height

    def resize(self, width: int, height: int) -> None:
        """The widget has another size; its centre keeps showing the same place."""
        center = self.to_image(self.width / 2, self.height / 2)
        self.width, self.height = max(1, width), max(1, height)
        self._place(center, self.width / 2, self.height / 2)

    def fit(self) -> None:
        """Show the whole image."""
        if self.image_width and self.image_height:
            scale = min(self.width / self.image_width, self.height / self.image_height)
            self.zoom_to(scale * _FIT_MARGIN)
            self._place(
                (self.image_width / 2, self.image_height / 2), self.width / 2, self.height / 2
            )

    def zoom_to(self, scale: float, *, at: tuple[float, float] | None = None) -> None:
        """Set the scale; the image point under ``at`` (device pixels; the centre) stays there."""
        x, y = at if at is not None else (self.width / 2, self.height / 2)
        point = self.to_image(x, y)
        self.scale = min(max(scale, MIN_SCALE), MAX_SCALE)
        self._place(point, x, y)

    def pan(self, dx: float, dy: float) -> None:
        """Move the picture by device pixels."""
        self.left -= dx / self.scale
        self.top -= dy / self.scale
        self._keep_in_sight()

    def center_on(self, x: float, y: float) -> None:
        """Bring an image point into the middle."""
        self._place((x, y), self.width / 2, self.height / 2)

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Device pixels → image coordinates (pixel centres lie at .5)."""
        return self.left + x / self.scale, self.top + y / self.scale

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        """Image coordinates → device pixels."""
        return (x - self.left) * self.scale, (y - self.top) * self.scale

    def spans(self) -> tuple[Span, Span] | None:
        """Return the visible columns and rows, None where nothing of the image is in sight."""
        columns = span(self.left, self.scale, self.width, self.image_width)
        rows = span(self.top, self.scale, self.height, self.image_height)
        return None if columns is None or rows is None else (columns, rows)

    def _place(self, point: tuple[float, float], x: float, y: float) -> None:
        self.left = point[0] - x / self.scale
        self.top = point[1] - y / self.scale
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        """Keep some of the image in the widget, and whole device pixels between two pictures."""
        self.left = _kept(self.left, self.width / self.scale, self.image_width)
        self.top = _kept(self.top, self.height / self.scale, self.image_height)
        self.left = round(self.left * self.scale) / self.scale
        self.top = round(self.top * self.scale) / self.scale


def _kept(start: float, shown: float, length: int) -> float:
    least = min(shown, length) / 4
    return min(max(start, least - shown), length - least)


def span(start: float, scale: float, size: int, length: int) -> Span | None:
    """Return what a widget of ``size`` shows along one axis of ``length`` image pixels."""
    first = max(0, math.floor(start))
    last = min(length, math.ceil(start + size / scale))
    if first >= last:
        return None
    begin = round((first - start) * scale)
    end = round((last - start) * scale)
    return Span(first, last - first, begin, max(1, end - begin))
