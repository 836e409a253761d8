"""Which class of an import becomes which class of the project."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.look.translation import tr
from app.widgets.class_colors import swatch
from app.widgets.focus_policy import TabFocusInputs
from core.images.palette import Color
from core.project import ClassMap, Dropped, LabelClass

_NEW = ""


class ClassMapTable(QTableWidget):
    """One row for each class of the import, with a choice of what it becomes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 2, parent)
        self.setHorizontalHeaderLabels([tr("In the import"), tr("In the project")])
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(tr("Classes"))
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._names: list[str] = []
        self._boxes: list[QComboBox] = []
        self._tab_focus: TabFocusInputs | None = None

    def set_classes(
        self, names: Sequence[str], colors: Sequence[Color], existing: Sequence[LabelClass]
    ) -> None:
        """Show the import's classes; equal names are matched."""
        self._names = list(names)
        self._boxes = []
        self.setRowCount(len(names))
        known = [label.name for label in existing]
        for row, name in enumerate(names):
            item = QTableWidgetItem(name)
            if row < len(colors):
                item.setIcon(swatch(QColor(*colors[row])))
            self.setItem(row, 0, item)
            box = QComboBox()
            box.setAccessibleName(tr("What {name} becomes", name=name))
            if name not in known:
                box.addItem(tr("New class {name}", name=name), _NEW)
            for label in existing:
                box.addItem(swatch(QColor(*label.color)), label.name, label.name)
            _add_dropping(box)
            if name in known:
                box.setCurrentIndex(box.findData(name))
            self.setCellWidget(row, 1, box)
            self.setRowHeight(row, box.sizeHint().height() + 4)
            self._boxes.append(box)
        if self._tab_focus is not None:
            self._tab_focus.deleteLater()
        self._tab_focus = TabFocusInputs(
            self
        )  # the wheel scrolls the table; it must not choose classes

    def class_map(self) -> ClassMap:
        """Return the import's name → the project's, or how the class is dropped."""
        return {
            name: box.currentData() or name
            for name, box in zip(self._names, self._boxes, strict=True)
        }


def _add_dropping(box: QComboBox) -> None:
    """Offer to take no class over, below the classes."""
    box.insertSeparator(box.count())
    for text, tip, dropped in (
        (
            tr("Ignore these pixels (255)"),
            tr("These pixels are unknown: neither trained on nor scored"),
            Dropped.IGNORE,
        ),
        (
            tr("Leave out (background)"),
            tr("These pixels become background; where there is no such class, one is added"),
            Dropped.BACKGROUND,
        ),
    ):
        box.addItem(text, dropped)
        box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
