"""A line over the work that asks what becomes of something unfinished."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import label


class QuestionBar(QFrame):
    """Hidden while there is nothing to ask; the keys stay with the work."""

    kept = Signal()
    """The user goes on with it."""
    discarded = Signal()
    """It may be dropped."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.text = label("", "warning", wrap=True)
        self.keep_button = QPushButton(tr("&Finish it"))
        self.discard_button = QPushButton(tr("&Discard it"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID // 2, GRID, GRID // 2)
        layout.addWidget(self.text, 1)
        for button, signal in (
            (self.keep_button, self.kept),
            (self.discard_button, self.discarded),
        ):
            button.setAutoDefault(False)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(signal)
            layout.addWidget(button)
        self.hide()

    def ask(self, text: str) -> None:
        """Show a question."""
        self.text.setText(text)
        self.show()
        self.raise_()
