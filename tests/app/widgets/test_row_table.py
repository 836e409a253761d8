"""Tables that compare rows: the best cells, the row chosen, sorting."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from app.widgets.row_table import SORT_ROLE, Column, RowModel, RowTable, best_cells


class Numbers(RowModel[tuple[str, int]]):
    """A name and a number a row."""

    def text(self, item, column):
        return str(item[column])

    def data(self, index, role=Qt.ItemDataRole.DisplayRole):
        if role == SORT_ROLE:
            return self.items[index.row()][index.column()]
        return super().data(index, role)


@pytest.fixture
def table(qtbot):
    columns = (Column("Name"), Column("Number", "How many", is_number=True))
    made = RowTable(Numbers(columns), stretched=0, least=20, is_sortable=True)
    qtbot.addWidget(made)
    return made


def test_a_chosen_row_stays_chosen_silently_when_others_come(table):
    rows = table._items
    rows.show_items([("a", 3), ("b", 1)])
    told = []
    table.chosen.connect(told.append)
    table.choose(lambda item: item[0] == "b")
    assert table.current == ("b", 1)
    assert told == [("b", 1)]
    new = [("c", 2), ("b", 5), ("a", 3)]
    table.keep_chosen(lambda: rows.show_items(new, {(1, 1)}), lambda item: item[0])
    assert table.current == ("b", 5)
    assert len(told) == 1
    assert rows.data(rows.index(1, 1), Qt.ItemDataRole.FontRole).bold()
    assert rows.data(rows.index(0, 1), Qt.ItemDataRole.FontRole) is None
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert [table.model().index(row, 0).data() for row in range(3)] == ["c", "a", "b"]
    assert table.current == ("b", 5)
    assert table.item_at(table.model().index(0, 0)) == ("c", 2)
    table.keep_chosen(lambda: rows.show_items([]), lambda item: item[0])
    assert table.current is None


def test_titles_say_what_columns_mean(table):
    model = table.model()
    across = Qt.Orientation.Horizontal
    assert model.headerData(1, across, Qt.ItemDataRole.ToolTipRole) == "How many"
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    assert model.headerData(1, across, Qt.ItemDataRole.TextAlignmentRole) == right


def test_the_best_is_marked_only_among_several_values():
    values = {1: [3.0, 1.0, None, 3.0], 2: [5.0, 2.0, 2.0, None], 3: [7.0, None, 7.0, None]}
    assert best_cells(values, less=[2]) == {(0, 1), (3, 1), (1, 2), (2, 2)}
