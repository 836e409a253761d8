"""How much each channel group's removal costs: one curve a group, read off by hovering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.look.theme import tokens
from app.look.translation import tr
from app.services.timers import single_shot
from app.widgets.plain_plot import PlainPlot
from core.compression.pruning.estimate import LossCurve

_REDRAW_MS = 100
_HOVER_MS = 33
_NEAR = 24.0  # pixels between the pointer and a curve that it still points at
_THIN, _THICK = 1.0, 2.5
_FAINT = 0.45
_DOT = 7
_LEAST_RANGE = 5.0  # percent of the mIoU: smaller differences are noise


class SensitivityPlot(QWidget):
    """Curves are thin and grey; the one chosen stands out, and so does the one pointed at."""

    hovered = Signal(object)
    """(str | None): the group whose curve is under the pointer."""
    chosen = Signal(str)
    """(group): its curve was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Sensitivity of each channel group"))
        self._curves: dict[str, LossCurve] = {}
        self._lines: dict[str, pg.PlotCurveItem] = {}
        self._stale: set[str] = set()
        self._cuts: dict[str, float] = {}
        self._current: str | None = None
        self._pointed: str | None = None
        self._pointer: QPointF | None = None
        self.plot = PlainPlot()
        self.plot.setMouseEnabled(x=False, y=True)
        item = self.plot.getPlotItem()
        item.showGrid(x=False, y=True, alpha=0.15)
        item.setLabel("bottom", tr("channels removed, %"))
        item.setLabel("left", tr("mIoU lost, %"))
        item.getViewBox().setLimits(xMin=-2, xMax=102, yMin=-20, yMax=110, minYRange=_LEAST_RANGE)
        item.setXRange(0, 90, padding=0.02)
        self._dots = pg.ScatterPlotItem(size=_DOT, pxMode=True)
        self._dots.setZValue(5)
        item.addItem(self._dots)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self._redraw_timer = single_shot(self, _REDRAW_MS, self.redraw)
        self._hover_timer = single_shot(self, _HOVER_MS, self._on_hover_due)
        self.plot.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self.plot.scene().sigMouseClicked.connect(self._on_mouse_clicked)
        self.renew_colors()

    @property
    def groups(self) -> list[str]:
        """The groups that have a curve."""
        return list(self._curves)

    @property
    def current(self) -> str | None:
        """The group chosen."""
        return self._current

    def clear(self) -> None:
        """Take all curves away."""
        for drawn in self._lines.values():
            self.plot.removeItem(drawn)
        self._curves.clear()
        self._lines.clear()
        self._stale.clear()
        self._cuts = {}
        self._current = self._pointed = None
        self._draw_cuts()

    def set_curve(self, group: str, curve: LossCurve) -> None:
        """Add or replace a group's curve; drawn within a tenth of a second."""
        if group not in self._lines:
            drawn = pg.PlotCurveItem(connect="finite", antialias=True)
            self._lines[group] = drawn
            self.plot.addItem(drawn)
            self._pen(group)
        self._curves[group] = curve
        self._stale.add(group)
        if not self._redraw_timer.isActive():
            self._redraw_timer.start()

    def set_cuts(self, cuts: Mapping[str, float]) -> None:
        """Mark on each curve which share of the channels (0 … 1) would go."""
        self._cuts = dict(cuts)
        self._draw_cuts()

    def set_current(self, group: str | None) -> None:
        """Let a group's curve stand out."""
        before, self._current = self._current, group
        for name in (before, group):
            self._pen(name)
        self._draw_cuts()

    def set_pointed(self, group: str | None) -> None:
        """Mark the group that is pointed at here or in a list beside."""
        before, self._pointed = self._pointed, group
        for name in (before, group):
            self._pen(name)

    def loss_at(self, group: str, ratio: float) -> float | None:
        """Return the loss between the measured points; None outside of them or undefined."""
        value = self._curves[group].loss_at(ratio)
        return None if np.isnan(value) else value

    def group_at(self, position: QPointF) -> str | None:
        """Return the group whose curve passes near a place of the plot's scene."""
        box = self.plot.getPlotItem().getViewBox()
        if not self.plot.sceneBoundingRect().contains(position) or not self._curves:
            return None
        ratio = box.mapSceneToView(position).x() / 100
        zero = box.mapViewToScene(QPointF(0.0, 0.0)).y()
        scale = box.mapViewToScene(QPointF(0.0, 100.0)).y() - zero  # pixels of a loss of 1
        nearest, distance = None, _NEAR
        for group, curve in self._curves.items():
            value = curve.loss_at(ratio)
            if np.isnan(value):
                continue
            away = abs(zero + scale * value - position.y())
            away -= 0.5 if group == self._current else 0.0  # of equal ones the chosen one
            if away < distance:
                nearest, distance = group, away
        return nearest

    @Slot()
    def redraw(self) -> None:
        """Draw what changed."""
        for group in self._stale:
            curve = self._curves[group]
            self._lines[group].setData(
                np.concatenate([[0.0], curve.ratios * 100]),
                np.concatenate([[0.0], curve.losses * 100]),
            )
        self._stale.clear()
        self._draw_cuts()

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.plot.renew_colors()
        for group in self._lines:
            self._pen(group)
        self._draw_cuts()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Nothing is pointed at any more."""
        super().leaveEvent(event)
        self._hover_timer.stop()
        self.hovered.emit(None)

    def shut_down(self) -> None:
        """Let pyqtgraph go of its scene; call before the widget is deleted."""
        self._redraw_timer.stop()
        self._hover_timer.stop()
        self.plot.close()

    def _pen(self, group: str | None) -> None:
        if group is None or group not in self._lines:
            return
        theme = tokens()
        drawn = self._lines[group]
        if group == self._current:
            color, width, level = QColor(theme.accent), _THICK, 3
        elif group == self._pointed:
            color, width, level = QColor(theme.text), _THICK, 4
        else:
            color, width, level = QColor(theme.muted), _THIN, 0
            color.setAlphaF(_FAINT)
        drawn.setPen(pg.mkPen(color, width=width))
        drawn.setZValue(level)

    def _draw_cuts(self) -> None:
        theme = tokens()
        places = [
            (group, ratio, value)
            for group, ratio in self._cuts.items()
            if ratio > 0
            and group in self._curves
            and (value := self.loss_at(group, ratio)) is not None
        ]
        self._dots.setData(
            x=[100 * ratio for _, ratio, _ in places],
            y=[100 * value for _, _, value in places],
            brush=[
                pg.mkBrush(theme.accent if group == self._current else theme.muted)
                for group, _, _ in places
            ],
            pen=pg.mkPen(theme.surface, width=1),
        )

    def _on_mouse_moved(self, position: QPointF) -> None:
        self._pointer = position
        if not self._hover_timer.isActive():
            self._hover_timer.start()

    @Slot()
    def _on_hover_due(self) -> None:
        self.hovered.emit(None if self._pointer is None else self.group_at(self._pointer))

    def _on_mouse_clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        group = self.group_at(event.scenePos())
        if group is not None:
            self.chosen.emit(group)
