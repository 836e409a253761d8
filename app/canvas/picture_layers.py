"""The pictures that the canvas is painted from, renewed only where something changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRect
from PySide6.QtGui import QImage, QPainter

from app.canvas.draft_layer import DraftRenderer
from app.canvas.renderer import MaskRenderer, MaskStyle, draw_picture, draw_region
from app.canvas.viewport import Viewport
from core.annotation.edits import Box, Mask, Region
from core.annotation.image_pyramid import ImagePyramid, shown
from core.images.io import IGNORE_INDEX
from core.images.palette import Color
from core.portable.window_level import WindowLevel


class Layers:
    """Image, mask, draft and preview of one canvas, in device pixels."""

    def __init__(self) -> None:
        self.mask = MaskRenderer()
        self.draft = DraftRenderer()
        self._picture: QImage | None = None
        self._picture_at = (0, 0)
        self._preview: QImage | None = None
        self._preview_at = (0, 0)

    def set_colors(
        self,
        colors: Sequence[Color],
        *,
        opacity: float,
        style: MaskStyle,
        hidden: Iterable[int],
    ) -> None:
        """Set what classes look like."""
        hidden = tuple(hidden)
        self.mask.set_colors(colors, opacity=opacity, style=style, hidden=hidden)
        self.draft.set_colors(
            colors, opacity=max(opacity, 0.5), style=MaskStyle.BOTH, hidden=(*hidden, IGNORE_INDEX)
        )

    def draw_picture(self, picture: ImagePyramid, window: WindowLevel, viewport: Viewport) -> None:
        """Renew the image."""
        found = draw_picture(picture.levels, viewport)
        self._picture = None
        if found is not None:
            pixels, x, y = found
            self._picture = to_image(shown(pixels, window))
            self._picture_at = (x, y)

    def draw_masks(self, mask: Mask, draft: Mask | None, viewport: Viewport) -> None:
        """Renew mask and draft."""
        seen = viewport.spans()
        size = (viewport.width, viewport.height)
        for renderer, pixels in ((self.mask, mask), (self.draft, draft)):
            if pixels is None or seen is None:
                renderer.clear()
            else:
                renderer.draw(pixels, *seen, size)

    def update_mask(self, mask: Mask, box: Box) -> QRect | None:
        """Renew a part of the mask; return the device pixels that changed."""
        changed = self.mask.update(mask, box)
        if changed is None:
            return None
        left, top, right, bottom = changed
        return QRect(left, top, right - left, bottom - top)

    def draw_preview(self, region: Region | None, color: Color, viewport: Viewport) -> None:
        """Renew what a tool would paint."""
        self._preview = None
        seen = viewport.spans()
        if region is None or seen is None:
            return
        found = draw_region(region, color, *seen, (viewport.width, viewport.height))
        if found is not None:
            pixels, x, y = found
            self._preview = _argb(pixels)
            self._preview_at = (x, y)

    def paint(self, painter: QPainter, ratio: float, *, draft: bool) -> None:
        """Paint everything; ``ratio`` is the device pixels per pixel of the widget."""
        if self._picture is not None:
            _paint_at(painter, self._picture, self._picture_at, ratio)
        _paint_at(painter, _argb(self.mask.overlay), (0, 0), ratio)
        if draft:
            _paint_at(painter, _argb(self.draft.overlay), (0, 0), ratio)
        if self._preview is not None:
            _paint_at(painter, self._preview, self._preview_at, ratio)

    def clear(self) -> None:
        """Show nothing."""
        self._picture = self._preview = None
        self.mask.clear()
        self.draft.clear()


def to_image(pixels: npt.NDArray[np.uint8]) -> QImage:
    """Return a copy of uint8 (h, w) grey or (h, w, 3) BGR."""
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels)
    kind = QImage.Format.Format_BGR888 if data.ndim == 3 else QImage.Format.Format_Grayscale8
    image = QImage(data.data, width, height, data.strides[0], kind)
    # Screens are painted in this format: converted once, not at each repaint.
    return image.convertToFormat(QImage.Format.Format_RGB32)


def _argb(pixels: npt.NDArray[np.uint32]) -> QImage:
    """Return a view of premultiplied ARGB (h, w): the array must outlive it."""
    height, width = pixels.shape
    return QImage(pixels.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)


def _paint_at(painter: QPainter, image: QImage, at: tuple[int, int], ratio: float) -> None:
    image.setDevicePixelRatio(ratio)
    painter.drawImage(QPointF(at[0] / ratio, at[1] / ratio), image)
