"""Every class's scores in a table; classes that do not occur are marked, not counted as zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.look.theme import tokens
from app.look.translation import tr
from app.panels.inspect.class_column import make_room
from app.widgets.class_colors import readable, swatch
from core.images.palette import Color

_VALUE = Qt.ItemDataRole.UserRole
#: Columns that are given up for the names where there is little room, the first ones first.
_GIVEN_UP = (5, 4, 2)


class _NumberItem(QTableWidgetItem):
    """Sorts by its number, not by its text; what has none comes last."""

    def __init__(self, value: float | None, text: str) -> None:
        super().__init__(text)
        self.setData(_VALUE, -1.0 if value is None else float(value))
        self.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        return float(self.data(_VALUE)) < float(other.data(_VALUE))


class ClassScores(QTableWidget):
    """IoU, precision, recall, F1 and pixels of each class; sortable by a click on a title."""

    class_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setColumnCount(6)
        self.setHorizontalHeaderLabels(
            [tr("Class"), tr("IoU"), tr("Precision"), tr("Recall"), tr("F1"), tr("Pixels")]
        )
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAccessibleName(tr("Scores of each class"))
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        first = self.horizontalHeaderItem(0)
        if first is not None:
            first.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.cellClicked.connect(self._on_cell_clicked)

    def show_metrics(
        self,
        metrics: Mapping[str, Any],
        matrix: npt.NDArray[np.int64],
        labels: Sequence[str],
        colors: Sequence[Color],
    ) -> None:
        """Fill the table from ``core.prediction.metrics`` and the confusion matrix."""
        self.setSortingEnabled(False)
        self.setRowCount(len(labels))
        absent = set(metrics["absent_classes"])
        labelled, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
        for index, name in enumerate(labels):
            item = QTableWidgetItem(name)
            item.setData(_VALUE, index)
            item.setIcon(swatch(readable(colors[index] if index < len(colors) else (128,) * 3)))
            self.setItem(index, 0, item)
            precision = metrics["category_acc"][index] if predicted[index] else None
            scores = (
                metrics["category_iou"][index],
                precision,
                metrics["category_recall"][index],
                metrics["category_F1-score"][index],
            )
            for column, value in enumerate(scores, start=1):
                text = tr("absent") if index in absent and column == 1 else _text(value)
                self.setItem(index, column, _NumberItem(value, text))
            count = int(labelled[index])
            self.setItem(index, 5, _NumberItem(count, f"{count:,}"))
            if index in absent:
                self._mark_absent(index)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        make_room(self, _GIVEN_UP)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Leave room for the names."""
        super().resizeEvent(event)
        make_room(self, _GIVEN_UP)

    def _mark_absent(self, row: int) -> None:
        for column in range(self.columnCount()):
            item = self.item(row, column)
            if item is not None:
                item.setForeground(readable(_rgb(tokens().muted)))
                item.setToolTip(tr("Neither in the masks nor in the predictions of this subset"))

    @Slot(int, int)
    def _on_cell_clicked(self, row: int, _column: int) -> None:
        item = self.item(row, 0)
        if item is not None:
            self.class_chosen.emit(int(item.data(_VALUE)))


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _rgb(color: str) -> Color:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
