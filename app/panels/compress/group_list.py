"""The channel groups beside their curves: how steep each is, and how many of its channels go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QModelIndex, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr

_GROUP = Qt.ItemDataRole.UserRole
_NUMBER = Qt.ItemDataRole.UserRole + 1
_NAME, _SLOPE, _CHANNELS = range(3)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group of channels that go together.

    ``slope``: loss of mIoU per share of channels removed; ``channels`` and ``gone``: how many it
    has and how many would go, None where that is not known.
    """

    name: str
    slope: float
    channels: int | None = None
    gone: int | None = None


class _Item(QTableWidgetItem):
    """Sorts by its number."""

    def __lt__(self, other: QTableWidgetItem) -> bool:
        return float(self.data(_NUMBER)) < float(other.data(_NUMBER))


class GroupList(QTableWidget):
    """The steepest first; a click on a title sorts otherwise."""

    chosen = Signal(str)
    """(group): another row was chosen."""
    hovered = Signal(object)
    """(str | None): the group under the pointer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: dict[str, list[_Item]] = {}
        self._rows: dict[str, GroupRow] = {}
        self.setColumnCount(3)
        self.setHorizontalHeaderLabels([tr("Layer"), tr("Slope"), tr("Channels")])
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(GRID * 3)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setMinimumWidth(GRID * 30)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideLeft)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Channel groups"))
        header = self.horizontalHeader()
        header.setMinimumSectionSize(GRID * 5)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        for column, tip in (
            (_SLOPE, tr("mIoU lost for each share of the channels removed: steep is sensitive")),
            (_CHANNELS, tr("How many channels this group has, and how many would stay")),
        ):
            if (title := self.horizontalHeaderItem(column)) is not None:
                title.setToolTip(tip)
        if (title := self.horizontalHeaderItem(_NAME)) is not None:
            title.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.sortByColumn(_SLOPE, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        self.currentCellChanged.connect(self._on_current_changed)
        self.entered.connect(self._on_entered)

    def set_rows(self, rows: Iterable[GroupRow]) -> None:
        """Show these groups; the chosen one stays chosen, silently."""
        current = self.current
        with QSignalBlocker(self):
            self.setSortingEnabled(False)
            listed = list(rows)
            if {row.name for row in listed} != set(self._items):
                self.setRowCount(0)
                self._items.clear()
                self._rows.clear()
                for row in listed:
                    self._add(row.name)
            for row in listed:
                self._fill(row)
            self.setSortingEnabled(True)
            self.select(current)

    def set_gone(self, gone: Mapping[str, int]) -> None:
        """Write how many channels of each group would go."""
        with QSignalBlocker(self):
            self.setSortingEnabled(False)
            for row in self._rows.values():
                self._fill(replace(row, gone=gone.get(row.name)))
            self.setSortingEnabled(True)

    @property
    def current(self) -> str | None:
        """The group chosen."""
        item = self.item(self.currentRow(), _NAME)
        return None if item is None else str(item.data(_GROUP))

    def select(self, group: str | None) -> None:
        """Choose a group; None or an unknown one: nothing."""
        items = self._items.get(group or "")
        if items is None:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
            return
        if self.currentItem() is not items[_NAME]:
            self.setCurrentItem(items[_NAME])
            self.scrollToItem(items[_NAME])

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Nothing is pointed at any more."""
        super().leaveEvent(event)
        self.hovered.emit(None)

    def _add(self, name: str) -> None:
        row = self.rowCount()
        self.insertRow(row)
        items = [_Item() for _ in range(self.columnCount())]
        items[_NAME].setText(layer_name(name))
        items[_NAME].setToolTip(name)
        items[_NAME].setData(_NUMBER, float(row))
        items[_NAME].setData(_GROUP, name)
        for column, item in enumerate(items):
            if column != _NAME:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        self._items[name] = items

    def _fill(self, row: GroupRow) -> None:
        self._rows[row.name] = row
        items = self._items[row.name]
        items[_SLOPE].setText(f"{row.slope:.3f}")
        items[_SLOPE].setData(_NUMBER, row.slope)
        text = "–" if row.channels is None else f"{row.channels:,}"
        if row.channels is not None and row.gone:
            text = tr("{all:,} → {left:,}", all=row.channels, left=row.channels - row.gone)
        items[_CHANNELS].setText(text)
        items[_CHANNELS].setData(_NUMBER, float(row.channels or 0))

    @Slot(int, int, int, int)
    def _on_current_changed(self, row: int, _column: int, _before: int, _other: int) -> None:
        item = self.item(row, _NAME)
        if item is not None:
            self.chosen.emit(str(item.data(_GROUP)))

    @Slot(QModelIndex)
    def _on_entered(self, index: QModelIndex) -> None:
        item = self.item(index.row(), _NAME)
        self.hovered.emit(None if item is None else str(item.data(_GROUP)))


def layer_name(group: str) -> str:
    """Return the name of a group's first layer, without what all names end in."""
    return group.removesuffix(".weight").removesuffix("._conv")
