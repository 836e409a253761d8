"""Tables whose first column names the classes: the names are what must be readable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableWidget

from app.look.theme import GRID

#: Data of a column's title: whether the column says nothing, and is not to be shown.
USELESS: Final = Qt.ItemDataRole.UserRole + 7
_NAMES = GRID * 13


def make_room(table: QTableWidget, given_up: Sequence[int]) -> None:
    """Hide columns until the first one is wide enough for most names.

    Args:
        table: its first column takes what the others leave.
        given_up: columns that may be hidden, the least important first.
    """
    header = table.horizontalHeader()
    shown = []
    for column in range(1, table.columnCount()):
        title = table.horizontalHeaderItem(column)
        useless = title is not None and bool(title.data(USELESS))
        table.setColumnHidden(column, useless)
        if not useless:
            shown.append(column)
    widths = {
        column: max(header.sectionSizeHint(column), table.sizeHintForColumn(column))
        for column in shown
    }
    room = table.viewport().width() - _NAMES
    for column in given_up:
        if sum(widths.values()) <= room:
            break
        if widths.pop(column, None) is not None:
            table.setColumnHidden(column, True)
