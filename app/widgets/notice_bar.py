"""A line over the work that says something once, until it is closed, replaced or read."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QTimer, Slot
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import label

_PASSING_MS = 8000


class NoticeBar(QFrame):
    """Hidden while there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.text = label("", wrap=True)
        self.action = QPushButton()
        self.action.setAutoDefault(False)
        self.action.clicked.connect(self._on_clicked)
        self._act: Callable[[], object] | None = None
        close = QToolButton()
        set_icon(close, "close")
        close.setToolTip(tr("Close this notice"))
        close.setAccessibleName(tr("Close this notice"))
        close.clicked.connect(self.clear)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PASSING_MS)
        self._timer.timeout.connect(self.clear)
        self._passing = False
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID // 2, GRID, GRID // 2)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.action)
        layout.addWidget(close)
        self.hide()

    def tell(
        self,
        text: str,
        *,
        action: str = "",
        on_action: Callable[[], object] | None = None,
        role: str = "",
        passing: bool = False,
    ) -> None:
        """Show a sentence, with a button where ``action`` is its text.

        Args:
            text: what to say; empty: nothing.
            action: text of the button.
            on_action: called by its click, which clears the notice.
            role: ``warning`` or ``danger``.
            passing: it goes away by itself after a while.
        """
        self._act = on_action
        if not text:
            self.clear()
            return
        self.text.setText(text)
        self.text.setProperty("role", role)
        self.text.style().unpolish(self.text)
        self.text.style().polish(self.text)
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self._passing = passing
        self._timer.stop()
        if passing:
            self._timer.start()
        self.show()
        self.raise_()

    @Slot()
    def _on_clicked(self) -> None:
        act, self._act = self._act, None
        self.clear()
        if act is not None:
            act()

    @Slot()
    def clear(self) -> None:
        """Say nothing."""
        self._timer.stop()
        self.hide()

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802
        """It stays while the pointer is on it."""
        super().enterEvent(event)
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """It has been read."""
        super().leaveEvent(event)
        if self._passing and self.isVisible():
            self._timer.start()
