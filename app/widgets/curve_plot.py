"""Live curves: append-only data, at most ten redraws a second, values read off by hovering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.look.theme import tokens
from app.look.translation import tr
from app.services.timers import single_shot
from app.widgets.plain_plot import AXES, PlainPlot
from core.runs.history import Smoother

Floats = npt.NDArray[np.float64]
_REDRAW_MS = 100
_HOVER_MS = 33
_WIDTH = 2
_DOT = 6
_FAINT = 0.28
_AXIS_GAPS = 10
_NEARLY_0 = 1e-12
_LABEL_ROOM = 44  # pixels for a label of the horizontal axis
_FEW_LABELS = [(0, 0.5), (2, 0.4), (4, 0.3)]  # (labels, share of the axis they may fill)


@dataclass(slots=True)
class _Curve:
    name: str
    color: QColor
    steps: Floats = field(default_factory=lambda: np.empty(0))
    values: Floats = field(default_factory=lambda: np.empty(0))
    shown: bool = True
    dashed: bool = False
    smoother: Smoother = field(default_factory=Smoother)
    line: Any = None
    raw_line: Any = None


class _SparseAxis(pg.AxisItem):
    """An axis whose labels are far enough apart to be read.

    Args:
        orientation: ``left`` or ``bottom``.
        room: pixels of a label.
        least: smallest step from one to the next: 1 for whole numbers.
    """

    def __init__(self, orientation: str, *, room: float, least: float = 0.0) -> None:
        self._room, self._least = room, least
        super().__init__(orientation)

    def tickSpacing(  # noqa: N802
        self, low: float, high: float, size: float
    ) -> list[tuple[float, float]]:
        """Return one level of ticks, 1, 2 or 5 times a power of ten apart."""
        least = max(self._least, (high - low) * self._room / max(size, 1.0), _NEARLY_0)
        power = 10.0 ** np.floor(np.log10(least))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)
        return [(float(step), 0.0)]


class CurvePlot(QWidget):
    """One plot of several curves over training steps or epochs."""

    hovered = Signal(object)
    """(float | None): the training step under the pointer; None: the pointer left."""

    def __init__(
        self,
        title: str,
        *,
        y_range: tuple[float, float] | None = None,
        x_axis: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self._curves: dict[str, _Curve] = {}
        self._stale: set[str] = set()
        self._smoothing = 0.0
        self._steps_per_epoch: float | None = None
        self._has_x_axis = x_axis
        self.plot = PlainPlot(
            axes={
                "left": _SparseAxis("left", room=1.5 * self.fontMetrics().height()),
                "bottom": _SparseAxis("bottom", room=_LABEL_ROOM, least=1.0),
            }
        )
        for name in AXES:
            self.plot.getAxis(name).setStyle(hideOverlappingLabels=True, textFillLimits=_FEW_LABELS)
        item = self.plot.getPlotItem()
        item.setDownsampling(auto=True, mode="peak")
        item.setClipToView(True)
        item.showGrid(x=False, y=True, alpha=0.15)
        if y_range is not None:
            item.getViewBox().setLimits(yMin=y_range[0] - 0.02, yMax=y_range[1] + 0.02)
        self._marker = pg.InfiniteLine(angle=90, movable=False)
        self._marker.hide()
        item.addItem(self._marker, ignoreBounds=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self._timer = single_shot(self, _REDRAW_MS, self.redraw)
        # Not pyqtgraph's SignalProxy: its timer has no parent.
        self._pointer: QPointF | None = None
        self._hover_timer = single_shot(self, _HOVER_MS, self._on_hover_due)
        self.plot.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self._label_x_axis()
        self.renew_colors()
        self._show_numbers()

    def add_curve(self, key: str, name: str, color: QColor, *, dashed: bool = False) -> None:
        """Add a curve without points; ``key`` is its tag."""
        if key in self._curves:
            return
        curve = _Curve(name, color, dashed=dashed, smoother=Smoother(self._smoothing))
        options = {"connect": "finite", "antialias": True}
        curve.raw_line = self.plot.plot(**options)
        curve.line = self.plot.plot(**options)
        self._curves[key] = curve
        self._pen(curve)

    def remove_curve(self, key: str) -> None:
        """Take a curve away; unknown keys are ignored."""
        curve = self._curves.pop(key, None)
        self._stale.discard(key)
        if curve is not None:
            self.plot.removeItem(curve.raw_line)
            self.plot.removeItem(curve.line)

    def clear(self) -> None:
        """Take all curves away."""
        for key in list(self._curves):
            self.remove_curve(key)
        self.plot.enableAutoRange()
        self._show_numbers()

    @property
    def keys(self) -> list[str]:
        """The curves' keys in the order they were added."""
        return list(self._curves)

    def set_points(self, key: str, steps: Floats, values: Floats) -> None:
        """Replace a curve's points; drawn within a tenth of a second."""
        curve = self._curves[key]
        curve.steps, curve.values = steps, values
        self._mark_stale(key)

    def set_shown(self, key: str, shown: bool) -> None:
        """Show or hide a curve."""
        self._curves[key].shown = shown
        self._mark_stale(key)

    def set_color(self, key: str, color: QColor) -> None:
        """Recolour a curve."""
        self._curves[key].color = color
        self._pen(self._curves[key])

    def set_smoothing(self, weight: float) -> None:
        """Smooth all curves (0 … below 1); the points themselves stay faintly visible."""
        self._smoothing = weight
        for key, curve in self._curves.items():
            curve.smoother = Smoother(weight)
            self._mark_stale(key)

    def set_epochs(self, steps_per_epoch: float | None) -> None:
        """Count the x axis in epochs of so many steps; None: in steps."""
        if steps_per_epoch == self._steps_per_epoch:
            return
        self._steps_per_epoch = steps_per_epoch
        self._label_x_axis()
        for key in self._curves:
            self._mark_stale(key)

    def read(self, step: float) -> list[tuple[str, str, float]]:
        """Return (key, name, value) of every shown curve at the point nearest to ``step``."""
        found = []
        for key, curve in self._curves.items():
            if not curve.shown or not len(curve.steps):
                continue
            value = self._display(curve)[int(np.abs(curve.steps - step).argmin())]
            if np.isfinite(value):
                found.append((key, curve.name, float(value)))
        return found

    def set_marker(self, step: float | None) -> None:
        """Draw a vertical line at a step (None: none), also over a plot beside this one."""
        self._marker.setVisible(step is not None)
        if step is not None:
            self._marker.setPos(step / (self._steps_per_epoch or 1.0))

    def shut_down(self) -> None:
        """Stop drawing and let pyqtgraph go of its scene."""
        self._timer.stop()
        self._hover_timer.stop()
        self.plot.scene().sigMouseMoved.disconnect(self._on_mouse_moved)
        self.plot.close()

    def renew_colors(self) -> None:
        """Draw ground, axes and lines in the current theme."""
        self.plot.renew_colors()
        self._marker.setPen(pg.mkPen(tokens().muted, width=1, style=Qt.PenStyle.DotLine))
        for curve in self._curves.values():
            self._pen(curve)

    @Slot()
    def redraw(self) -> None:
        """Draw what changed."""
        self._timer.stop()
        for key in self._stale:
            self._draw(self._curves[key])
        self._stale.clear()
        self._show_numbers()

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Catch up with what arrived while hidden."""
        super().showEvent(event)
        if self._stale:
            self._timer.start()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Tell that nothing is read off any more."""
        super().leaveEvent(event)
        self._hover_timer.stop()
        self.hovered.emit(None)

    def _label_x_axis(self) -> None:
        if self._has_x_axis:
            self.plot.setLabel(
                "bottom", tr("step") if self._steps_per_epoch is None else tr("epoch")
            )
            # By itself it grows with the first numbers, and they lie over its name until then.
            self.plot.getAxis("bottom").setHeight(2 * self.fontMetrics().height() + _AXIS_GAPS)
        else:
            self.plot.hideAxis("bottom")

    def _show_numbers(self) -> None:
        """Label the axes only once there is something to measure on them."""
        filled = any(len(curve.steps) for curve in self._curves.values())
        for name in ("left", "bottom"):
            self.plot.getAxis(name).setStyle(showValues=filled)

    def _mark_stale(self, key: str) -> None:
        self._stale.add(key)
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _draw(self, curve: _Curve) -> None:
        if not curve.shown or not len(curve.steps):
            curve.line.setData([], [])
            curve.raw_line.setData([], [])
            return
        x = curve.steps / (self._steps_per_epoch or 1.0)
        # A single point would leave no trace as a line.
        symbol = "o" if len(x) == 1 and np.isfinite(curve.values[0]) else None
        curve.line.setData(
            x,
            self._display(curve),
            symbol=symbol,
            symbolSize=_DOT,
            symbolBrush=curve.color,
            symbolPen=None,
        )
        if self._smoothing > 0:
            curve.raw_line.setData(x, curve.values)
        else:
            curve.raw_line.setData([], [])

    def _display(self, curve: _Curve) -> Floats:
        return curve.smoother.apply(curve.values)

    def _pen(self, curve: _Curve) -> None:
        style = Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine
        curve.line.setPen(pg.mkPen(curve.color, width=_WIDTH, style=style))
        faint = QColor(curve.color)
        faint.setAlphaF(_FAINT)
        curve.raw_line.setPen(pg.mkPen(faint, width=1))

    def _on_mouse_moved(self, position: QPointF) -> None:
        self._pointer = position
        if not self._hover_timer.isActive():
            self._hover_timer.start()

    @Slot()
    def _on_hover_due(self) -> None:
        position = self._pointer
        if position is None or not self.plot.sceneBoundingRect().contains(position):
            self.hovered.emit(None)
            return
        x = self.plot.getPlotItem().getViewBox().mapSceneToView(position).x()
        self.hovered.emit(x * (self._steps_per_epoch or 1.0))
