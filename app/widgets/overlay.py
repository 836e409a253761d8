"""Masks as translucent colours over images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, qRgba

from core.images.io import IGNORE_INDEX
from core.images.palette import Color

_IGNORE_RGBA = qRgba(255, 255, 255, 120)


def color_table(colors: Sequence[Color], *, background: int | None = 0) -> list[int]:
    """Return 256 ARGB values by class id; ``background`` and unknown ids are transparent."""
    table = [0] * 256
    for class_id, (red, green, blue) in enumerate(colors):
        if class_id != background:
            table[class_id] = qRgba(red, green, blue, 255)
    table[IGNORE_INDEX] = _IGNORE_RGBA
    return table


def lookup_table(colors: Sequence[Color], *, background: int | None = 0) -> npt.NDArray[np.uint8]:
    """Return the same as ``color_table`` as uint8 (256, 4) RGBA, for pyqtgraph."""
    argb = np.array(color_table(colors, background=background), dtype=np.uint32)
    parts = [(argb >> shift) & 0xFF for shift in (16, 8, 0, 24)]
    return np.stack(parts, axis=1).astype(np.uint8)


def image_from_bgr(bgr: npt.NDArray[np.uint8]) -> QImage:
    """Return a copy of uint8 (H, W, 3) BGR as a ``QImage``."""
    height, width = bgr.shape[:2]
    data = np.ascontiguousarray(bgr)
    return QImage(data.data, width, height, width * 3, QImage.Format.Format_BGR888).copy()


def image_from_label_map(label_map: npt.NDArray[np.uint8]) -> QImage:
    """Return a copy of uint8 (H, W) class ids as an indexed ``QImage`` without colours."""
    height, width = label_map.shape
    data = np.ascontiguousarray(label_map)
    return QImage(data.data, width, height, width, QImage.Format.Format_Indexed8).copy()


def draw_overlay(
    painter: QPainter, target: QRect, mask: QImage, table: Sequence[int], opacity: float
) -> None:
    """Paint an indexed ``mask`` into ``target``; ``opacity`` 0 … 1."""
    if opacity <= 0:
        return
    mask.setColorTable(list(table))
    painter.save()
    painter.setOpacity(opacity)
    painter.drawImage(target, mask)
    painter.restore()


def draw_missing(painter: QPainter, target: QRect, color: QColor) -> None:
    """Hatch ``target``: there is no picture to show."""
    painter.fillRect(target, QBrush(color, Qt.BrushStyle.BDiagPattern))
