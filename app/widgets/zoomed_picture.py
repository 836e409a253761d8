"""A picture that the wheel zooms and dragging moves."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from app.look.theme import tokens
from app.widgets.blending import ImageArray


class ZoomedPicture(pg.GraphicsView):
    """Call ``close`` at the end: pyqtgraph then lets go of its scene.

    Attributes:
        picture: what is shown, (H, W, 3) BGR; None for nothing.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.picture: ImageArray | None = None
        self._box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False)
        self.setCentralItem(self._box)
        self._item = pg.ImageItem(axisOrder="row-major")
        self._box.addItem(self._item)
        self.renew_colors()

    def show_picture(self, picture: ImageArray | None, *, stay: bool = False) -> None:
        """Show a picture; None: nothing.

        Args:
            picture: (H, W, 3) BGR.
            stay: keep zoom and place, as it is of the same image.
        """
        self.picture = picture
        if picture is None:
            self._item.clear()
            return
        self._item.setImage(np.ascontiguousarray(picture[..., ::-1]), levels=(0, 255))
        if not stay:
            self.fit()

    @Slot()
    def fit(self) -> None:
        """Show the whole picture."""
        if self.picture is not None:
            height, width = self.picture.shape[:2]
            self._box.setRange(xRange=(0, width), yRange=(0, height), padding=0.02)

    def renew_colors(self) -> None:
        """Take the theme's ground."""
        self.setBackground(tokens().window)
