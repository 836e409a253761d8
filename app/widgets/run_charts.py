"""A run's curves: loss with the learning rate below it, mIoU with the IoU of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QFrame, QSplitter, QVBoxLayout, QWidget

from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.widgets.class_colors import readable
from app.widgets.class_legend import ClassLegend
from app.widgets.curve_plot import CurvePlot
from app.widgets.layout import label, row
from core.images.palette import Color
from core.runs.history import RunHistory

_LOSS, _RATE, _MIOU = "train/loss", "train/lr", "val/miou"
_OTHER = "other "
_ADJUSTED = "adjusted"
_NEWEST = 1e12  # behind every step
_RATE_HEIGHT = GRID * 7
_LEGEND_FROM, _NARROW, _LEAST_WIDTH = GRID * 62, GRID * 90, GRID * 44


@dataclass(frozen=True, slots=True)
class CompareRun:
    """Another run whose curves are drawn dashed."""

    name: str
    history: RunHistory


class RunCharts(QWidget):
    """Two charts side by side that share their pointer and x axis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss = CurvePlot(tr("Training loss"))
        self.rate = CurvePlot(tr("Learning rate"), x_axis=False)
        self.rate.setFixedHeight(_RATE_HEIGHT)
        self.iou = CurvePlot(tr("Validation IoU"), y_range=(0.0, 1.0))
        self.legend = ClassLegend()
        self.loss_value = label("", "muted")
        self.iou_value = label("", "muted")
        self.adjusted = label("", "muted", wrap=True)
        self.adjusted.setToolTip(
            tr(
                "When a training is over, the scores of classes that the network sees too often "
                "are lowered as far as the validation images show. The model and its exports have "
                "that; the curves are of before."
            )
        )
        self._plots = (self.loss, self.rate, self.iou)
        self._colors: list[Color] = []
        self._labels: list[str] = []
        self._history: RunHistory | None = None
        self._other: CompareRun | None = None
        self._in_epochs = True
        self._is_narrow: bool | None = None
        self.rate.plot.setXLink(self.loss.plot)
        for plot in self._plots:
            plot.plot.getAxis("left").setWidth(48)
            plot.hovered.connect(self._on_hovered)
        self.rate.plot.getAxis("left").setStyle(maxTickLevel=0)
        self.legend.toggled.connect(self.iou.set_shown)
        self._splitter = splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self._make_loss_card())
        splitter.addWidget(self._make_iou_card())
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 3)
        splitter.setHandleWidth(GRID)
        splitter.setProperty("role", "gap")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def reset(self, labels: list[str], colors: list[Color]) -> None:
        """Empty the charts for a run with these classes."""
        self._labels, self._colors = labels, colors
        self._history, self._other = None, None
        for plot in self._plots:
            plot.clear()
        self.legend.clear()
        self.adjusted.hide()
        theme = tokens()
        self.loss.add_curve(_LOSS, tr("loss"), QColor(theme.accent))
        self.rate.add_curve(_RATE, tr("learning rate"), QColor(theme.muted))
        self._add_iou_curve(_MIOU, tr("mIoU"), QColor(theme.text))
        self._on_hovered(None)

    def update_from(self, history: RunHistory) -> None:
        """Take over the points that a run's history has now."""
        self._history = history
        for index in history.class_indices:
            if f"val/iou/{index}" not in self.iou.keys:
                self._add_class(index)
        for plot in self._plots:
            plot.set_epochs(history.steps_per_epoch if self._in_epochs else None)
            for key in plot.keys:
                if key in history.series:
                    series = history.series[key]
                    plot.set_points(key, series.steps, series.values)
        for key in self.iou.keys:
            if key in history.series:
                self.legend.set_value(key, _number(history.series[key].values[-1]))
        self._draw_other()
        self._draw_adjusted(history)
        self._on_hovered(None)

    def set_in_epochs(self, in_epochs: bool) -> None:
        """Count the x axis in epochs or in steps."""
        self._in_epochs = in_epochs
        if self._history is not None:
            self.update_from(self._history)
        for plot in self._plots:
            plot.plot.enableAutoRange()

    def set_smoothing(self, weight: float) -> None:
        """Smooth the loss (0 … below 1)."""
        self.loss.set_smoothing(weight)

    def set_other(self, other: CompareRun | None) -> None:
        """Draw another run's loss and mIoU dashed, or none."""
        self._other = other
        for plot, key in ((self.loss, _OTHER + _LOSS), (self.iou, _OTHER + _MIOU)):
            plot.remove_curve(key)
        self._draw_other()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As wide as the curves need without the legend, which gives way."""
        return QSize(_LEAST_WIDTH, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """In a small window the classes' curves take room of the loss, then the legend's."""
        super().resizeEvent(event)
        width = event.size().width()
        is_narrow = width < _NARROW
        if is_narrow != self._is_narrow:
            self._is_narrow = is_narrow
            loss = width // 3 if is_narrow else 2 * width // 5
            self._splitter.setSizes([loss, width - loss])
        self.legend.setVisible(width >= _LEGEND_FROM)

    def shut_down(self) -> None:
        """Let pyqtgraph go of its scenes; call before the widget is deleted."""
        for plot in self._plots:
            plot.shut_down()

    def renew_colors(self) -> None:
        """Draw everything in the current theme."""
        theme = tokens()
        for plot in self._plots:
            plot.renew_colors()
        for plot, key, color in (
            (self.loss, _LOSS, theme.accent),
            (self.rate, _RATE, theme.muted),
            (self.iou, _MIOU, theme.text),
        ):
            if key in plot.keys:
                plot.set_color(key, QColor(color))
        for key in self.iou.keys:
            if key.startswith("val/iou/"):
                self.iou.set_color(key, self._class_color(int(key.rpartition("/")[2])))
                self.legend.set_color(key, self._class_color(int(key.rpartition("/")[2])))
            elif key in (_MIOU, _ADJUSTED):
                own = QColor(theme.text if key == _MIOU else theme.accent)
                self.iou.set_color(key, own)
                self.legend.set_color(key, own)

    def _draw_other(self) -> None:
        if self._other is None:
            return
        other, history = self._other.history, self._history
        scale = 1.0
        own = history.steps_per_epoch if history is not None else None
        if self._in_epochs and own and other.steps_per_epoch:
            scale = own / other.steps_per_epoch  # so that its epochs stand over this run's
        color = QColor(tokens().muted)
        for plot, tag in ((self.loss, _LOSS), (self.iou, _MIOU)):
            if tag in other.series:
                plot.add_curve(_OTHER + tag, self._other.name, color, dashed=True)
                series = other.series[tag]
                plot.set_points(_OTHER + tag, series.steps * scale, series.values)

    def _draw_adjusted(self, history: RunHistory) -> None:
        """Mark the mIoU that the best model has in the end, where that is not the curve's."""
        final, step = history.final_miou, history.final_step
        is_adjusted = history.adjusted is not None and final is not None
        self.adjusted.setVisible(is_adjusted)
        if final is None or not is_adjusted:
            self.iou.remove_curve(_ADJUSTED)
            self.legend.remove(_ADJUSTED)
            return
        self.adjusted.setText(
            tr("mIoU after adjusting the classes’ scores: {miou:.3f}", miou=final)
        )
        if step is None:
            return
        if _ADJUSTED not in self.iou.keys:
            self._add_iou_curve(_ADJUSTED, tr("mIoU, adjusted"), QColor(tokens().accent))
        self.iou.set_points(_ADJUSTED, np.array([float(step)]), np.array([final]))
        self.legend.set_value(_ADJUSTED, _number(final))

    def _add_class(self, index: int) -> None:
        name = self._labels[index] if index < len(self._labels) else str(index)
        self._add_iou_curve(f"val/iou/{index}", name, self._class_color(index))

    def _add_iou_curve(self, key: str, name: str, color: QColor) -> None:
        self.iou.add_curve(key, name, color)
        self.legend.add(key, name, color)

    def _class_color(self, index: int) -> QColor:
        color = self._colors[index] if index < len(self._colors) else (128, 128, 128)
        return readable(color)

    @Slot(object)
    def _on_hovered(self, step: float | None) -> None:
        """Show the values at the pointer, or the newest ones."""
        for plot in self._plots:
            plot.set_marker(step)
        at = _NEWEST if step is None else step
        losses, rates = self.loss.read(at), self.rate.read(at)
        texts = [f"{value:.4g}" for key, _, value in losses if key == _LOSS]
        texts += [tr("rate {rate:.2g}", rate=value) for _, _, value in rates]
        texts += [f"{name} {value:.4g}" for key, name, value in losses if key != _LOSS]
        self.loss_value.setText(" · ".join(texts))
        where = "" if step is None else self._place(step)
        self.iou_value.setText(where)
        for key, _, value in self.iou.read(at):
            if not key.startswith(_OTHER):
                self.legend.set_value(key, _number(value))

    def _place(self, step: float) -> str:
        history = self._history
        if history is not None and history.steps_per_epoch and self._in_epochs:
            return tr("epoch {epoch:.1f}", epoch=step / history.steps_per_epoch)
        return tr("step {step:.0f}", step=step)

    def _make_loss_card(self) -> QFrame:
        card, inside = _card()
        inside.addLayout(row(label(tr("Training loss"), "heading"), 1, self.loss_value))
        inside.addWidget(self.loss, 1)
        inside.addWidget(label(tr("Learning rate"), "muted"))
        inside.addWidget(self.rate)
        return card

    def _make_iou_card(self) -> QFrame:
        card, inside = _card()
        inside.addLayout(row(label(tr("Validation IoU"), "heading"), 1, self.iou_value))
        inside.addWidget(self.adjusted)
        both = row(spacing=GRID)
        both.addWidget(self.iou, 1)
        both.addWidget(self.legend)
        inside.addLayout(both, 1)
        return card


def _card() -> tuple[QFrame, QVBoxLayout]:
    card = QFrame()
    card.setProperty("role", "card")
    inside = QVBoxLayout(card)
    inside.setContentsMargins(GRID, GRID, GRID, GRID)
    inside.setSpacing(GRID // 2)
    return card, inside


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"
