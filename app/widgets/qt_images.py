"""From arrays to the images of Qt, and masks painted over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPixmap


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


def to_pixmap(bgr: npt.NDArray[np.uint8]) -> QPixmap:
    """Copy uint8 (H, W, 3) BGR into a pixmap; only on the UI thread."""
    height, width = bgr.shape[:2]
    data = np.ascontiguousarray(bgr)
    image = QImage(data.data, width, height, 3 * width, QImage.Format.Format_BGR888)
    return QPixmap.fromImage(image)


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
