"""The figures of an evaluation in a row: objects first, then whole images, then pixels."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.figure_tiles import add_figure_tiles
from core.prediction.inspection import Evaluation


class FigureRow(QWidget):
    """Attributes: tiles: the labels of the figures by key."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID * 2)
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
        self.tiles: dict[str, QLabel] = add_figure_tiles(layout, titles)
        layout.addStretch(1)
        hints = {
            "found": tr("Labelled objects that the model finds, of all"),
            "alarms": tr("Objects that it claims where there is none of that class"),
            "detected": tr("Images with a defect in which it marks anything, of all such images"),
            "good": tr("Images without a defect in which it marks something, of all such images"),
            "miou": tr(
                "Overlap of prediction and mask, their common pixels of those of either, averaged "
                "over the classes; 1 is perfect"
            ),
            "oacc": tr("Share of all pixels that are right; flatters where one class is large"),
            "kappa": tr("Agreement beyond what chance would give; 1 is perfect"),
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
