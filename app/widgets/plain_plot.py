"""A plot without menus, in the window's colours."""

from __future__ import annotations

from collections.abc import Mapping

import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from app.look.theme import tokens

AXES = ("left", "bottom")


class PlainPlot(pg.PlotWidget):
    """Names, grid and colours are the plot's own; what is drawn in it is its owner's."""

    def __init__(
        self, parent: QWidget | None = None, *, axes: Mapping[str, pg.AxisItem] | None = None
    ) -> None:
        super().__init__(parent, axisItems=axes, enableMenu=False)
        self.hideButtons()
        for name in AXES:  # "epoch (x0.001)" says nothing
            self.getAxis(name).enableAutoSIPrefix(False)
        self.renew_colors()

    def renew_colors(self) -> None:
        """Draw ground and axes in the current theme."""
        theme = tokens()
        self.setBackground(theme.surface)
        for name in AXES:
            axis = self.getAxis(name)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
