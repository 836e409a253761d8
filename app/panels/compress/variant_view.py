"""The variants of a model: their table above, latency against mIoU and the classes below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QSplitter, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, trn
from app.panels.compress.class_change_table import ClassChanges
from app.panels.compress.pareto_plot import ParetoPlot
from app.panels.compress.variant_table import VariantTable
from app.widgets.layout import button, label, row
from app.widgets.switching import switch
from app.widgets.variant_names import variant_name
from core.images.palette import Color
from core.project.variants import ModelVariant, class_changes

_UPPER, _LOWER = 280, 420
_PLOT_WIDTH, _CLASSES_WIDTH = 520, 320
_LEAST_CLASSES = GRID * 33


class VariantView(QWidget):
    """Row, point and classes follow the variant that is chosen."""

    chosen = Signal(object)
    """(ModelVariant): the user chose another one."""
    measure_requested = Signal(object)
    """(list[ModelVariant]): those that were not measured yet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._variants: list[ModelVariant] = []
        self._current: ModelVariant | None = None
        self._colors: dict[str, Color] = {}
        self.table = VariantTable()
        self.plot = ParetoPlot()
        self.classes = ClassChanges()
        self.unmeasured = label("", "muted")
        self.measure_button = button(
            tr("Measure"), tooltip=tr("Export, time it on this machine, and compare with the masks")
        )
        self._missing_row = QWidget()
        self._missing_row.setLayout(row(self.unmeasured, self.measure_button, 1))
        self.plot_hint = label("", "muted", wrap=True)
        self.classes_title = label(tr("Classes"), "heading", wrap=True)
        self._no_classes = label(
            tr("Measure this variant and the trained model to compare their classes."),
            "muted",
            wrap=True,
        )
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(GRID)
        split.setProperty("role", "gap")
        split.addWidget(self._make_upper())
        split.addWidget(self._make_lower())
        split.setSizes([_UPPER, _LOWER])
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.addWidget(split)
        self.table.chosen.connect(self.chosen)
        self.plot.chosen.connect(self.chosen)
        self.measure_button.clicked.connect(self._on_measure)
        self.show_variants([], {})

    def show_variants(self, variants: Sequence[ModelVariant], colors: Mapping[str, Color]) -> None:
        """Show these variants of one model, the trained one first."""
        self._variants, self._colors = list(variants), dict(colors)
        self.table.set_variants(self._variants)
        self.plot.set_variants(self._variants)
        missing = self.missing
        self._missing_row.setVisible(bool(missing))
        self.unmeasured.setText(
            trn(
                "{count} variant is not measured.",
                "{count} variants are not measured.",
                len(missing),
            )
        )
        self.plot_hint.setText(
            tr("Each measured variant becomes a point here.")
            if len(missing) == len(self._variants)
            else tr("On the dashed line nothing is both faster and better.")
        )
        self._show_classes()

    def set_notes(self, notes: Mapping[Path, str]) -> None:
        """Say of some models, by folder, what is being done with them."""
        self.table.rows.set_notes(notes)

    def set_startable(self, startable: bool, why: str = "") -> None:
        """Whether a measurement may be started now; ``why`` not."""
        switch(self.measure_button, on=startable, why=why)

    def select(self, variant: ModelVariant | None) -> None:
        """Choose a variant without telling."""
        self._current = variant
        folder = None if variant is None else variant.folder
        self.table.blockSignals(True)
        self.table.select(folder)
        self.table.blockSignals(False)
        self.plot.select(folder)
        self._show_classes()

    @property
    def missing(self) -> list[ModelVariant]:
        """The variants that were not measured."""
        return [variant for variant in self._variants if variant.measured is None]

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.plot.renew_colors()
        self.classes.renew_colors()
        self.table.viewport().update()

    def shut_down(self) -> None:
        """Let pyqtgraph go of its scene."""
        self.plot.shut_down()

    def _show_classes(self) -> None:
        current = self._current if self._variants else None
        rows = [] if current is None else class_changes(current, self._variants[0])
        self.classes.show_changes(rows, self._colors)
        self.classes.setVisible(bool(rows))
        self._no_classes.setVisible(not rows)
        if current is None:
            return
        name = variant_name(current)
        self.classes_title.setText(
            tr("Classes of {name}", name=name)
            if current is self._variants[0]
            else tr("Classes of {name}, against the trained model", name=name)
        )

    @Slot()
    def _on_measure(self) -> None:
        self.measure_requested.emit(self.missing)

    def _make_upper(self) -> QWidget:
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.table, 1)
        column.addWidget(self._missing_row)
        return upper

    def _make_lower(self) -> QWidget:
        plot_card, inside = _card()
        inside.addWidget(label(tr("Latency against mIoU"), "heading"))
        inside.addWidget(self.plot_hint)
        inside.addWidget(self.plot, 1)
        classes_card, inside = _card()
        classes_card.setMinimumWidth(_LEAST_CLASSES)
        inside.addWidget(self.classes_title)
        inside.addWidget(self._no_classes)
        inside.addWidget(self.classes, 1)
        inside.addStretch(0)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(GRID)
        split.setProperty("role", "gap")
        split.addWidget(plot_card)
        split.addWidget(classes_card)
        split.setSizes([_PLOT_WIDTH, _CLASSES_WIDTH])
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        return split


def _card() -> tuple[QFrame, QVBoxLayout]:
    card = QFrame()
    card.setProperty("role", "card")
    inside = QVBoxLayout(card)
    inside.setContentsMargins(GRID, GRID, GRID, GRID)
    inside.setSpacing(GRID // 2)
    return card, inside
