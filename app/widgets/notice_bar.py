"""A line above the work that says something once, until it is closed or replaced."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from app.icons import set_icon
from app.theme import GRID
from app.translation import tr
from app.widgets.layout import label


class NoticeBar(QFrame):
    """Hidden while there is nothing to say."""

    action_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.text = label("", wrap=True)
        self.action = QPushButton()
        self.action.setAutoDefault(False)
        self.action.clicked.connect(self.action_requested)
        close = QToolButton()
        set_icon(close, "close")
        close.setToolTip(tr("Close this notice"))
        close.setAccessibleName(tr("Close this notice"))
        close.clicked.connect(self.clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID // 2, GRID, GRID // 2)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.action)
        layout.addWidget(close)
        self.hide()

    def tell(self, text: str, *, action: str = "", role: str = "") -> None:
        """Show a sentence, with a button where ``action`` is its text.

        Args:
            text: what to say.
            action: text of the button; its click emits ``action_requested``.
            role: ``warning`` or ``danger``.
        """
        self.text.setText(text)
        self.text.setProperty("role", role)
        self.text.style().unpolish(self.text)
        self.text.style().polish(self.text)
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self.show()

    @Slot()
    def clear(self) -> None:
        """Say nothing."""
        self.hide()
