"""The figures of an evaluation in a row: objects first, then whole images, then pixels."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import column, label
from core.prediction.inspection import Evaluation

_GAP = GRID * 2
#: What is left out where there is little room, the first ones first.
_GIVEN_UP = ("images", "kappa", "oacc")


class FigureRow(QWidget):
    """Where there is little room, some figures are left out.

    Attributes:
        tiles: the labels of the figures by key.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(_GAP)
        titles = (
            ("found", tr("Objects found")),
            ("alarms", tr("False alarms")),
            ("detected", tr("Defective marked")),
            ("good", tr("Good marked")),
            ("miou", tr("mIoU")),
            ("oacc", tr("Accuracy")),
            ("kappa", tr("Kappa")),
            ("images", tr("Images")),
        )
        self.tiles: dict[str, QLabel] = {}
        self._cells: dict[str, QWidget] = {}
        for key, title in titles:
            value = self.tiles[key] = label("–", "heading")
            value.setAccessibleName(title)
            cell = self._cells[key] = QWidget()
            cell.setLayout(column(label(title, "muted"), value, spacing=0))
            layout.addWidget(cell)
        layout.addStretch(1)
        hints = {
            "found": tr("Labelled objects that the model finds, of all"),
            "alarms": tr("Objects that it claims where there is none of that class"),
            "detected": tr("Images with a defect in which it marks anything, of all such images"),
            "good": tr("Images without a defect in which it marks something, of all such images"),
        }
        for key, hint in hints.items():
            self.tiles[key].setToolTip(hint)

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Show the figures of an evaluation."""
        metrics = evaluation.metrics
        objects, images = metrics.get("objects"), metrics.get("images")
        texts = dict.fromkeys(("found", "alarms", "detected", "good"), "–")
        if isinstance(objects, dict):
            total = objects["all"]
            texts["found"] = f"{total['found']:,} / {total['objects']:,}"
            texts["alarms"] = f"{total['false_alarms']:,}"
        if isinstance(images, dict):
            if images["defective"]:
                texts["detected"] = f"{images['detected']:,} / {images['defective']:,}"
            if images["good"]:
                texts["good"] = f"{images['false_alarms']:,} / {images['good']:,}"
        for key in ("miou", "oacc", "kappa"):
            value = metrics[key]
            texts[key] = "–" if value is None else f"{value:.3f}"
        texts["images"] = f"{len(evaluation.images):,}"
        for key, text in texts.items():
            self.tiles[key].setText(text)
        self._make_room()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As wide as what is never left out."""
        kept = [cell for key, cell in self._cells.items() if key not in _GIVEN_UP]
        return QSize(self._width_of(kept), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Leave out what does not fit."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        shown = dict(self._cells)
        for key in _GIVEN_UP:
            if self._width_of(list(shown.values())) > self.width():
                del shown[key]
        for key, cell in self._cells.items():
            cell.setVisible(key in shown)

    @staticmethod
    def _width_of(cells: list[QWidget]) -> int:
        return sum(cell.sizeHint().width() + _GAP for cell in cells)
