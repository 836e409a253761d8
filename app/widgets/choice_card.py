"""A choice that needs more than a word: a card with a title, a sentence and a fact."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from app.theme import GRID, RADIUS, tokens
from app.widgets.layout import label


class ChoiceCard(QFrame):
    """Clickable anywhere; the arrow keys move between the cards of a group."""

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("choice")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.button = QRadioButton(title)
        self.button.setAccessibleDescription(text)
        font = self.button.font()
        font.setBold(True)
        self.button.setFont(font)
        self.button.toggled.connect(self.renew_colors)
        self.fact = label("", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.button)
        layout.addWidget(label(text, wrap=True))
        layout.addStretch(1)
        layout.addWidget(self.fact)
        self.renew_colors()

    def renew_colors(self) -> None:
        """Draw the frame in the current theme; the chosen card stands out."""
        theme = tokens()
        chosen = self.button.isChecked()
        border = theme.accent if chosen else theme.border
        ground = theme.accent_soft if chosen else theme.surface
        self.setStyleSheet(
            f"#choice {{ background: {ground}; border: 1px solid {border};"
            f" border-radius: {RADIUS}px; }}"
            f"QRadioButton::indicator {{ width: 12px; height: 12px; border-radius: 7px;"
            f" border: 1px solid {theme.muted}; background: {theme.surface}; }}"
            f"QRadioButton::indicator:checked {{ width: 6px; height: 6px;"
            f" border: 4px solid {theme.accent}; background: {theme.on_accent}; }}"
            f"QRadioButton:focus {{ text-decoration: underline; }}"
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Choose this card."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.button.click()
            self.button.setFocus()


class ChoiceCards(QWidget):
    """Cards side by side, one of them chosen; ``group.idClicked`` tells which the user took."""

    def __init__(self, choices: list[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[ChoiceCard] = []
        self.group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        for index, (title, text) in enumerate(choices):
            card = ChoiceCard(title, text)
            self.cards.append(card)
            self.group.addButton(card.button, index)
            layout.addWidget(card, 1)

    @property
    def index(self) -> int:
        """Which card is chosen; -1: none yet."""
        return self.group.checkedId()

    def choose(self, index: int) -> None:
        """Choose a card without the user."""
        self.cards[index].button.setChecked(True)

    def renew_colors(self) -> None:
        """Draw the cards in the current theme."""
        for card in self.cards:
            card.renew_colors()
