"""Says that the open project is for reading only, why, and what can be done all the same."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from app.look.icons import pixmap
from app.look.theme import GRID, tokens
from app.look.translation import tr, translated
from app.widgets.layout import button, column, label, row
from core.system.messages import Message

_ICON = 20


class ReadOnlyBanner(QFrame):
    """Hidden for projects that can be changed."""

    write_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.icon = QLabel()
        self.text = label("", wrap=True)
        self.hint = label(
            tr(
                "Everything can be looked at: images, labels, runs and results. Importing, "
                "labelling and starting jobs change the project and are off."
            ),
            "muted",
            wrap=True,
        )
        self.write_button = button(
            tr("Try again for writing"),
            tooltip=tr("Once the other window is closed, or the rights to write are there"),
        )
        self.write_button.clicked.connect(self.write_requested)
        both = row(self.icon, spacing=GRID)
        both.addLayout(column(self.text, self.hint, spacing=0), 1)
        both.addWidget(self.write_button)
        both.setContentsMargins(GRID * 2, GRID // 2, GRID * 2, GRID // 2)
        self.setLayout(both)
        self.hide()

    def show_state(self, *, read_only: bool, reason: Message | None) -> None:
        """Show or hide it; ``reason`` says why it could not be opened for writing."""
        self.text.setText(
            tr("This project is open for reading only.") if reason is None else translated(reason)
        )
        self.setAccessibleName(f"{self.text.text()} {self.hint.text()}")
        self.renew_colors()
        self.setVisible(read_only)

    def renew_colors(self) -> None:
        """Draw the mark in the current theme."""
        ratio = self.devicePixelRatio()
        self.icon.setPixmap(pixmap("lock", _ICON, color=tokens().warning, ratio=ratio))
