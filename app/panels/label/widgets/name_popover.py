"""Asks for a name where the pointer is, without getting in the way of what was just painted."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.class_colors import swatch
from app.widgets.layout import button, label, row

_WIDTH = GRID * 34
_SWATCH = 16


class NamePopover(QFrame):
    """A small box over the picture: Return and Esc close it, and so does going on elsewhere.

    What stands in the field is the name; an empty field leaves the name that was proposed.
    """

    named = Signal(str)
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._around = parent
        self.setProperty("role", "card")
        self.setFixedWidth(_WIDTH)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._swatch = QLabel()
        self.name = QLineEdit()
        self.name.setMaxLength(80)
        self.name.setAccessibleName(tr("Name of the class"))
        self.name.installEventFilter(self)
        self.keep_button = button(tr("Use this name"), "primary")
        self.keep_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.keep_button.clicked.connect(self._close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label(tr("Name your first defect"), "heading"))
        layout.addLayout(row(self._swatch, self.name))
        hint = tr("Everything else is background. “+” beside Classes adds more.")
        layout.addWidget(label(hint, "muted", wrap=True))
        layout.addLayout(row(1, self.keep_button))
        self.hide()

    def ask(self, proposed: str, color: QColor, at: QPoint) -> None:
        """Show the box beside a place of the parent, with a name to type over."""
        self._swatch.setPixmap(swatch(color, size=_SWATCH).pixmap(_SWATCH, _SWATCH))
        self.name.setText(proposed)
        self.name.selectAll()
        self.adjustSize()
        around = self._around.rect().adjusted(GRID, GRID, -GRID, -GRID)
        x = at.x() + GRID * 3
        if x + self.width() > around.right():
            x = at.x() - GRID * 3 - self.width()
        x = max(around.left(), min(x, around.right() - self.width()))
        y = max(around.top(), min(at.y() + GRID, around.bottom() - self.height()))
        self.move(x, y)
        self.show()
        self.raise_()
        self.name.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Return and Esc, which the field passes on."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            if event.key() == Qt.Key.Key_Escape:
                self.name.clear()
            self._close()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Whoever goes on elsewhere has said all there is to say."""
        if event.type() == QEvent.Type.FocusOut and watched is self.name and self.isVisible():
            active = self.window().isActiveWindow()
            if active:
                self._close()
        return super().eventFilter(watched, event)

    @Slot()
    def _close(self) -> None:
        if self.isHidden():
            return
        name = self.name.text().strip()
        self.hide()
        if name:
            self.named.emit(name)
        self.closed.emit()
