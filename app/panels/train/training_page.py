"""The page that sets up a training: network, how long, settings, and the start."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, translated
from app.panels.train.training_form import TrainingForm
from app.widgets.choice_card import ChoiceCards, ChoiceRows
from app.widgets.layout import button, keep_place, label, line, row
from core.models.catalog import NETWORKS

#: Names of the networks in the order of their rows.
NAMES = tuple(NETWORKS)
_COLUMN_WIDTH = GRID * 100


class TrainingPage(QWidget):
    """Only the parts and their places; the panel fills and connects them.

    Attributes:
        goals: cards in the order of ``presets.GOALS``.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.networks = ChoiceRows([(name, translated(NETWORKS[name].summary)) for name in NAMES])
        self.qualities = ChoiceCards(
            [
                (tr("5 minutes"), tr("A first look: does it find anything?")),
                (tr("30 minutes"), tr("A usable model in the time of a break.")),
                (tr("Overnight"), tr("Larger parts and more steps, for the final model.")),
            ]
        )
        self.goals = ChoiceCards(
            [
                (tr("All-round"), tr("What the data suggests.")),
                (tr("Small defects"), tr("Larger images: finds smaller things, slower.")),
                (tr("Fast line"), tr("Smaller images: quicker, misses tiny things.")),
                (tr("As accurate as possible"), tr("Larger images and a night of training.")),
            ]
        )
        for card in self.goals.cards:
            card.fact.hide()
        self.goals.choose(0)
        self.form = TrainingForm()
        self.reset_button = button(
            tr("Back to the suggestion"), "link", tooltip=tr("Undo your own changes")
        )
        keep_place(self.reset_button)
        self.footer = TrainingFooter()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(_scrolled(self._column()), 1)
        layout.addWidget(line())
        layout.addWidget(self.footer)

    def _column(self) -> QWidget:
        content = QWidget()
        content.setProperty("role", "scrolled")
        content.setMaximumWidth(_COLUMN_WIDTH)
        column = QVBoxLayout(content)
        column.setContentsMargins(GRID * 3, GRID * 2, GRID * 3, GRID * 2)
        column.setSpacing(GRID)
        column.addWidget(label(tr("What matters most?"), "heading"))
        column.addWidget(self.goals)
        column.addSpacing(GRID)
        column.addWidget(label(tr("Network"), "heading"))
        column.addWidget(self.networks)
        column.addSpacing(GRID)
        column.addWidget(label(tr("How long may it take?"), "heading"))
        column.addWidget(self.qualities)
        column.addSpacing(GRID)
        column.addLayout(row(label(tr("Settings"), "heading"), 1, self.reset_button))
        column.addWidget(self.form)
        column.addStretch(1)
        return content


class TrainingFooter(QFrame):
    """Only a row of parts; the panel fills and connects them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.estimate = label("", "muted")
        self.warning = label("", "warning", wrap=True)
        self.problem = label("", "danger", wrap=True)
        self.problem.hide()
        self.start_button = button(
            tr("Start training"), "primary", tooltip=tr("Freeze the data and begin (Ctrl+Return)")
        )
        self.start_button.setShortcut("Ctrl+Return")
        texts = QVBoxLayout()
        texts.setSpacing(2)
        for text in (self.problem, self.estimate, self.warning):
            texts.addWidget(text)
        both = row(spacing=GRID * 2)
        both.addLayout(texts, 1)
        both.addWidget(self.start_button)
        both.setContentsMargins(GRID * 3, GRID, GRID * 3, GRID)
        self.setLayout(both)


def _scrolled(content: QWidget) -> QScrollArea:
    outer = QWidget()
    outer.setProperty("role", "scrolled")
    centred = QHBoxLayout(outer)
    centred.setContentsMargins(0, 0, 0, 0)
    centred.addWidget(content, 1)
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setWidget(outer)
    return scroll
