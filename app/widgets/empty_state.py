"""What an empty panel shows: one picture, one sentence, the one thing to do next."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.look.icons import pixmap
from app.look.theme import GRID, tokens
from app.widgets.layout import button, label

_ICON_SIZE = 48
_TEXT_WIDTH = 480


class EmptyState(QWidget):
    """Centred invitation; ``action_requested`` is emitted by its only button."""

    action_requested = Signal()

    def __init__(
        self,
        icon: str,
        title: str,
        text: str,
        *,
        action: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name = icon
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.title_label = label(title, "title")
        self.text_label = label(text, "muted", wrap=True)
        self.text_label.setFixedWidth(_TEXT_WIDTH)
        self._fit_text()
        for item in (self.title_label, self.text_label):
            item.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setSpacing(GRID * 2)
        layout.addStretch(2)
        layout.addWidget(self._picture)
        layout.addWidget(self.title_label)
        layout.addWidget(self.text_label, 0, Qt.AlignmentFlag.AlignHCenter)
        self.button = button(action, "primary")
        self.button.clicked.connect(self.action_requested)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        self.button.setVisible(bool(action))  # not before it has a parent: it would be a window
        layout.addStretch(3)
        self.renew_colors()

    def show_text(self, title: str, text: str, *, action: str | None = None) -> None:
        """Say something else; ``action`` is the button's text, empty for none, None as before."""
        self.title_label.setText(title)
        self.text_label.setText(text)
        if action is not None:
            self.button.setText(action)
            self.button.setVisible(bool(action))
        self._fit_text()

    def _fit_text(self) -> None:
        self.text_label.setMinimumHeight(max(0, self.text_label.heightForWidth(_TEXT_WIDTH)))

    def renew_colors(self) -> None:
        """Draw the icon in the current theme."""
        self._picture.setPixmap(
            pixmap(self._icon_name, _ICON_SIZE, color=tokens().muted, ratio=self.devicePixelRatio())
        )
