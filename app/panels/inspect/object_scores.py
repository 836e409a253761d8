"""Objects of each class in a table: how many there are, are found, are claimed wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.inspect.class_column import USELESS, make_room
from app.widgets.class_colors import readable, swatch
from app.widgets.layout import label
from core.images.palette import Color

_NO_LIMIT = 2**24 - 1  # Qt: QWIDGETSIZE_MAX
_MOST_ROWS = 6
#: Columns that are given up for the names where there is little room, the first ones first.
_GIVEN_UP = (6, 5, 4)
_SIZES = ("small", "medium", "large")


class ObjectScores(QWidget):
    """A table as high as its rows, and a sentence about whole images below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._alone = False
        self.table = QTableWidget()
        self.table.setColumnCount(7)
        titles = [tr("Class"), tr("Objects"), tr("Found"), tr("False alarms")]
        titles += [tr("Small"), tr("Medium"), tr("Large")]
        self.table.setHorizontalHeaderLabels(titles)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setAccessibleName(tr("Objects of each class"))
        self.table.setToolTip(
            tr(
                "Connected areas, matched one to one; small, medium, large: found of those below "
                "32², below 96² and from 96² pixels on"
            )
        )
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        first = self.table.horizontalHeaderItem(0)
        if first is not None:
            first.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.images = label("", "muted", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.table)
        layout.addWidget(self.images)

    def show_figures(self, figures: Mapping[str, Any], colors: Sequence[Color]) -> None:
        """Show the ``objects`` and ``images`` of an evaluation, nothing where it has none."""
        objects, images = figures.get("objects"), figures.get("images")
        if not isinstance(objects, Mapping):
            return
        classes = objects["classes"]
        self.table.setRowCount(len(classes))
        for place, one in enumerate(classes):
            self._fill_row(place, one, colors)
        for column, size in enumerate(_SIZES, start=self.table.columnCount() - len(_SIZES)):
            occurs = any(one["by_size"][size]["objects"] for one in classes)
            title = self.table.horizontalHeaderItem(column)
            if title is not None:
                title.setData(USELESS, not occurs)
        self._fit_height()
        make_room(self.table, _GIVEN_UP)
        text = image_sentence(images) if isinstance(images, Mapping) else ""
        self.images.setText(text)
        self.images.setVisible(bool(text))

    def set_alone(self, alone: bool) -> None:
        """Whether nothing stands below: then the table takes all the room there is."""
        self._alone = alone
        self._fit_height()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Leave room for the names."""
        super().resizeEvent(event)
        make_room(self.table, _GIVEN_UP)

    def _fit_height(self) -> None:
        if self._alone:
            self.table.setMinimumHeight(0)
            self.table.setMaximumHeight(_NO_LIMIT)
            return
        rows = min(self.table.rowCount(), _MOST_ROWS)
        header = self.table.horizontalHeader().sizeHint().height()
        height = header + rows * self.table.verticalHeader().defaultSectionSize() + 2
        self.table.setFixedHeight(height)

    def _fill_row(self, place: int, one: Mapping[str, Any], colors: Sequence[Color]) -> None:
        index = int(one["class"])
        name = QTableWidgetItem(str(one["name"]))
        name.setIcon(swatch(readable(colors[index] if index < len(colors) else (128,) * 3)))
        self.table.setItem(place, 0, name)
        found = f"{one['found']:,}"
        if one["recall"] is not None:
            found += f" ({one['recall']:.0%})"
        texts = [f"{one['objects']:,}", found, f"{one['false_alarms']:,}"]
        texts += [_part(one["by_size"][size]) for size in _SIZES]
        for column, text in enumerate(texts, start=1):
            item = QTableWidgetItem(text)
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(place, column, item)


def image_sentence(images: Mapping[str, Any]) -> str:
    """Say how well whole images are told apart; empty where there are none of both kinds."""
    if images["detection_rate"] is None:
        return ""
    return tr(
        "Whole images: {detected:,} of {defective:,} defective {defective:one is|ones are} "
        "marked, {alarms:,} of {good:,} good {good:one|ones}. By their scores: AUC {auc:.3f}; "
        "{rate:.0%} detected at {allowed:.0%} false alarms.",
        detected=images["detected"],
        defective=images["defective"],
        alarms=images["false_alarms"],
        good=images["good"],
        auc=images["auc"],
        rate=images["detection_rate"],
        allowed=images["false_alarm_rate"],
    )


def _part(counts: Mapping[str, Any]) -> str:
    if not counts["objects"]:
        return "–"
    return f"{counts['found']:,} / {counts['objects']:,}"
