"""One quiet line below the top bar: there is a later version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import button, label, row

if TYPE_CHECKING:  # else the web's modules would be loaded before the window is up
    from core.system.updates import Announcement


class UpdateNotice(QFrame):
    """Hidden until there is something to say."""

    details_requested = Signal()
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.text = label()
        self.details_button = button(tr("What is new"), "link")
        self.details_button.clicked.connect(self.details_requested)
        self.later_button = button(tr("Not now"), "link")
        self.later_button.clicked.connect(self.dismissed)
        self.later_button.clicked.connect(self.hide)
        layout = row(self.text, self.details_button, 1, self.later_button, spacing=GRID * 2)
        layout.setContentsMargins(GRID * 2, GRID // 2, GRID * 2, GRID // 2)
        layout.setAlignment(self.text, Qt.AlignmentFlag.AlignVCenter)
        self.setLayout(layout)
        self.hide()

    def show_update(self, found: Announcement, *, current: str) -> None:
        """Say that there is a later version than ``current``."""
        if found.supports(current):
            self.text.setText(tr("Maskwright {version} is available.", version=found.version))
        else:
            self.text.setText(
                tr(
                    "Maskwright {version} is available; {current} is no longer supported.",
                    version=found.version,
                    current=current,
                )
            )
        self.show()
