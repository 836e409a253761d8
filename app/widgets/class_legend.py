"""A legend that can be clicked: one row a curve, with its colour and its value."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QTreeWidget, QTreeWidgetItem, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.class_colors import swatch

_KEY = Qt.ItemDataRole.UserRole
_WIDEST_VALUE = "0.000"
_ROOM_BESIDE_TEXTS = GRID * 8  # square, paddings and the scroll bar
_LEAST_WIDTH, _MOST_WIDTH = GRID * 20, GRID * 32


class ClassLegend(QTreeWidget):
    """Rows toggle with a click, space or return; hidden curves have an empty square."""

    toggled = Signal(str, bool)
    """(key, shown)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setProperty("role", "plain")
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Curves"))
        self.setFixedWidth(_LEAST_WIDTH)
        self.setToolTip(tr("Click a line to show or hide its curve."))
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, header.ResizeMode.Stretch)
        header.setSectionResizeMode(1, header.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(16)
        self._rows: dict[str, QTreeWidgetItem] = {}
        self._colors: dict[str, QColor] = {}
        self._shown: dict[str, bool] = {}
        self.itemClicked.connect(self._on_toggled)
        self.itemActivated.connect(self._on_activated)

    def add(self, key: str, name: str, color: QColor, *, shown: bool = True) -> None:
        """Add a row at the end."""
        item = QTreeWidgetItem([name, ""])
        item.setData(0, _KEY, key)
        item.setToolTip(0, name)
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.addTopLevelItem(item)
        self._rows[key], self._colors[key], self._shown[key] = item, color, shown
        self._paint(key)
        self._fit_width()

    def remove(self, key: str) -> None:
        """Remove a row; unknown keys are ignored."""
        item = self._rows.pop(key, None)
        if item is not None:
            self.takeTopLevelItem(self.indexOfTopLevelItem(item))
            del self._colors[key], self._shown[key]

    def clear(self) -> None:
        """Remove all rows."""
        super().clear()
        self._rows.clear()
        self._colors.clear()
        self._shown.clear()

    def set_value(self, key: str, text: str) -> None:
        """Show a value beside the name."""
        self._rows[key].setText(1, text)

    def set_color(self, key: str, color: QColor) -> None:
        """Recolour a row."""
        self._colors[key] = color
        self._paint(key)

    def toggle(self, key: str) -> None:
        """Show or hide a curve as a click does."""
        self._shown[key] = not self._shown[key]
        self._paint(key)
        self.toggled.emit(key, self._shown[key])

    def _fit_width(self) -> None:
        """Be as wide as the longest name needs, within reason."""
        metrics = self.fontMetrics()
        longest = max(metrics.horizontalAdvance(item.text(0)) for item in self._rows.values())
        rest = metrics.horizontalAdvance(_WIDEST_VALUE) + _ROOM_BESIDE_TEXTS
        self.setFixedWidth(min(_MOST_WIDTH, max(_LEAST_WIDTH, longest + rest)))

    def _paint(self, key: str) -> None:
        self._rows[key].setIcon(0, swatch(self._colors[key], filled=self._shown[key]))

    @Slot(QTreeWidgetItem, int)
    def _on_toggled(self, item: QTreeWidgetItem, _column: int) -> None:
        self.toggle(item.data(0, _KEY))

    @Slot(QTreeWidgetItem, int)
    def _on_activated(self, item: QTreeWidgetItem, _column: int) -> None:
        # A double click activates too, after two clicks that already toggled.
        if self.hasFocus() and not self.underMouse():
            self.toggle(item.data(0, _KEY))
