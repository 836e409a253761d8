"""One image, large: zoom with the wheel, move by dragging, mask over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.look.theme import tokens
from app.look.translation import tr
from app.widgets.class_colors import color_table
from core.images.palette import Color


class ImageViewer(QWidget):
    """Shows uint8 BGR images with a label map over them."""

    step_requested = Signal(int)
    """(+1 or -1): the next or previous image is wanted."""
    closed = Signal()
    """Escape was pressed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Image with its mask"))
        self._view = pg.GraphicsView(self)
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False)
        self._view.setCentralItem(self._box)
        self._image = pg.ImageItem(axisOrder="row-major")
        self._mask = pg.ImageItem(axisOrder="row-major")
        self._mask.setZValue(1)
        self._box.addItem(self._image)
        self._box.addItem(self._mask)
        self._size = (0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self.renew_colors()

    def show_image(
        self,
        bgr: npt.NDArray[np.uint8],
        label_map: npt.NDArray[np.uint8] | None,
        *,
        size: tuple[int, int] | None = None,
        fit: bool = True,
    ) -> None:
        """Show an image and its mask.

        Args:
            bgr: (H, W, 3).
            label_map: class ids (H, W), None without a mask.
            size: (width, height) of the image where ``bgr`` is a reduced copy.
            fit: show the whole image, else the part that is seen already.
        """
        self._image.setImage(np.ascontiguousarray(bgr[..., ::-1]), levels=(0, 255))
        self._mask.setVisible(label_map is not None)
        if label_map is not None:
            self._mask.setImage(label_map, levels=(0, 255), autoLevels=False)
        self._size = size or (bgr.shape[1], bgr.shape[0])
        for item in (self._image, self._mask):
            item.setRect(QRectF(0, 0, *self._size))
        if fit:
            self.fit()

    def clear(self) -> None:
        """Show nothing."""
        self._image.clear()
        self._mask.clear()

    def set_colors(self, colors: Sequence[Color]) -> None:
        """Colours of the classes by id."""
        self._mask.setLookupTable(_lookup_table(colors))

    def set_opacity(self, opacity: float) -> None:
        """How strongly the mask is drawn, 0 … 1."""
        self._mask.setOpacity(opacity)

    def fit(self) -> None:
        """Show the whole image."""
        width, height = self._size
        if width and height:
            self._box.setRange(xRange=(0, width), yRange=(0, height), padding=0.02)

    def renew_colors(self) -> None:
        """Take the theme's background."""
        self._view.setBackground(tokens().window)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows step through the images, 0 fits, Escape closes."""
        key = event.key()
        if key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_PageDown):
            self.step_requested.emit(1)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_PageUp):
            self.step_requested.emit(-1)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Home):
            self.fit()
        elif key == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def close_view(self) -> None:
        """Let pyqtgraph go of its scene; call before the widget is deleted."""
        self._view.close()


def _lookup_table(colors: Sequence[Color]) -> npt.NDArray[np.uint8]:
    """Return ``color_table`` as uint8 (256, 4) RGBA, for pyqtgraph."""
    argb = np.array(color_table(colors), dtype=np.uint32)
    parts = [(argb >> shift) & 0xFF for shift in (16, 8, 0, 24)]
    return np.stack(parts, axis=1).astype(np.uint8)
