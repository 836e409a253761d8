"""One measure of several runs, drawn over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QFrame, QVBoxLayout, QWidget

from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.panels.train.comparing.run_facts import RunFacts
from app.widgets.class_legend import ClassLegend
from app.widgets.curve_plot import CurvePlot
from app.widgets.layout import label, row

_IOU = "val/iou/"
_MIOU = "val/miou"
_ADJUSTED = " adjusted"
"""Follows the key of a run: a point above its curve."""


class OverlaidCurves(QWidget):
    """The measure is chosen above the curves; the axis counts epochs of each run."""

    colors_changed = Signal(object)
    """(mapping from run id to QColor): what the curves are drawn in."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: list[RunFacts] = []
        self._colors: dict[int, QColor] = {}
        self.measure_box = QComboBox()
        self.measure_box.setAccessibleName(tr("Measure"))
        self.measure_box.setMinimumWidth(GRID * 22)
        self.measure_box.activated.connect(self._on_measure_chosen)
        self.hint = label("", "muted")
        self.plot = CurvePlot(tr("Curves of the ticked runs"))
        self.plot.plot.getAxis("left").setWidth(48)
        self.plot.set_epochs(1.0)
        self.plot.hovered.connect(self._on_hovered)
        self.legend = ClassLegend()
        self.legend.toggled.connect(self._on_toggled)
        both = row(spacing=GRID)
        both.addWidget(self.plot, 1)
        both.addWidget(self.legend)
        both.setContentsMargins(GRID, GRID, GRID, GRID)
        card = QFrame()
        card.setProperty("role", "card")
        card.setLayout(both)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(row(self.measure_box, self.hint, 1))
        layout.addWidget(card, 1)
        self.show_runs([])

    @property
    def measure(self) -> str:
        """The tag that is drawn."""
        tag = self.measure_box.currentData()
        return tag if isinstance(tag, str) else _MIOU

    def show_runs(self, facts: Sequence[RunFacts]) -> None:
        """Draw these runs, each in a colour of its own that it keeps while it is ticked."""
        self._facts = list(facts)
        self._colors = self._new_colors([one.run.id for one in facts])
        self._fill_measures()
        self._draw()
        self.hint.setText("" if facts else tr("Tick runs in the table to see their curves."))
        self.colors_changed.emit(dict(self._colors))

    def renew_colors(self) -> None:
        """Draw everything in the current theme."""
        self.plot.renew_colors()
        self._colors.clear()
        self.show_runs(self._facts)

    def shut_down(self) -> None:
        """Let pyqtgraph go of its scene; call before the widget is deleted."""
        self.plot.shut_down()

    def _new_colors(self, ids: Sequence[int]) -> dict[int, QColor]:
        palette = tokens().curves
        kept = {id_: color for id_, color in self._colors.items() if id_ in ids}
        for id_ in ids:
            if id_ in kept:
                continue
            taken = [color.name() for color in kept.values()]
            fewest = min(palette, key=lambda name: (taken.count(name), palette.index(name)))
            kept[id_] = QColor(fewest)
        return kept

    def _fill_measures(self) -> None:
        chosen = self.measure
        found = {tag for one in self._facts for tag in one.history.series}
        names = _measure_names(self._facts)
        self.measure_box.clear()
        for tag, name in names.items():
            if tag in found or tag == _MIOU:
                self.measure_box.addItem(name, tag)
        self.measure_box.setCurrentIndex(max(0, self.measure_box.findData(chosen)))

    @Slot()
    def _on_measure_chosen(self) -> None:
        self._draw()

    def _draw(self) -> None:
        for key in self.plot.keys:
            self.plot.remove_curve(key)
        self.legend.clear()
        for one in self._facts:
            series = one.history.series.get(self.measure)
            if series is None:
                continue
            key, color = str(one.run.id), self._colors[one.run.id]
            self.plot.add_curve(key, one.run.name, color)
            epochs = series.steps / (one.history.steps_per_epoch or 1.0)
            self.plot.set_points(key, epochs, series.values)
            self.legend.add(key, one.run.name, color)
            self._draw_adjusted(one, key, color)
        self.legend.setVisible(bool(self.plot.keys))
        self.plot.plot.enableAutoRange()
        self._on_hovered(None)

    def _draw_adjusted(self, one: RunFacts, key: str, color: QColor) -> None:
        """Mark the mIoU of a model whose scores were adjusted; the curve is of before."""
        final, step = one.history.final_miou, one.history.final_step
        if self.measure != _MIOU or one.history.adjusted is None or final is None or step is None:
            return
        self.plot.add_curve(key + _ADJUSTED, one.run.name, color)
        epoch = step / (one.history.steps_per_epoch or 1.0)
        self.plot.set_points(key + _ADJUSTED, np.array([epoch]), np.array([final]))

    @Slot(str, bool)
    def _on_toggled(self, key: str, shown: bool) -> None:
        for one in (key, key + _ADJUSTED):
            if one in self.plot.keys:
                self.plot.set_shown(one, shown)

    @Slot(object)
    def _on_hovered(self, epoch: float | None) -> None:
        """Show the values at the pointer, or the best ones."""
        self.plot.set_marker(epoch)
        shown = {key: "–" for key in self.plot.keys if not key.endswith(_ADJUSTED)}
        if epoch is not None:
            read = {key: f"{value:.3f}" for key, _, value in self.plot.read(epoch)}
            shown |= {key: text for key, text in read.items() if key in shown}
        else:
            shown |= {str(one.run.id): text for one in self._facts if (text := self._best(one))}
        for key, text in shown.items():
            if key in self.plot.keys:
                self.legend.set_value(key, text)

    def _best(self, one: RunFacts) -> str:
        series = one.history.series.get(self.measure)
        values = np.empty(0) if series is None else series.values[np.isfinite(series.values)]
        if not values.size:
            return ""
        if self.measure == "train/lr":
            return f"{values[-1]:.2g}"
        if self.measure == _MIOU and one.history.adjusted is not None:
            return f"{one.history.final_miou:.3f}"
        best = values.min() if self.measure == "train/loss" else values.max()
        return f"{best:.3f}"


def _measure_names(facts: Sequence[RunFacts]) -> Mapping[str, str]:
    names = {
        _MIOU: tr("mIoU"),
        "val/oacc": tr("Accuracy"),
        "val/kappa": tr("Kappa"),
        "train/loss": tr("Training loss"),
        "train/lr": tr("Learning rate"),
    }
    indices = sorted({index for one in facts for index in one.history.class_indices})
    for index in indices:
        known = dict.fromkeys(one.labels[index] for one in facts if index < len(one.labels))
        names[f"{_IOU}{index}"] = tr("IoU of {name}", name=" / ".join(known) or index)
    return names
