"""The fourth stage: rules, and what they do to the validation images, live."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QStackedWidget, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.ship.image_review import ImageReview
from app.panels.ship.outcomes import JudgedImage, Truth, truth_name, truth_tip
from app.panels.ship.rule_list import RuleList
from app.regions.drawing_page import DrawingPage
from app.regions.region_state import RegionState
from app.widgets.empty_state import EmptyState
from app.widgets.layout import label, row
from app.widgets.switching import switch


class JudgingPage(QWidget):
    """Rules above, the images below; the filters count what the rules come to.

    Regions are drawn in place of both.
    """

    trial_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.regions = RegionState(self)
        self.drawing = DrawingPage(self.regions)
        self.rules = RuleList()
        self.review = ImageReview(_group_of, truth_name, Truth, tip=truth_tip)
        self.effect = label("", "heading", wrap=True)
        self.progress = label("", "muted")
        self._invitation = tr(
            "The model looks at the validation images once; then every change of a rule shows at "
            "once which parts it would reject."
        )
        self.empty = EmptyState(
            "sliders",
            tr("See what the rules come to"),
            self._invitation,
            action=tr("Try it on the validation images"),
        )
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(GRID, GRID, GRID, GRID)
        inside.setSpacing(GRID // 2)
        inside.addWidget(label(tr("When is a part a reject?"), "heading"))
        inside.addWidget(self.rules)
        effect = QWidget()
        column = QVBoxLayout(effect)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        head = row(self.effect, self.progress)
        head.setStretch(0, 1)
        column.addLayout(head)
        column.addWidget(self.review, 1)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(effect)
        judging = QWidget()
        column = QVBoxLayout(judging)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(card)
        column.addWidget(self._pages, 1)
        self._whole = QStackedWidget()
        self._whole.addWidget(judging)
        self._whole.addWidget(self.drawing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._whole)
        self.empty.action_requested.connect(self.trial_requested)
        self.drawing.done_requested.connect(self.show_rules)

    @property
    def is_drawing(self) -> bool:
        """Whether regions are drawn."""
        return self._whole.currentIndex() == 1

    def draw_on(self, images: Sequence[Path], current: Path | None) -> None:
        """Draw regions on one of these images; see ``DrawingPage.show_images``."""
        if not self.is_drawing:
            self.drawing.show_images(images, current)
            self._whole.setCurrentIndex(1)
        self.drawing.canvas.setFocus()

    @Slot()
    def show_rules(self) -> None:
        """Show rules and images again."""
        self._whole.setCurrentIndex(0)

    def show_effect(self, images: Sequence[JudgedImage], progress: str) -> None:
        """Show what the rules come to.

        Args:
            images: the validation images; none: they were not tried yet.
            progress: what is being done.
        """
        self.progress.setText(progress)
        self._pages.setCurrentIndex(1 if images else 0)
        if not images:
            self.empty.show_text(self.empty.title_label.text(), progress or self._invitation)
            self.empty.button.setVisible(not progress)
            return
        self.effect.setText(effect_text(images))
        self.review.show_images(images)

    def set_startable(self, startable: bool, why: str = "") -> None:
        """Whether images may be tried and rules be changed; ``why`` not."""
        switch(self.empty.button, self.rules, on=startable, why=why)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.empty.renew_colors()
        self.review.renew_colors()
        self.drawing.renew_colors()

    def shut_down(self) -> None:
        """Wait for what draws in the background."""
        self.review.shut_down()
        self.drawing.shut_down()


def effect_text(images: Sequence[JudgedImage]) -> str:
    """Say what the rules come to, in one or two sentences."""
    good = [one for one in images if one.defective is False]
    bad = [one for one in images if one.defective]
    groups = [one.truth for one in images]
    parts = []
    if good:
        parts.append(
            tr(
                "{accepted} of {count} good {count:part is|parts are} accepted.",
                accepted=groups.count(Truth.GOOD_ACCEPTED),
                count=len(good),
            )
        )
    if bad:
        parts.append(
            tr(
                "{found} of {count} defective {count:part is|parts are} found.",
                found=groups.count(Truth.FOUND),
                count=len(bad),
            )
        )
    return " ".join(parts) or tr("None of these images is labelled, so nothing can be counted.")


def _group_of(one: JudgedImage) -> Truth | None:
    return one.truth
