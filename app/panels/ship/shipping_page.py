"""The middle of the step Ship: the strip of stages, and below it the one that is shown."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.ship.export_page import ExportPage
from app.panels.ship.judging_page import JudgingPage
from app.panels.ship.stage_bar import Stage, StageBar
from app.panels.ship.trial_page import TrialPage
from app.panels.ship.variant_cards import VariantCards
from app.panels.ship.verification_page import VerificationPage
from app.widgets.empty_state import EmptyState
from app.widgets.layout import line


class ShipPage(QWidget):
    """An invitation to train while there is no model."""

    train_requested = Signal()
    stage_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = StageBar()
        self.variants = VariantCards()
        self.trial = TrialPage()
        self.verification = VerificationPage()
        self.judging = JudgingPage()
        self.exports = ExportPage()
        self._parts = (
            self.variants,
            self.trial,
            self.verification,
            self.judging,
            self.exports,
        )
        self._stages = QStackedWidget()
        for part in self._parts:
            self._stages.addWidget(part)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        column.setSpacing(GRID)
        column.addWidget(self.bar)
        column.addWidget(line())
        column.addWidget(self._stages, 1)
        self.empty = EmptyState(
            "ship",
            tr("No model to ship yet"),
            tr("Train a model first; then it can be verified and packed for the line here."),
            action=tr("Train a model"),
        )
        self.empty.action_requested.connect(self.train_requested)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.bar.stage_requested.connect(self._on_stage_requested)

    @property
    def stage(self) -> Stage:
        """The stage that is shown."""
        return Stage(self._stages.currentIndex())

    def show_page(self, filled: bool) -> None:
        """Show the stages, or the invitation."""
        self._pages.setCurrentIndex(1 if filled else 0)

    def show_stage(self, stage: Stage) -> None:
        """Bring a stage to the front."""
        self.bar.show_stage(stage)
        self._stages.setCurrentIndex(stage)
        self.stage_changed.emit(stage)

    @property
    def busy(self) -> bool:
        """Whether pictures are being made."""
        reviews = (self.trial.review, self.judging.review, self.exports.watch.review)
        return self.judging.drawing.busy or any(review.busy for review in reviews)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.empty.renew_colors()
        self.bar.renew_colors()
        for part in self._parts:
            part.renew_colors()

    def shut_down(self) -> None:
        """Wait for what draws in the background."""
        self.trial.shut_down()
        self.judging.shut_down()
        self.exports.shut_down()

    @Slot(int)
    def _on_stage_requested(self, stage: int) -> None:
        self.show_stage(Stage(stage))
