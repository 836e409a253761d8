"""The trainings of a project in one table; what is ticked is drawn below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSignalBlocker,
    QSortFilterProxyModel,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.look.icons import icon
from app.look.term_finding import with_terms
from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.panels.train.comparing.run_facts import RunFacts
from app.widgets.class_colors import swatch
from app.widgets.duration_text import duration_text
from app.widgets.run_states import state_color, state_text
from core.models.model_verdict import Verdict

_Index = QModelIndex | QPersistentModelIndex
_ROW = GRID * 4
_SORT = Qt.ItemDataRole.UserRole


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


class RunsModel(QAbstractTableModel):
    """Rows are ``RunFacts``."""

    ticks_changed = Signal()
    renamed = Signal(int, str)
    """(run id, name): typed into the first column."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts: list[RunFacts] = []
        self.ticked: set[int] = set()
        self._colors: dict[int, QColor] = {}
        self._verdicts: Mapping[int, Verdict | None] = {}
        self._left: frozenset[int] = frozenset()
        self._best: set[tuple[int, int]] = set()

    def set_facts(
        self,
        facts: Sequence[RunFacts],
        verdicts: Mapping[int, Verdict | None],
        left: Iterable[int],
    ) -> None:
        """Show these runs; what is ticked stays so."""
        self.beginResetModel()
        self.facts = list(facts)
        self._verdicts, self._left = verdicts, frozenset(left)
        self.ticked &= {one.run.id for one in facts}
        self._best = _best_cells(self.facts)
        self.endResetModel()

    def set_colors(self, colors: Mapping[int, QColor]) -> None:
        """Mark ticked runs with the colours of their curves."""
        self._colors = dict(colors)
        if self.facts:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.facts) - 1, _NOTE))

    def tick(self, run_ids: Iterable[int]) -> None:
        """Tick these runs and no others."""
        self.ticked = set(run_ids)
        self.set_colors(self._colors)
        self.ticks_changed.emit()

    def rowCount(self, parent: _Index | None = None) -> int:  # noqa: N802
        """Number of runs."""
        return 0 if parent is not None and parent.isValid() else len(self.facts)

    def columnCount(self, parent: _Index | None = None) -> int:  # noqa: N802
        """Name, state, metrics, network, note."""
        return 0 if parent is not None and parent.isValid() else _NOTE + 1

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """The first column is ticked and renamed."""
        found = super().flags(index)
        if index.column() == _NAME:
            found |= Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEditable
        return found

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles of the columns."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        if role == Qt.ItemDataRole.ToolTipRole:
            return with_terms(_header_tips()[section], _headers()[section])
        return _headers()[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts; the best of a column is bold and in the colour of success."""
        one, column = self.facts[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return self.text(one, column)
            case Qt.ItemDataRole.EditRole:
                return one.run.name
            case Qt.ItemDataRole.ToolTipRole:
                return one.run.note if column == _NOTE else self.text(one, column)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
        if role == _SORT:
            return self._sort_value(one, column)
        if column == _NAME and role == Qt.ItemDataRole.CheckStateRole:
            checked = one.run.id in self.ticked
            return Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked
        if column == _NAME and role == Qt.ItemDataRole.DecorationRole:
            color = self._colors.get(one.run.id)
            if color is not None and one.run.id in self.ticked:
                return swatch(color)
            return icon("star") if one.run.pinned else None
        best = (index.row(), column) in self._best
        if role == Qt.ItemDataRole.FontRole and best:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._color(one, column, best=best)
        return None

    def setData(  # noqa: N802
        self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Tick a run, or call it something else."""
        run = self.facts[index.row()].run
        if role == Qt.ItemDataRole.CheckStateRole:
            self.ticked ^= {run.id}
            self.dataChanged.emit(index, index)
            self.ticks_changed.emit()
            return True
        if role == Qt.ItemDataRole.EditRole and str(value).strip() not in ("", run.name):
            self.renamed.emit(run.id, str(value))
            return True
        return False

    def text(self, one: RunFacts, column: int) -> str:
        """Return what a cell says."""
        if column == _NAME:
            return one.run.name
        if column == _NETWORK:
            return one.run.model
        if column == _STATE:
            waits = one.run.id not in self._left
            return state_text(one.run.state, self._verdicts.get(one.run.id), waits=waits)
        if column == _NOTE:
            return one.run.note.partition("\n")[0]
        metric = _METRICS[column - _FIRST_METRIC]
        value = metric.value(one)
        return "–" if value is None else metric.text(value)

    def _sort_value(self, one: RunFacts, column: int) -> Any:
        """Pinned runs do not stand first where people sort: they asked for another order."""
        if column == _NAME:
            return -one.run.id
        if _FIRST_METRIC <= column < _NETWORK:
            value = _METRICS[column - _FIRST_METRIC].value(one)
            return float("-inf") if value is None else float(value)
        return self.text(one, column).casefold()

    def _color(self, one: RunFacts, column: int, *, best: bool) -> QColor | None:
        theme = tokens()
        if best:
            return QColor(theme.success)
        if column == _STATE:
            return QColor(state_color(one.run.state, theme, self._verdicts.get(one.run.id)))
        return QColor(theme.muted) if column in (_NETWORK, _NOTE) else None


class RunsTable(QTableView):
    """The arrow keys move through the runs, space ticks, F2 renames, the headers sort."""

    chosen = Signal(int)
    """(run id): another row was chosen."""
    opened = Signal(int)
    """(run id): a row was clicked twice."""
    menu_requested = Signal(int, QPoint)
    """(run id, place on the screen)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = RunsModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.rows)
        self._sorted.setSortRole(_SORT)
        self.setModel(self._sorted)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName(tr("Runs"))
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(_NAME, GRID * 25)
        header.setSectionResizeMode(_NOTE, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(GRID * 6)
        header.setHighlightSections(False)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.doubleClicked.connect(self._on_double_clicked)
        self.customContextMenuRequested.connect(self._on_menu_requested)

    def set_facts(
        self,
        facts: Sequence[RunFacts],
        verdicts: Mapping[int, Verdict | None],
        left: Iterable[int],
    ) -> None:
        """Show these; the chosen one stays chosen, silently."""
        current = self.current
        with QSignalBlocker(self):
            self.rows.set_facts(facts, verdicts, left)
            self.select(None if current is None else current.run.id)

    @property
    def current(self) -> RunFacts | None:
        """The run chosen."""
        return self._at(self.currentIndex())

    def select(self, run_id: int | None) -> None:
        """Choose a run; an unknown id changes nothing."""
        for row, one in enumerate(self.rows.facts):
            if one.run.id == run_id:
                index = self._sorted.mapFromSource(self.rows.index(row, 0))
                self.selectionModel().setCurrentIndex(
                    index,
                    QItemSelectionModel.SelectionFlag.ClearAndSelect
                    | QItemSelectionModel.SelectionFlag.Rows,
                )

    def _at(self, index: _Index) -> RunFacts | None:
        row = self._sorted.mapToSource(index).row()
        return self.rows.facts[row] if 0 <= row < len(self.rows.facts) else None

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        one = self._at(index)
        if one is not None and not self.signalsBlocked():
            self.chosen.emit(one.run.id)

    @Slot(QModelIndex)
    def _on_double_clicked(self, index: QModelIndex) -> None:
        one = self._at(index)
        if one is not None:
            self.opened.emit(one.run.id)

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        one = self._at(self.indexAt(place))
        if one is not None:
            self.menu_requested.emit(one.run.id, self.viewport().mapToGlobal(place))


def _best_cells(facts: Sequence[RunFacts]) -> set[tuple[int, int]]:
    """Return (row, column) of the best value of each metric, where there are two to compare."""
    best: set[tuple[int, int]] = set()
    for place, metric in enumerate(_METRICS, start=_FIRST_METRIC):
        values = {
            row: value
            for row, one in enumerate(facts)
            if one.run.state == "done" and (value := metric.value(one)) is not None
        }
        if len(set(values.values())) > 1:
            top = (min if metric.less else max)(values.values())
            best |= {(row, place) for row, value in values.items() if value == top}
    return best


def _alignment(column: int) -> Qt.AlignmentFlag:
    is_number = _FIRST_METRIC <= column < _NETWORK
    side = Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _headers() -> tuple[str, ...]:
    return (
        tr("Run"),
        tr("State"),
        tr("mIoU"),
        tr("Accuracy"),
        tr("Kappa"),
        tr("Time"),
        tr("Images/s"),
        tr("Network"),
        tr("Note"),
    )


def _header_tips() -> tuple[str, ...]:
    return (
        tr("Tick runs to draw their curves and compare their settings; F2 renames"),
        tr("How the run stands"),
        tr("Mean IoU on the validation images, at the best epoch"),
        tr("Share of pixels that are right, at the best epoch"),
        tr("Agreement with the labels beyond chance, at the best epoch"),
        tr("How long it worked, without pauses"),
        tr("Images a second in training"),
        tr("The network that was trained"),
        tr("What you wrote about it"),
    )
