"""What a model is good for, in words, before anything is done with it."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from app.look.icons import pixmap
from app.look.theme import GRID, Tokens, tokens
from app.look.translation import tr, translated
from app.widgets.layout import button, label, row
from core.models.model_verdict import Level, Verdict

_ICON = 20
_MOST_LINES = 6


class VerdictBox(QFrame):
    """The whole in bold, the classes below; hidden where nothing was said.

    Args:
        lines: most sentences below the first; the rest is in the tool tip.
        unfolds: whether a click shows the rest below.
        parent: owner.
    """

    def __init__(
        self,
        *,
        lines: int = _MOST_LINES,
        unfolds: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._lines = lines
        self._verdict: Verdict | None = None
        self._unfolds, self._is_open = unfolds, False
        self.icon = QLabel()
        self.summary = label("", "heading", wrap=True)
        self.details = label("", wrap=True)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.summary)
        texts.addWidget(self.details)
        self.more = button("", "link")
        self.more.clicked.connect(self._on_more)
        self.more.hide()
        texts.addLayout(row(self.more, 1))
        both = row(self.icon)
        both.addLayout(texts, 1)
        both.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        self.setLayout(both)
        self.setAccessibleName(tr("What the model is good for"))
        self.hide()

    def show_verdict(self, verdict: Verdict | None) -> None:
        """Show it; None hides the box."""
        if verdict != self._verdict:
            self._is_open = False
        self._verdict = verdict
        self.setVisible(verdict is not None)
        if verdict is None:
            return
        sentences = [translated(sentence) for sentence in verdict.sentences]
        self.summary.setText(sentences[0])
        most = len(sentences) if self._is_open else self._lines
        shown = sentences[1 : 1 + most]
        left = len(sentences) - 1 - len(shown)
        self.more.setVisible(self._unfolds and (self._is_open or left > 0))
        self.more.setText(tr("Show less") if self._is_open else tr("Show all"))
        if left and shown and not self._unfolds:
            shown[-1:] = [tr("… and {count} more {count:sentence|sentences}", count=left + 1)]
        self.details.setText("\n".join(shown))
        self.details.setVisible(bool(shown))
        self.setToolTip("\n".join(sentences))
        self.setAccessibleDescription(" ".join(sentences))
        self.renew_colors()

    def set_lines(self, lines: int) -> None:
        """Show at most so many sentences below the first."""
        if lines != self._lines:
            self._lines = lines
            self.show_verdict(self._verdict)

    @Slot()
    def _on_more(self) -> None:
        self._is_open = not self._is_open
        self.show_verdict(self._verdict)

    def renew_colors(self) -> None:
        """Draw the mark in the current theme."""
        if self._verdict is not None:
            name, color = level_mark(self._verdict.level, tokens())
            ratio = self.devicePixelRatio()
            self.icon.setPixmap(pixmap(name, _ICON, color=color, ratio=ratio))


def level_mark(level: Level, theme: Tokens) -> tuple[str, str]:
    """Return the icon and the colour that stand for a level."""
    return {
        Level.USABLE: ("check", theme.success),
        Level.PARTLY: ("info", theme.warning),
        Level.NOT_USABLE: ("warning", theme.danger),
        Level.UNKNOWN: ("info", theme.muted),
    }[level]
