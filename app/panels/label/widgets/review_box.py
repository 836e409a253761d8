"""How far an image's labelling is, and a comment on it."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.label.widgets.image_strip import state_color
from app.widgets.class_colors import swatch
from app.widgets.image_status_text import state_name
from core.project import ImageRow, State
from core.project.rows import STATES


class ReviewBox(QWidget):
    """Only shows and asks."""

    state_chosen = Signal(str)
    comment_edited = Signal(int, str)
    """(image id, comment)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = QComboBox()
        self.state.setAccessibleName(tr("State"))
        for state in STATES:
            self.state.addItem(state_name(state), state)
        self.state.activated.connect(self._on_state_activated)
        self.comment = QLineEdit()
        self.comment.setPlaceholderText(tr("Note"))
        self.comment.setAccessibleName(tr("Comment"))
        self.comment.editingFinished.connect(self.finish)
        self._image_id: int | None = None
        self._comment = ""
        self.state.setToolTip(tr("State"))
        self.comment.setToolTip(tr("A note on this image"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.state, 1)
        layout.addWidget(self.comment, 1)
        self.renew_colors()

    def show_row(self, row: ImageRow | None) -> None:
        """Show an image's state and comment; what was typed belongs to the image before."""
        image_id = None if row is None else row.id
        is_other = image_id != self._image_id
        if is_other:
            self.finish()
        self._image_id = image_id
        self.setEnabled(row is not None)
        self.state.setCurrentIndex(-1 if row is None else self.state.findData(row.state))
        self._comment = "" if row is None else row.comment
        if is_other or not self.comment.hasFocus():
            self.comment.setText(self._comment)

    def renew_colors(self) -> None:
        """Follow the theme."""
        for place, state in enumerate(STATES):
            self.state.setItemIcon(place, swatch(QColor(state_color(state))))

    @Slot()
    def _on_state_activated(self) -> None:
        self.state_chosen.emit(cast("State", self.state.currentData()))

    @Slot()
    def finish(self) -> None:
        """Tell what was typed, if that was not done yet."""
        if self._image_id is not None and self.comment.text() != self._comment:
            self._comment = self.comment.text()
            self.comment_edited.emit(self._image_id, self._comment)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Esc, which the comment passes on, drops what was typed."""
        if event.key() == Qt.Key.Key_Escape:
            self.comment.setText(self._comment)
        super().keyPressEvent(event)
