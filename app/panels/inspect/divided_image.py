"""A picture to zoom and move; a second one may lie over its right part, behind a divider."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QVBoxLayout, QWidget

from app.look.theme import tokens
from app.look.translation import tr
from app.widgets.blending import ImageArray

_STEP = 0.02  # of the width, for a key
_KEYS = {Qt.Key.Key_Left: -_STEP, Qt.Key.Key_Right: _STEP, Qt.Key.Key_Home: -1, Qt.Key.Key_End: 1}


class DividedImage(QWidget):
    """The wheel zooms, dragging moves; the divider is dragged or moved with the arrow keys.

    Attributes:
        divider: the line between the two; hidden where there is one picture.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = (1, 1)
        self._share = 0.5
        self.graphics = _Graphics()
        self.graphics.setAccessibleName(tr("Image with its errors"))
        self.graphics.key_pressed.connect(self._on_key)
        self._box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False)
        self.graphics.setCentralItem(self._box)
        self._first = pg.ImageItem(axisOrder="row-major")
        self._box.addItem(self._first)
        self._cut = QGraphicsRectItem()
        self._cut.setPen(Qt.PenStyle.NoPen)
        self._cut.setFlag(QGraphicsItem.GraphicsItemFlag.ItemClipsChildrenToShape)
        self._second = pg.ImageItem(axisOrder="row-major")
        self._second.setParentItem(self._cut)
        self._box.addItem(self._cut, ignoreBounds=True)
        self.divider = pg.InfiniteLine(angle=90, movable=True)
        self.divider.sigPositionChanged.connect(self._on_divider_moved)
        self._box.addItem(self.divider, ignoreBounds=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.graphics)
        self.setFocusProxy(self.graphics)
        self.renew_colors()
        self.clear()

    @property
    def share(self) -> float:
        """Where the divider is, 0 (left) … 1 (right)."""
        return self._share

    def show_pictures(self, first: ImageArray, second: ImageArray | None = None) -> None:
        """Show a picture (H, W, 3) BGR, and another one of the same image at the right of it."""
        height, width = first.shape[:2]
        self._size = (width, height)
        self._first.setImage(np.ascontiguousarray(first[..., ::-1]), levels=(0, 255))
        for item in (self._cut, self.divider):
            item.setVisible(second is not None)
        if second is not None:
            self._second.setImage(np.ascontiguousarray(second[..., ::-1]), levels=(0, 255))
            self._second.setRect(QRectF(0, 0, width, height))
            self.divider.setBounds((0, width))
            self.divider.setValue(self._share * width)
            self._cut_second()

    def clear(self) -> None:
        """Show nothing."""
        self._first.clear()
        self._second.clear()
        self._cut.hide()
        self.divider.hide()

    def move_divider(self, share: float) -> None:
        """Put the divider at a share of the width, 0 … 1."""
        self.divider.setValue(min(max(share, 0.0), 1.0) * self._size[0])

    def fit(self) -> None:
        """Show the whole image."""
        width, height = self._size
        self._box.setRange(xRange=(0, width), yRange=(0, height), padding=0.02)

    def renew_colors(self) -> None:
        """Take the theme's ground."""
        theme = tokens()
        self.graphics.setBackground(theme.window)
        self.divider.setPen(pg.mkPen(theme.accent, width=3))
        self.divider.setHoverPen(pg.mkPen(theme.focus, width=5))

    def shut_down(self) -> None:
        """Let pyqtgraph go of its scene."""
        self.graphics.close()

    def _cut_second(self) -> None:
        width, height = self._size
        left = self._share * width
        self._cut.setRect(QRectF(left, 0, width - left, height))

    @Slot()
    def _on_divider_moved(self) -> None:
        self._share = float(self.divider.value()) / self._size[0]
        self._cut_second()

    @Slot(float)
    def _on_key(self, step: float) -> None:
        if self.divider.isVisible():
            self.move_divider(self._share + step)


class _Graphics(pg.GraphicsView):
    """Tells of the keys that move the divider."""

    key_pressed = Signal(float)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        step = _KEYS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.key_pressed.emit(step)
