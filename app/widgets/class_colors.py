"""The colours of classes on the ground of the window: readable, as squares, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, qRgba

from app.look.theme import tokens
from core.images.io import IGNORE_INDEX
from core.images.palette import Color

_CONTRAST = 2.6
_IGNORE_RGBA = qRgba(255, 255, 255, 120)


def color_table(colors: Sequence[Color], *, background: int | None = 0) -> list[int]:
    """Return 256 ARGB values by class id; ``background`` and unknown ids are transparent."""
    table = [0] * 256
    for class_id, (red, green, blue) in enumerate(colors):
        if class_id != background:
            table[class_id] = qRgba(red, green, blue, 255)
    table[IGNORE_INDEX] = _IGNORE_RGBA
    return table


def readable(color: Color, ground: str | None = None) -> QColor:
    """Return a class colour, darkened or lightened until it stands out from the ground.

    ``ground`` is ``#rrggbb``; None: the theme's surface.
    """
    surface = QColor(ground or tokens().surface)
    lighten = surface.lightnessF() < 0.5
    made = QColor(*color)
    for _ in range(20):
        if _contrast(made, surface) >= _CONTRAST:
            break
        lightness = made.lightnessF() + (0.05 if lighten else -0.05)
        made = QColor.fromHslF(
            max(0.0, made.hslHueF()), made.hslSaturationF(), min(1.0, max(0.0, lightness))
        )
    return made


def swatch(color: QColor, *, filled: bool = True, size: int = 12) -> QIcon:
    """Return a small coloured square; only its outline where not ``filled``."""
    picture = QPixmap(size * 2, size * 2)
    picture.setDevicePixelRatio(2.0)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(color)
    painter.setBrush(color if filled else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(1, 1, size - 2, size - 2, 3, 3)
    painter.end()
    return QIcon(picture)


def hatched_swatch(*, size: int = 12) -> QIcon:
    """Return the small square of "don't care", which has no colour of its own."""
    picture = QPixmap(size * 2, size * 2)
    picture.setDevicePixelRatio(2.0)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color = QColor(tokens().muted)
    outline = QPainterPath()
    outline.addRoundedRect(1, 1, size - 2, size - 2, 3, 3)
    painter.setClipPath(outline)
    painter.setPen(QPen(color, 1.4))
    for start in range(-size, size, 4):
        painter.drawLine(start, size, start + size, 0)
    painter.setClipping(False)
    painter.setPen(color)
    painter.drawPath(outline)
    painter.end()
    made = QIcon(picture)
    made.addPixmap(picture, QIcon.Mode.Selected)
    return made


def _contrast(first: QColor, second: QColor) -> float:
    """Contrast ratio 1 … 21 after WCAG 2."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(color: QColor) -> float:
    parts = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (color.redF(), color.greenF(), color.blueF())
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
