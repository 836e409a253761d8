"""The tables of an evaluation: objects, pixels and confusions, all at once or one at a time."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QTabBar, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.inspect.class_scores import ClassScores
from app.panels.inspect.confusion_table import ConfusionTable
from app.panels.inspect.object_scores import ObjectScores
from app.widgets.layout import label
from core.images.palette import Color
from core.prediction.inspection import Evaluation

_WIDE, _HIGH = GRID * 104, GRID * 36
_LEAST_HEIGHT = GRID * 18


class FigureTables(QWidget):
    """Where there is little room, tabs choose between them.

    Attributes:
        objects, pixels, matrix: the tables.
        tabs: hidden where all of them are shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.objects, self.pixels, self.matrix = ObjectScores(), ClassScores(), ConfusionTable()
        self._has_objects = True
        self._together: bool | None = None
        self._card = self._make_matrix_card()
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName(tr("Figures"))
        for text in (tr("Objects"), tr("Pixels"), tr("Confusions")):
            self.tabs.addTab(text)
        self._parts = (self.objects, self.pixels, self._card)
        inside = QGridLayout()
        inside.setSpacing(GRID)
        inside.addWidget(self.objects, 0, 0)
        inside.addWidget(self.pixels, 1, 0)
        inside.addWidget(self._card, 0, 1, 2, 1)
        inside.setRowStretch(1, 1)
        inside.setColumnStretch(0, 3)
        inside.setColumnStretch(1, 2)
        self._grid = inside
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.tabs)
        layout.addLayout(inside, 1)
        self.setMinimumHeight(_LEAST_HEIGHT)
        self.tabs.currentChanged.connect(self._on_tab_changed)
        self._arrange()

    def show_evaluation(self, evaluation: Evaluation, colors: tuple[Color, ...]) -> None:
        """Show its figures; objects are left out where they were not counted."""
        self.objects.show_figures(evaluation.metrics, colors)
        self._has_objects = isinstance(evaluation.metrics.get("objects"), dict)
        self.pixels.show_metrics(evaluation.metrics, evaluation.matrix, evaluation.labels, colors)
        self.matrix.set_matrix(evaluation.matrix, evaluation.labels)
        self.tabs.setTabEnabled(0, self._has_objects)
        if not self._has_objects and self.tabs.currentIndex() == 0:
            self.tabs.setCurrentIndex(1)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Show as many as fit."""
        super().resizeEvent(event)
        together = self.width() >= _WIDE and self.height() >= _HIGH
        if together != self._together:
            self._together = together
            self._arrange()

    def _arrange(self) -> None:
        together = bool(self._together)
        chosen = self.tabs.currentIndex()
        self.tabs.setVisible(not together)
        for place, part in enumerate(self._parts):
            part.setVisible((together or place == chosen) and (place > 0 or self._has_objects))
        self._grid.setColumnStretch(0, 3 if together or chosen < 2 else 0)
        self._grid.setColumnStretch(1, 2 if together or chosen == 2 else 0)
        self.objects.set_alone(not together)

    @Slot()
    def _on_tab_changed(self) -> None:
        self._arrange()

    def _make_matrix_card(self) -> QFrame:
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(GRID, GRID, GRID, GRID)
        text = label(tr("Rows: truth, columns: prediction, in % of the row"), "muted", wrap=True)
        inside.addWidget(text)
        inside.addWidget(self.matrix, 1)
        return card
