"""The end of a run's log, followed while it grows."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QFontDatabase, QHideEvent, QShowEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.look.translation import tr
from core.runs.run_folder import RunFolder

_INTERVAL_MS = 1000
_TAIL_BYTES = 32_768
_NEAR_END = 8


class LogView(QPlainTextEdit):
    """Reads only while it is visible; stays at the end unless the user scrolled up."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder: RunFolder | None = None
        self._tail = ""
        self.setReadOnly(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setAccessibleName(tr("Log"))
        self.setPlaceholderText(tr("Nothing has been written yet."))
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self.refresh)

    def set_folder(self, folder: RunFolder | None) -> None:
        """Follow another run."""
        self._folder = folder
        self._tail = ""
        self.setPlainText("")
        if self.isVisible():
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Read what is there now."""
        tail = "" if self._folder is None else self._folder.log_tail(_TAIL_BYTES)
        if tail == self._tail:
            return
        self._tail = tail
        bar = self.verticalScrollBar()
        value, at_end = bar.value(), bar.value() >= bar.maximum() - _NEAR_END
        self.setPlainText(tail)
        bar.setValue(bar.maximum() if at_end else value)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Follow while visible."""
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Stop reading."""
        super().hideEvent(event)
        self._timer.stop()
