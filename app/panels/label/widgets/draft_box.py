"""The inspector's part about models that label: which one, how sure it must be, what to accept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QMenu,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.canvas.actions import Actions, ActionSpec
from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr, translated
from app.panels.label import key_actions as keys
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import label, row
from app.widgets.name_box import NameBox
from app.widgets.variant_names import model_name
from core.project.draft_models import ModelChoice

_ROWS: tuple[tuple[ActionSpec, ...], ...] = (
    (keys.PREDICT, keys.REJECT),
    (keys.ACCEPT_ALL, keys.ACCEPT_CLASS, keys.ACCEPT_PART),
    (keys.COPY_PREDICTION, keys.COPY_PREDICTED_CLASS),
)
"""Buttons, a row each; what concerns many images, or is chosen once, stands in the menu."""
_MENU: tuple[tuple[ActionSpec, ...], ...] = (
    (keys.NEXT_UNCERTAIN, keys.DRAFT_UNLABELLED, keys.DRAFT_SHOWN),
    (keys.CLICK_MODEL,),
)


class DraftBox(QWidget):
    """Only shows and asks."""

    model_chosen = Signal()
    offer_changed = Signal()
    """The threshold, or whether background counts, is another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = NameBox()
        self.model.setAccessibleName(tr("Model"))
        self.model.setToolTip(tr("The trained model that proposes labels"))
        self.model.activated.connect(self._on_model_chosen)
        self.threshold = QSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0, 99)
        self.threshold.setAccessibleName(tr("Least confidence"))
        self.threshold.setToolTip(tr("Pixels that the model is less sure of are not proposed"))
        self.threshold.valueChanged.connect(self._on_threshold_changed)
        self._percent = label("0 %", "muted")
        self._percent.setMinimumWidth(GRID * 5)
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.background = QCheckBox(tr("Background too"))
        self.background.setToolTip(
            tr("Also propose background, which removes labels where the model sees nothing")
        )
        self.background.toggled.connect(self._on_background_toggled)
        self.note = ElidedLabel("", "muted", mode=Qt.TextElideMode.ElideRight)
        self.more = QToolButton()
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.setToolTip(tr("More about models: many images, the click model"))
        self.more.setAccessibleName(self.more.toolTip())
        set_icon(self.more, "more")
        self._buttons = QVBoxLayout()
        self._buttons.setSpacing(GRID // 2)
        self._work = QWidget()
        self._missing = label(
            tr("Train a model first; then it can propose labels."), "muted", wrap=True
        )
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(GRID // 2)
        form.addRow(self.model)  # names are long
        form.addRow(tr("Confidence"), row(self.threshold, self._percent))
        form.addRow(self.background)
        work = QVBoxLayout(self._work)
        work.setContentsMargins(0, 0, 0, 0)
        work.setSpacing(GRID // 2)
        work.addLayout(form)
        work.addLayout(self._buttons)
        work.addWidget(self.note)  # always there, so that nothing below it jumps
        # Its buttons could be lower, and would be so with some tools only.
        for part in (self, self._work, self.note):
            part.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._missing)
        layout.addWidget(self._work)
        self._has_draft = False
        self.is_chosen = False  # whether the user chose the model: else the best one is offered
        self.set_models((), None)

    def set_actions(self, actions: Actions) -> None:
        """Offer what can be done with drafts."""
        for spec, text in (
            (keys.PREDICT, tr("Predict")),
            (keys.ACCEPT_ALL, tr("Take all")),
            (keys.ACCEPT_CLASS, tr("Class")),
            (keys.ACCEPT_PART, tr("Part")),
            (keys.COPY_PREDICTION, tr("Copy as label")),
            (keys.COPY_PREDICTED_CLASS, tr("Copy class")),
        ):
            actions[spec.key].setIconText(text)
        for specs in _ROWS:
            tiles = [_tile(action) for action in actions.of(*specs)]
            self._buttons.addLayout(row(*tiles, spacing=GRID // 2))
        menu = QMenu(self.more)
        for place, specs in enumerate(_MENU):
            if place:
                menu.addSeparator()
            menu.addActions(actions.of(*specs))
        self.more.setMenu(menu)

    def set_models(self, choices: Sequence[ModelChoice], chosen: Path | None) -> None:
        """Offer models; ``chosen`` is the path of the one to begin with, the first one else."""
        self.is_chosen = self.is_chosen and bool(choices)
        self.model.clear()
        for choice in choices:
            name = model_name(choice.variant)
            self.model.addItem(name, choice)
            if choice.path == chosen:
                self.model.setCurrentIndex(self.model.count() - 1)
        self._show_work()

    def set_has_draft(self, has_draft: bool) -> None:
        """Say whether there is a draft: it can be accepted even if its model is gone."""
        self._has_draft = has_draft
        self._show_work()

    def _show_work(self) -> None:
        is_useful = self.model.count() > 0 or self._has_draft
        self._work.setVisible(is_useful)
        self._missing.setVisible(not is_useful)

    @property
    def choice(self) -> ModelChoice | None:
        """The model in use."""
        found = self.model.currentData()
        return found if isinstance(found, ModelChoice) else None

    @property
    def refusal(self) -> str:
        """Why the model in use drafts nothing; empty: it does."""
        choice = self.choice
        verdict = None if choice is None else choice.variant.verdict
        if verdict is None or not verdict.is_warning:
            return ""
        return tr(
            "This model drafts nothing that helps. {reason} Label more and train again.",
            reason=translated(verdict.summary),
        )

    def show_note(self, text: str) -> None:
        """Say something about the draft, or nothing."""
        self.note.setText(text)

    @Slot()
    def _on_model_chosen(self) -> None:
        self.is_chosen = True
        self.model_chosen.emit()

    @Slot(int)
    def _on_threshold_changed(self, percent: int) -> None:
        self._percent.setText(f"{percent} %")
        self.offer_changed.emit()

    @Slot(bool)
    def _on_background_toggled(self, _checked: bool) -> None:
        self.offer_changed.emit()


def _tile(action: QAction) -> QToolButton:
    made = QToolButton()
    made.setDefaultAction(action)
    made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    made.setProperty("role", "tile")
    made.setAccessibleName(action.text())
    return made
