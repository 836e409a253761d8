"""Below a training's settings: what they cost, what is wrong with them, and the start."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import button, label, row


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
