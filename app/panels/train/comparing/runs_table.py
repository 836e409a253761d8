"""The trainings of a project in one table; what is ticked is drawn below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from app.look.icons import icon
from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.panels.train.comparing.run_facts import RunFacts
from app.widgets.class_colors import swatch
from app.widgets.duration_text import duration_text
from app.widgets.row_table import SORT_ROLE, Column, Index, RowModel, RowTable, best_cells
from app.widgets.run_states import state_color, state_text
from core.models.model_verdict import Verdict


@dataclass(frozen=True, slots=True)
class _Metric:
    """One number of a run: what it is, its text, and whether less of it is better."""

    value: Callable[[RunFacts], float | None]
    text: Callable[[float], str]
    less: bool = False


_METRICS: tuple[_Metric, ...] = (
    _Metric(lambda one: one.miou, lambda value: f"{value:.3f}"),
    _Metric(lambda one: one.oacc, lambda value: f"{value:.3f}"),
    _Metric(lambda one: one.kappa, lambda value: f"{value:.3f}"),
    _Metric(lambda one: one.seconds, duration_text, less=True),
    _Metric(lambda one: one.speed, lambda value: f"{value:.1f}"),
)
_NAME, _STATE, _FIRST_METRIC = range(3)
_NETWORK = _FIRST_METRIC + len(_METRICS)
_NOTE = _NETWORK + 1


class RunsModel(RowModel[RunFacts]):
    """Rows are ``RunFacts``."""

    ticks_changed = Signal()
    renamed = Signal(int, str)
    """(run id, name): typed into the first column."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_columns(), parent)
        self.ticked: set[int] = set()
        self._colors: dict[int, QColor] = {}
        self._verdicts: Mapping[int, Verdict | None] = {}
        self._left: frozenset[int] = frozenset()

    def set_facts(
        self,
        facts: Sequence[RunFacts],
        verdicts: Mapping[int, Verdict | None],
        left: Iterable[int],
    ) -> None:
        """Show these runs; what is ticked stays so."""
        self._verdicts, self._left = verdicts, frozenset(left)
        self.ticked &= {one.run.id for one in facts}
        self.show_items(facts, _best_cells(facts))

    def set_colors(self, colors: Mapping[int, QColor]) -> None:
        """Mark ticked runs with the colours of their curves."""
        self._colors = dict(colors)
        self.renew()

    def tick(self, run_ids: Iterable[int]) -> None:
        """Tick these runs and no others."""
        self.ticked = set(run_ids)
        self.set_colors(self._colors)
        self.ticks_changed.emit()

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The first column is ticked and renamed."""
        found = super().flags(index)
        if index.column() == _NAME:
            found |= Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEditable
        return found

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What is edited, ticked and sorted by, too."""
        one, column = self.items[index.row()], index.column()
        if role == Qt.ItemDataRole.EditRole:
            return one.run.name
        if role == SORT_ROLE:
            return self._sort_value(one, column)
        if column == _NAME and role == Qt.ItemDataRole.CheckStateRole:
            checked = one.run.id in self.ticked
            return Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked
        return super().data(index, role)

    def setData(  # noqa: N802
        self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Tick a run, or call it something else."""
        run = self.items[index.row()].run
        if role == Qt.ItemDataRole.CheckStateRole:
            self.ticked ^= {run.id}
            self.dataChanged.emit(index, index)
            self.ticks_changed.emit()
            return True
        if role == Qt.ItemDataRole.EditRole and str(value).strip() not in ("", run.name):
            self.renamed.emit(run.id, str(value))
            return True
        return False

    def text(self, item: RunFacts, column: int) -> str:
        """Return what a cell says."""
        run = item.run
        if column == _NAME:
            return run.name
        if column == _NETWORK:
            return run.model
        if column == _STATE:
            waits = run.id not in self._left
            return state_text(run.state, self._verdicts.get(run.id), waits=waits)
        if column == _NOTE:
            return run.note.partition("\n")[0]
        metric = _METRICS[column - _FIRST_METRIC]
        value = metric.value(item)
        return "–" if value is None else metric.text(value)

    def _sort_value(self, one: RunFacts, column: int) -> Any:
        """Pinned runs do not stand first where people sort: they asked for another order."""
        if column == _NAME:
            return -one.run.id
        if _FIRST_METRIC <= column < _NETWORK:
            value = _METRICS[column - _FIRST_METRIC].value(one)
            return float("-inf") if value is None else float(value)
        return self.text(one, column).casefold()

    def tip(self, item: RunFacts, column: int) -> str:
        """Return all of a note, of which a cell says the first line."""
        return item.run.note if column == _NOTE else self.text(item, column)

    def color(self, item: RunFacts, column: int) -> QColor | None:
        """Return the colour of a state; what is not measured is quiet."""
        theme = tokens()
        if column == _STATE:
            return QColor(state_color(item.run.state, theme, self._verdicts.get(item.run.id)))
        return QColor(theme.muted) if column in (_NETWORK, _NOTE) else None

    def picture(self, item: RunFacts, column: int) -> QIcon | None:
        """Return the colour of a ticked run's curve, or that it is pinned."""
        if column != _NAME:
            return None
        color = self._colors.get(item.run.id)
        if color is not None and item.run.id in self.ticked:
            return swatch(color)
        return icon("star") if item.run.pinned else None


class RunsTable(RowTable[RunFacts]):
    """The arrow keys move through the runs, space ticks, F2 renames, the headers sort."""

    opened = Signal(int)
    """(run id): a row was clicked twice."""
    menu_requested = Signal(int, QPoint)
    """(run id, place on the screen)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        rows = RunsModel()
        super().__init__(rows, stretched=_NOTE, least=GRID * 6, is_sortable=True, parent=parent)
        self.rows = rows
        self.setEditTriggers(QTableView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName(tr("Runs"))
        header = self.horizontalHeader()
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(_NAME, GRID * 25)
        self.doubleClicked.connect(self._on_double_clicked)
        self.customContextMenuRequested.connect(self._on_menu_requested)

    def set_facts(
        self,
        facts: Sequence[RunFacts],
        verdicts: Mapping[int, Verdict | None],
        left: Iterable[int],
    ) -> None:
        """Show these; the chosen one stays chosen, silently."""
        self.keep_chosen(lambda: self.rows.set_facts(facts, verdicts, left), lambda one: one.run.id)

    def select(self, run_id: int | None) -> None:
        """Choose a run; an unknown id changes nothing."""
        self.choose(lambda one: one.run.id == run_id)

    @Slot(QModelIndex)
    def _on_double_clicked(self, index: QModelIndex) -> None:
        one = self.item_at(index)
        if one is not None:
            self.opened.emit(one.run.id)

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        one = self.item_at(self.indexAt(place))
        if one is not None:
            self.menu_requested.emit(one.run.id, self.viewport().mapToGlobal(place))


def _best_cells(facts: Sequence[RunFacts]) -> set[tuple[int, int]]:
    """Return the cells of the finished runs that are best."""
    columns = dict(enumerate(_METRICS, start=_FIRST_METRIC))
    values = {
        column: [metric.value(one) if one.run.state == "done" else None for one in facts]
        for column, metric in columns.items()
    }
    return best_cells(values, less=[column for column, metric in columns.items() if metric.less])


def _columns() -> tuple[Column, ...]:
    return (
        Column(
            tr("Run"), tr("Tick runs to draw their curves and compare their settings; F2 renames")
        ),
        Column(tr("State"), tr("How the run stands")),
        Column(
            tr("mIoU"),
            tr(
                "Mean IoU on the validation images, at the best epoch, after adjusting the "
                "classes’ scores where that helped"
            ),
            is_number=True,
        ),
        Column(
            tr("Accuracy"), tr("Share of pixels that are right, at the best epoch"), is_number=True
        ),
        Column(
            tr("Kappa"),
            tr("Agreement with the labels beyond chance, at the best epoch"),
            is_number=True,
        ),
        Column(tr("Time"), tr("How long it worked, without pauses"), is_number=True),
        Column(tr("Images/s"), tr("Images a second in training"), is_number=True),
        Column(tr("Network"), tr("The network that was trained")),
        Column(tr("Note"), tr("What you wrote about it")),
    )
