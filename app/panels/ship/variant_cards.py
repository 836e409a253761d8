"""The models of a project to choose from, each with what it is best at, costs and can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import pixmap
from app.look.theme import GRID, tokens
from app.look.translation import tr, translated
from app.widgets.choice_card import Choice
from app.widgets.layout import clear_layout, label
from app.widgets.number_text import latency_text, size_text
from app.widgets.variant_names import origin_text, variant_name
from app.widgets.verdict_box import level_mark
from core.project.variant_choice import Praise
from core.project.variants import ModelVariant

_FACT_WIDTH = GRID * 9
_ICON = 16


class VariantCard(Choice):
    """Name and origin at the left, numbers at the right, words below."""

    def __init__(self, variant: ModelVariant, praise: Sequence[Praise]) -> None:
        words = " · ".join(praise_text(one) for one in praise)
        super().__init__(variant_name(variant), words)
        self.variant = variant
        self.setAccessibleName(variant_name(variant))
        self._mark = QLabel()
        self._mark.setFixedWidth(_ICON)
        verdict = variant.verdict
        self.praise = label(words, "success", wrap=True)
        self.verdict = label("" if verdict is None else translated(verdict.summary), wrap=True)
        self.verdict.setProperty("role", "danger" if _warns(variant) else "muted")
        name = QVBoxLayout()
        name.setSpacing(2)
        name.addWidget(self.button)
        name.addWidget(label(origin_text(variant), "muted"))
        top = QHBoxLayout()
        top.setSpacing(GRID * 2)
        top.addLayout(name, 1)
        for title, text in _facts(variant):
            top.addLayout(_fact(title, text))
        said = QHBoxLayout()
        said.setSpacing(GRID // 2)
        said.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        said.addWidget(self.verdict, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        layout.setSpacing(GRID // 2)
        layout.addLayout(top)
        if words:
            layout.addWidget(self.praise)
        if verdict is not None:
            layout.addLayout(said)
        self.renew_mark()

    def renew_mark(self) -> None:
        """Draw the mark of the verdict in the current theme."""
        if self.variant.verdict is not None:
            name, color = level_mark(self.variant.verdict.level, tokens())
            ratio = self.devicePixelRatio()
            self._mark.setPixmap(pixmap(name, _ICON, color=color, ratio=ratio))


class VariantCards(QWidget):
    """The first stage: one card a model, the newest family first."""

    chosen = Signal(object)
    """(ModelVariant): the user chose another one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[VariantCard] = []
        self._group = QButtonGroup(self)
        self._inside = QWidget()
        self._inside.setProperty("role", "scrolled")
        self._list = QVBoxLayout(self._inside)
        self._list.setContentsMargins(0, 0, GRID, 0)
        self._list.setSpacing(GRID)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(label(tr("Which model goes to the line?"), "title"))
        layout.addWidget(scroll, 1)
        self._group.idClicked.connect(self._on_clicked)

    def show_variants(
        self, variants: Sequence[ModelVariant], praise: Mapping[Path, Sequence[Praise]]
    ) -> None:
        """Show these models; choose none."""
        for card in self.cards:
            self._group.removeButton(card.button)
        clear_layout(self._list)
        self.cards = [VariantCard(one, praise.get(one.folder, ())) for one in variants]
        for place, card in enumerate(self.cards):
            card.setObjectName("choice")
            self._group.addButton(card.button, place)
            self._list.addWidget(card)
        self._list.addStretch(1)

    def select(self, folder: Path | None) -> None:
        """Choose the model of a folder, silently."""
        for card in self.cards:
            if card.variant.folder == folder:
                card.button.setChecked(True)

    @property
    def current(self) -> ModelVariant | None:
        """The model chosen."""
        place = self._group.checkedId()
        return self.cards[place].variant if 0 <= place < len(self.cards) else None

    def renew_colors(self) -> None:
        """Draw the cards in the current theme."""
        for card in self.cards:
            card.renew_colors()
            card.renew_mark()

    @Slot(int)
    def _on_clicked(self, place: int) -> None:
        self.chosen.emit(self.cards[place].variant)


def praise_text(praise: Praise) -> str:
    """Return what a model is best at, in the current language."""
    return {
        Praise.FASTEST_GOOD: tr("fastest within 0.5 points of the best"),
        Praise.MOST_ACCURATE: tr("most accurate"),
        Praise.SMALLEST: tr("smallest"),
    }[praise]


def _warns(variant: ModelVariant) -> bool:
    return variant.verdict is not None and variant.verdict.is_warning


def _facts(variant: ModelVariant) -> tuple[tuple[str, str], ...]:
    miou, measured = variant.best_miou, variant.measured
    return (
        (tr("mIoU"), "–" if miou is None else f"{miou:.3f}"),
        (tr("Time per image"), "–" if measured is None else latency_text(measured.latency_ms)),
        (tr("File size"), "–" if measured is None else size_text(measured.size_bytes)),
    )


def _fact(title: str, text: str) -> QVBoxLayout:
    cell = QVBoxLayout()
    cell.setSpacing(2)
    parts = (label(text, "heading"), label(title, "muted"))
    needed = parts[1].fontMetrics().horizontalAdvance(title) + GRID
    for part in parts:
        part.setFixedWidth(max(_FACT_WIDTH, needed))  # of one title, alike in all cards
        part.setAlignment(Qt.AlignmentFlag.AlignRight)
        cell.addWidget(part)
    cell.addStretch(1)
    return cell
