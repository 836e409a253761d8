"""Shows the end of a run's log and follows it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QFontDatabase
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from app.theme import GRID
from app.translation import tr
from app.widgets.layout import button, label
from core.jobs.run_folder import RunFolder

_INTERVAL_MS = 1000
_TAIL_BYTES = 200_000


class LogDialog(QDialog):
    """Text that stays at its end while it grows, unless the user scrolled up."""

    def __init__(self, run: RunFolder, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Log of {name}", name=title))
        self.resize(GRID * 110, GRID * 70)
        self._run = run
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName(tr("Log"))
        show_folder = button(tr("Open the run's folder"), icon="external")
        show_folder.clicked.connect(self._on_show_folder)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(show_folder, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.addWidget(self.text)
        layout.addWidget(label(str(run.log_path), "muted"))
        layout.addWidget(buttons)
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Read what was appended."""
        tail = self._run.log_tail(_TAIL_BYTES) or tr("Nothing has been written yet.")
        if tail == self.text.toPlainText():
            return
        bar = self.text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - GRID
        value = bar.value()
        self.text.setPlainText(tail)
        bar.setValue(bar.maximum() if at_end else value)

    @Slot()
    def _on_show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._run.path)))
