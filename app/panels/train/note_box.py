"""What somebody wrote about a run."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.services.timers import single_shot

_SAVE_MS = 800


class NoteBox(QPlainTextEdit):
    """Saves itself soon after the last key, and when it is left."""

    written = Signal(int, str)
    """(run id, text)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run_id: int | None = None
        self._kept = ""
        self.setPlaceholderText(tr("What was tried, what came of it …"))
        self.setAccessibleName(tr("Note"))
        self.setTabChangesFocus(True)
        self.setFixedHeight(GRID * 9)
        self._timer = single_shot(self, _SAVE_MS, self.save)
        self.textChanged.connect(self._on_changed)

    def show_note(self, run_id: int | None, text: str) -> None:
        """Show a run's note; what was typed about another one is saved first."""
        if run_id == self._run_id and (text == self._kept or self._timer.isActive()):
            return
        self.save()
        self._run_id, self._kept = run_id, text
        with QSignalBlocker(self):
            self.setPlainText(text)
        self.setEnabled(run_id is not None)

    @Slot()
    def save(self) -> None:
        """Hand over what was typed."""
        self._timer.stop()
        text = self.toPlainText().strip()
        if self._run_id is not None and text != self._kept:
            self._kept = text
            self.written.emit(self._run_id, text)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Save what was typed."""
        super().focusOutEvent(event)
        self.save()

    @Slot()
    def _on_changed(self) -> None:
        self._timer.start()
