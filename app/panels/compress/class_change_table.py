"""What compression did to each class: IoU of the chosen variant and its change, in points."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.panels.compress.variant_table import points_text
from app.widgets.class_colors import readable, swatch
from core.images.palette import Color

_NOTABLE = 0.01  # IoU: smaller changes are not coloured


class ClassChanges(QTableWidget):
    """One row a class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, float | None, float | None]] = []
        self._colors: dict[str, Color] = {}
        self.setColumnCount(3)
        self.setHorizontalHeaderLabels([tr("Class"), tr("IoU"), tr("Change")])
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(GRID * 3 + GRID // 2)
        self.setShowGrid(False)
        self.setProperty("role", "plain")
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setAccessibleName(tr("Change of each class"))
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(GRID * 8)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if (title := self.horizontalHeaderItem(0)) is not None:
            title.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def show_changes(
        self,
        rows: Sequence[tuple[str, float | None, float | None]],
        colors: dict[str, Color],
    ) -> None:
        """Show (class name, IoU, change) of each class, with the classes' colours by name."""
        self._rows, self._colors = list(rows), dict(colors)
        theme = tokens()
        self.setRowCount(len(self._rows))
        for line, (name, iou, change) in enumerate(self._rows):
            first = QTableWidgetItem(name)
            first.setIcon(swatch(readable(self._colors.get(name, (128, 128, 128)))))
            self.setItem(line, 0, first)
            self.setItem(line, 1, _number(tr("absent") if iou is None else f"{iou:.3f}"))
            last = _number("–" if change is None else points_text(change))
            if change is not None and abs(change) >= _NOTABLE:
                last.setForeground(QColor(theme.danger if change < 0 else theme.success))
            self.setItem(line, 2, last)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.show_changes(self._rows, self._colors)


def _number(text: str) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
