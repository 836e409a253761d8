"""All variants of a model in one table: what each costs and what it can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSignalBlocker,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.look.term_finding import with_terms
from app.look.theme import GRID, tokens
from app.look.translation import tr, trn
from app.widgets.number_text import flops_text, latency_text, size_text
from app.widgets.variant_names import model_name, variant_name
from core.models.variant import Variant
from core.project.variants import ModelVariant, class_changes

_Index = QModelIndex | QPersistentModelIndex
_ROW = GRID * 4


@dataclass(frozen=True, slots=True)
class _Column:
    """One measured number: its text, and whether less of it is better."""

    value: Callable[[Variant], float | None]
    text: Callable[[Any], str]
    less: bool


_COLUMNS: tuple[_Column, ...] = (
    _Column(lambda v: v.size_bytes, size_text, True),
    _Column(lambda v: v.flops, flops_text, True),
    _Column(lambda v: v.latency_ms, latency_text, True),
    _Column(lambda v: v.miou, lambda value: f"{value:.3f}", False),
)
_NAME, _CHANGE = 0, len(_COLUMNS) + 1


class VariantModel(QAbstractTableModel):
    """Rows are ``ModelVariant``, the trained model first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.variants: list[ModelVariant] = []
        self._notes: dict[Path, str] = {}
        self._best: set[tuple[int, int]] = set()

    def set_variants(self, variants: Sequence[ModelVariant]) -> None:
        """Show these, the first being what the others are compared with."""
        self.beginResetModel()
        self.variants = list(variants)
        self._best = _best_cells(self.variants)
        self.endResetModel()

    def set_notes(self, notes: Mapping[Path, str]) -> None:
        """Say of some models what is being done with them instead of "not measured"."""
        self._notes = dict(notes)
        if self.variants:
            last = self.index(len(self.variants) - 1, _CHANGE)
            self.dataChanged.emit(self.index(0, 0), last)

    def rowCount(self, parent: _Index | None = None) -> int:  # noqa: N802
        """Number of variants."""
        return 0 if parent is not None and parent.isValid() else len(self.variants)

    def columnCount(self, parent: _Index | None = None) -> int:  # noqa: N802
        """Name, measured numbers, change."""
        return 0 if parent is not None and parent.isValid() else _CHANGE + 1

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles of the columns."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return left if section == _NAME else right
        if role == Qt.ItemDataRole.ToolTipRole:
            return with_terms(_header_tips()[section], _headers()[section])
        return _headers()[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A number as text; the best of a column is bold and in the colour of success."""
        variant = self.variants[index.row()]
        column = index.column()
        theme = tokens()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.text(variant, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column != _NAME:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(variant, column)
        best = (index.row(), column) in self._best
        if role == Qt.ItemDataRole.FontRole and best:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ForegroundRole:
            if best:
                return QColor(theme.success)
            return QColor(theme.muted) if variant.measured is None and column else None
        return None

    def text(self, variant: ModelVariant, column: int) -> str:
        """Return what a cell says."""
        measured = variant.measured
        if column == _NAME:
            kept = () if measured is None else measured.float_layers
            if not kept:
                return variant_name(variant)
            floats = trn("{count} layer in float", "{count} layers in float", len(kept))
            return f"{variant_name(variant)} · {floats}"
        if measured is None:
            if column == _CHANGE:
                return self._notes.get(variant.folder, tr("not measured"))
            if column == _CHANGE - 1 and variant.miou is not None:
                return f"{variant.miou:.3f}"
            return "–"
        if column == _CHANGE:
            return self._notes.get(variant.folder) or self._worst(variant)
        value = _COLUMNS[column - 1].value(measured)
        return "–" if value is None else _COLUMNS[column - 1].text(value)

    def _worst(self, variant: ModelVariant) -> str:
        """Return the class that lost most, in points of IoU."""
        if variant is self.variants[0]:
            return ""
        changes = [
            (change, name)
            for name, _, change in class_changes(variant, self.variants[0])
            if change is not None
        ]
        if not changes:
            return "–"
        change, name = min(changes)
        return f"{name} {points_text(change)}"

    def _tip(self, variant: ModelVariant, column: int) -> str:
        if column == _NAME:
            kept = () if variant.measured is None else variant.measured.float_layers
            return "\n".join([model_name(variant), *kept])
        if column != _CHANGE:
            return ""
        changes = class_changes(variant, self.variants[0])
        return "\n".join(
            f"{name}: {'–' if change is None else points_text(change)}"
            for name, _, change in changes
        )


class VariantTable(QTableView):
    """The arrow keys move through the variants."""

    chosen = Signal(object)
    """(ModelVariant): another row was chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = VariantModel(self)
        self.setModel(self.rows)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAccessibleName(tr("Variants of the model"))
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(GRID * 7)
        header.setHighlightSections(False)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)

    def set_variants(self, variants: Sequence[ModelVariant]) -> None:
        """Show these; the chosen one stays chosen, silently."""
        current = self.current
        with QSignalBlocker(self):
            self.rows.set_variants(variants)
            self.select(None if current is None else current.folder)

    @property
    def current(self) -> ModelVariant | None:
        """The variant chosen."""
        row = self.currentIndex().row()
        return self.rows.variants[row] if 0 <= row < len(self.rows.variants) else None

    def select(self, folder: Path | None) -> None:
        """Choose the variant with this model folder; silently if there is none."""
        for row, variant in enumerate(self.rows.variants):
            if variant.folder == folder:
                self.selectionModel().setCurrentIndex(
                    self.rows.index(row, 0),
                    QItemSelectionModel.SelectionFlag.ClearAndSelect
                    | QItemSelectionModel.SelectionFlag.Rows,
                )

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid() and not self.signalsBlocked():
            self.chosen.emit(self.rows.variants[index.row()])


def points_text(change: float) -> str:
    """Return a change of an IoU in points, such as ``−1.2``."""
    points = round(100 * change, 1)
    return f"{'−' if points < 0 else '+' if points > 0 else '±'}{abs(points):.1f}"


def _headers() -> tuple[str, ...]:
    return (
        tr("Variant"),
        tr("File size"),
        tr("FLOPs"),
        tr("Latency"),
        tr("mIoU"),
        tr("Worst class"),
    )


def _header_tips() -> tuple[str, ...]:
    return (
        tr("What was done to the trained model"),
        tr("Size of the exported file"),
        tr("Operations for one image, in millions or billions"),
        tr("Time for one image on this machine, ONNX Runtime on the processor"),
        tr("Mean IoU on the validation images"),
        tr("The class whose IoU changed most for the worse, in points against the float model"),
    )


def _best_cells(variants: Sequence[ModelVariant]) -> set[tuple[int, int]]:
    """Return (row, column) of the best value of each column, once there is something to compare."""
    best = set()
    for number, column in enumerate(_COLUMNS, start=1):
        values = [
            (value, row)
            for row, variant in enumerate(variants)
            if variant.measured is not None
            and (value := column.value(variant.measured)) is not None
        ]
        if len({value for value, _ in values}) < 2:
            continue
        extreme = (min if column.less else max)(value for value, _ in values)
        best |= {(row, number) for value, row in values if value == extreme}
    return best
