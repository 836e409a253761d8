"""A choice that needs more than a word: a title, a sentence and a fact, as a card or as a row."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLayout,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID, RADIUS, tokens
from app.widgets.layout import label

_TITLE_WIDTH = GRID * 17


class Choice(QFrame):
    """Clickable anywhere; the arrow keys move between the choices of a group."""

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


class ChoiceCard(Choice):
    """Title, sentence and fact below each other."""

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(title, text, parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.button)
        layout.addWidget(label(text, wrap=True))
        layout.addStretch(1)
        layout.addWidget(self.fact)


class ChoiceRow(Choice):
    """Title, sentence and fact beside each other, in columns that rows of a list share."""

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(title, text, parent)
        self.button.setFixedWidth(_TITLE_WIDTH)
        self.fact.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID // 2, GRID * 2, GRID // 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(self.button)
        layout.addWidget(label(text, wrap=True), 1)
        layout.addWidget(self.fact)


class _Choices(QWidget):
    """Choices of which one is chosen; ``group.idClicked`` tells which the user took."""

    def __init__(self, cards: Sequence[Choice], layout: QLayout) -> None:
        super().__init__()
        self.cards = list(cards)
        self.group = QButtonGroup(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for index, card in enumerate(self.cards):
            self.group.addButton(card.button, index)
            layout.addWidget(card)
        self.setLayout(layout)

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


class ChoiceCards(_Choices):
    """A few cards side by side, in two lines where they find no room in one."""

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        self._grid = QGridLayout()
        self._grid.setSpacing(GRID)
        self._columns = 0
        super().__init__([ChoiceCard(title, text) for title, text in choices], self._grid)
        self._arrange(len(self.cards))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As wide as two lines need."""
        return QSize(self._width_of(self._half()), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Take a second line, or leave it."""
        super().resizeEvent(event)
        whole = len(self.cards)
        self._arrange(whole if self._width_of(whole) <= event.size().width() else self._half())

    def _half(self) -> int:
        return (len(self.cards) + 1) // 2

    def _width_of(self, columns: int) -> int:
        least = [card.minimumSizeHint().width() for card in self.cards]
        widths = [max(least[column::columns]) for column in range(columns)]
        return sum(widths) + GRID * (columns - 1)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for index, card in enumerate(self.cards):
            self._grid.addWidget(card, index // columns, index % columns)
        for column in range(len(self.cards)):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)


class ChoiceRows(_Choices):
    """A list, for more choices than cards would find room for."""

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        layout = QVBoxLayout()
        layout.setSpacing(GRID // 2)
        super().__init__([ChoiceRow(title, text) for title, text in choices], layout)


class ChoiceColumn(_Choices):
    """A few cards below each other, for narrow places."""

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        layout = QVBoxLayout()
        layout.setSpacing(GRID // 2)
        super().__init__([ChoiceCard(title, text) for title, text in choices], layout)
        for card in self.cards:
            card.fact.hide()
