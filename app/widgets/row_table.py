"""Tables that compare things row by row: one row is chosen, the best of a column stands out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSignalBlocker,
    QSortFilterProxyModel,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont, QIcon
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from app.look.theme import GRID, tokens

Item = TypeVar("Item")
Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT: Final = GRID * 4
SORT_ROLE: Final = Qt.ItemDataRole.UserRole
"""What a cell is sorted by, where a table can be sorted."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title and what it means; numbers stand at its right."""

    title: str
    tip: str = ""
    is_number: bool = False

    @property
    def alignment(self) -> Qt.AlignmentFlag:
        """Of its cells and of its title."""
        side = Qt.AlignmentFlag.AlignRight if self.is_number else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter


class RowModel(QAbstractTableModel, Generic[Item]):
    """Rows are things of one kind; a subclass says what their cells tell.

    Args:
        columns: from the left.
        parent: of the object.
    """

    def __init__(self, columns: Sequence[Column], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.items: list[Item] = []
        self._columns = tuple(columns)
        self._best: Collection[tuple[int, int]] = ()

    def text(self, item: Item, column: int) -> str:
        """Return what a cell says."""
        raise NotImplementedError

    def tip(self, item: Item, column: int) -> str:
        """Return what a cell says when pointed at."""
        return self.text(item, column)

    def color(self, item: Item, column: int) -> QColor | None:
        """Return the colour of a cell that is not the best; None for that of all text."""
        return None

    def picture(self, item: Item, column: int) -> QIcon | None:
        """Return what stands before a cell's text."""
        return None

    def show_items(self, items: Sequence[Item], best: Collection[tuple[int, int]] = ()) -> None:
        """Show these.

        Args:
            items: from the top.
            best: (row, column) of cells that stand out; see ``best_cells``.
        """
        self.beginResetModel()
        self.items = list(items)
        self._best = best
        self.endResetModel()

    def renew(self) -> None:
        """Draw all cells again: what they say has changed."""
        if self.items:
            last = self.index(len(self.items) - 1, len(self._columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self.items)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles of the columns."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = self._columns[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return column.alignment
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip
        return column.title if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts; the best of a column is bold and in the colour of success."""
        item, column = self.items[index.row()], index.column()
        best = (index.row(), column) in self._best
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return self.text(item, column)
            case Qt.ItemDataRole.ToolTipRole:
                return self.tip(item, column)
            case Qt.ItemDataRole.TextAlignmentRole:
                return self._columns[column].alignment
            case Qt.ItemDataRole.DecorationRole:
                return self.picture(item, column)
            case Qt.ItemDataRole.FontRole if best:
                font = QFont()
                font.setBold(True)
                return font
            case Qt.ItemDataRole.ForegroundRole:
                return QColor(tokens().success) if best else self.color(item, column)
        return None


class RowTable(QTableView, Generic[Item]):
    """The arrow keys move through the rows; nothing is edited unless a subclass allows it.

    Args:
        rows: what is shown.
        stretched: the column that takes the room that is left.
        least: width of the narrowest column.
        is_sortable: whether a click on a title sorts, by ``SORT_ROLE``.
        parent: of the widget.
    """

    chosen = Signal(object)
    """(item): another row was chosen."""

    def __init__(
        self,
        rows: RowModel[Item],
        *,
        stretched: int,
        least: int,
        is_sortable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        rows.setParent(self)
        self._items = rows
        self._sorted: QSortFilterProxyModel | None = None
        if is_sortable:
            self._sorted = QSortFilterProxyModel(self)
            self._sorted.setSourceModel(rows)
            self._sorted.setSortRole(SORT_ROLE)
        self.setModel(rows if self._sorted is None else self._sorted)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(least)
        header.setHighlightSections(False)
        if is_sortable:
            header.setSortIndicatorClearable(True)
            header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
            self.setSortingEnabled(True)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)

    @property
    def current(self) -> Item | None:
        """What is chosen."""
        return self.item_at(self.currentIndex())

    def item_at(self, index: Index) -> Item | None:
        """Return what a cell of the table is about."""
        row = (index if self._sorted is None else self._sorted.mapToSource(index)).row()
        return self._items.items[row] if 0 <= row < len(self._items.items) else None

    def choose(self, is_wanted: Callable[[Item], bool]) -> None:
        """Choose the first row of which this is true; where there is none, nothing changes."""
        for row, item in enumerate(self._items.items):
            if is_wanted(item):
                index = self._items.index(row, 0)
                self.selectionModel().setCurrentIndex(
                    index if self._sorted is None else self._sorted.mapFromSource(index),
                    QItemSelectionModel.SelectionFlag.ClearAndSelect
                    | QItemSelectionModel.SelectionFlag.Rows,
                )
                return

    def keep_chosen(self, show: Callable[[], None], key: Callable[[Item], Any]) -> None:
        """Show other rows; what was chosen stays so, silently.

        Args:
            show: has the model show them.
            key: by which an item is known again.
        """
        current = self.current
        with QSignalBlocker(self):
            show()
            if current is not None:
                self.choose(lambda item: bool(key(item) == key(current)))

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        item = self.item_at(index)
        if item is not None and not self.signalsBlocked():
            self.chosen.emit(item)


def best_cells(
    values: Mapping[int, Sequence[float | None]], *, less: Collection[int]
) -> set[tuple[int, int]]:
    """Return (row, column) of the best values of columns where there are two to compare.

    Args:
        values: of each row, by column; None where there is nothing to compare.
        less: columns in which less is better.
    """
    best: set[tuple[int, int]] = set()
    for column, rows in values.items():
        known = {value for value in rows if value is not None}
        if len(known) > 1:
            top = min(known) if column in less else max(known)
            best |= {(row, column) for row, value in enumerate(rows) if value == top}
    return best
