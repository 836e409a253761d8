"""All variants of a model in one table: what each costs and what it can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from app.look.theme import GRID, tokens
from app.look.translation import tr, trn
from app.widgets.number_text import flops_text, latency_text, size_text
from app.widgets.row_table import Column, RowModel, RowTable, best_cells
from app.widgets.variant_names import model_name, variant_name
from core.models.variant import Variant
from core.project.variants import ModelVariant, class_changes


@dataclass(frozen=True, slots=True)
class _Measure:
    """One measured number: its text, and whether less of it is better."""

    value: Callable[[Variant], float | None]
    text: Callable[[Any], str]
    less: bool


_MEASURES: tuple[_Measure, ...] = (
    _Measure(lambda v: v.size_bytes, size_text, True),
    _Measure(lambda v: v.flops, flops_text, True),
    _Measure(lambda v: v.latency_ms, latency_text, True),
    _Measure(lambda v: v.miou, lambda value: f"{value:.3f}", False),
)
_NAME, _CHANGE = 0, len(_MEASURES) + 1


class VariantModel(RowModel[ModelVariant]):
    """Rows are ``ModelVariant``, the trained model first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_columns(), parent)
        self._notes: dict[Path, str] = {}

    def set_variants(self, variants: Sequence[ModelVariant]) -> None:
        """Show these, the first being what the others are compared with."""
        self.show_items(variants, _best_cells(variants))

    def set_notes(self, notes: Mapping[Path, str]) -> None:
        """Say of some models what is being done with them instead of "not measured"."""
        self._notes = dict(notes)
        self.renew()

    def text(self, item: ModelVariant, column: int) -> str:
        """Return what a cell says."""
        measured = item.measured
        if column == _NAME:
            kept = () if measured is None else measured.float_layers
            if not kept:
                return variant_name(item)
            floats = trn("{count} layer in float", "{count} layers in float", len(kept))
            return f"{variant_name(item)} · {floats}"
        if measured is None:
            if column == _CHANGE:
                return self._notes.get(item.folder, tr("not measured"))
            if column == _CHANGE - 1 and item.miou is not None:
                return f"{item.miou:.3f}"
            return "–"
        if column == _CHANGE:
            return self._notes.get(item.folder) or self._worst(item)
        value = _MEASURES[column - 1].value(measured)
        return "–" if value is None else _MEASURES[column - 1].text(value)

    def _worst(self, variant: ModelVariant) -> str:
        """Return the class that lost most, in points of IoU."""
        if variant is self.items[0]:
            return ""
        changes = [
            (change, name)
            for name, _, change in class_changes(variant, self.items[0])
            if change is not None
        ]
        if not changes:
            return "–"
        change, name = min(changes)
        return f"{name} {points_text(change)}"

    def tip(self, item: ModelVariant, column: int) -> str:
        """Return the layers that stay in float, or the change of every class."""
        if column == _NAME:
            kept = () if item.measured is None else item.measured.float_layers
            return "\n".join([model_name(item), *kept])
        if column != _CHANGE:
            return ""
        changes = class_changes(item, self.items[0])
        return "\n".join(
            f"{name}: {'–' if change is None else points_text(change)}"
            for name, _, change in changes
        )

    def color(self, item: ModelVariant, column: int) -> QColor | None:
        """Return that what is not measured is quiet."""
        return QColor(tokens().muted) if item.measured is None and column else None


class VariantTable(RowTable[ModelVariant]):
    """The arrow keys move through the variants."""

    def __init__(self, parent: QWidget | None = None) -> None:
        rows = VariantModel()
        super().__init__(rows, stretched=_NAME, least=GRID * 7, parent=parent)
        self.rows = rows
        self.setAccessibleName(tr("Variants of the model"))

    def set_variants(self, variants: Sequence[ModelVariant]) -> None:
        """Show these; the chosen one stays chosen, silently."""
        self.keep_chosen(lambda: self.rows.set_variants(variants), lambda one: one.folder)

    def select(self, folder: Path | None) -> None:
        """Choose the variant with this model folder; silently if there is none."""
        self.choose(lambda one: one.folder == folder)


def points_text(change: float) -> str:
    """Return a change of an IoU in points, such as ``−1.2``."""
    points = round(100 * change, 1)
    return f"{'−' if points < 0 else '+' if points > 0 else '±'}{abs(points):.1f}"


def _columns() -> tuple[Column, ...]:
    return (
        Column(tr("Variant"), tr("What was done to the trained model")),
        Column(tr("File size"), tr("Size of the exported file"), is_number=True),
        Column(
            tr("FLOPs"), tr("Operations for one image, in millions or billions"), is_number=True
        ),
        Column(
            tr("Latency"),
            tr("Time for one image on this machine, ONNX Runtime on the processor"),
            is_number=True,
        ),
        Column(tr("mIoU"), tr("Mean IoU on the validation images"), is_number=True),
        Column(
            tr("Worst class"),
            tr(
                "The class whose IoU changed most for the worse, in points against the trained "
                "model"
            ),
            is_number=True,
        ),
    )


def _best_cells(variants: Sequence[ModelVariant]) -> set[tuple[int, int]]:
    """Return the cells of the measured variants that are best."""
    columns = dict(enumerate(_MEASURES, start=1))
    values = {
        column: [None if one.measured is None else measure.value(one.measured) for one in variants]
        for column, measure in columns.items()
    }
    return best_cells(values, less=[column for column, one in columns.items() if one.less])
