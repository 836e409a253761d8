"""From arrays to what Qt draws: images with masks over them, error maps, readable colours."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap

from app.look.theme import tokens
from app.look.translation import tr
from core.prediction.inspection import Verdict

ImageArray = npt.NDArray[np.uint8]
Color = tuple[int, int, int]

ERROR_COLORS: dict[Verdict, Color] = {
    Verdict.MISSED: (0, 114, 178),
    Verdict.FALSE: (213, 94, 0),
    Verdict.CONFUSED: (204, 121, 167),
    Verdict.IGNORED: (128, 128, 128),
}
"""Okabe and Ito's blue, vermillion and purple: apart for colour-blind eyes too."""

_STRENGTH = 0.6
_CONTRAST = 2.6


def error_name(verdict: Verdict) -> str:
    """Return what a colour of an error map means, in the current language."""
    return {
        Verdict.CORRECT: tr("correct"),
        Verdict.MISSED: tr("missed"),
        Verdict.FALSE: tr("false alarm"),
        Verdict.CONFUSED: tr("wrong class"),
        Verdict.IGNORED: tr("ignored"),
    }[verdict]


def to_pixmap(bgr: ImageArray) -> QPixmap:
    """Copy uint8 (H, W, 3) BGR into a pixmap; only on the UI thread."""
    height, width = bgr.shape[:2]
    data = np.ascontiguousarray(bgr)
    image = QImage(data.data, width, height, 3 * width, QImage.Format.Format_BGR888)
    return QPixmap.fromImage(image)


def overlay(
    bgr: ImageArray,
    label_map: ImageArray,
    colors: Sequence[Color],
    *,
    background: int | None = None,
    strength: float = _STRENGTH,
) -> ImageArray:
    """Return the image with a mask over it.

    Args:
        bgr: image, (H, W, 3) uint8.
        label_map: class ids, (h, w) uint8; stretched to the image without mixing classes.
        colors: red, green, blue of each class.
        background: class that stays clear; None: every class is coloured.
        strength: opacity of the colours, 0 … 1. Ignored pixels (255) get a faint white.
    """
    label_map = fit(label_map, bgr)
    table = np.zeros((256, 3), np.float32)
    alpha = np.zeros((256, 1), np.float32)
    for index, (red, green, blue) in enumerate(colors[:255]):
        table[index] = blue, green, red
        alpha[index] = 0.0 if index == background else strength
    table[255], alpha[255] = 255.0, 0.25
    return _blend(bgr, table[label_map], alpha[label_map])


def error_overlay(bgr: ImageArray, errors: ImageArray) -> ImageArray:
    """Return the greyed image with the errors of ``error_map`` over it."""
    errors = fit(errors, bgr)
    grey = cv2.cvtColor(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    table = np.zeros((256, 3), np.float32)
    alpha = np.zeros((256, 1), np.float32)
    for verdict, (red, green, blue) in ERROR_COLORS.items():
        table[verdict] = blue, green, red
        alpha[verdict] = 0.4 if verdict is Verdict.IGNORED else 0.8
    return _blend(np.asarray(grey, np.uint8), table[errors], alpha[errors])


def fit(label_map: ImageArray, bgr: ImageArray) -> ImageArray:
    """Return ids resized to the image's size, nearest neighbour."""
    height, width = bgr.shape[:2]
    if label_map.shape == (height, width):
        return label_map
    resized = cv2.resize(label_map, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(resized, np.uint8)


def shrink(bgr: ImageArray, max_side: int) -> ImageArray:
    """Return the image with its longer side at most ``max_side`` pixels."""
    height, width = bgr.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return bgr
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)


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


def _blend(
    bgr: ImageArray, color: npt.NDArray[np.float32], alpha: npt.NDArray[np.float32]
) -> ImageArray:
    mixed = bgr * (1 - alpha) + color * alpha
    return np.asarray(np.rint(mixed), np.uint8)


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
