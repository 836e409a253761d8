"""Shows the end of a run's log and follows it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import button
from app.widgets.log_view import LogView
from core.runs.run_folder import RunFolder


class LogDialog(QDialog):
    """Deletes itself when closed."""

    def __init__(self, run: RunFolder, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Log of {name}", name=title))
        self.resize(GRID * 110, GRID * 70)
        self._run = run
        self.text = LogView()
        self.text.set_folder(run)
        show_folder = button(tr("Open the run's folder"), icon="external")
        show_folder.clicked.connect(self._on_show_folder)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(show_folder, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.addWidget(self.text)
        layout.addWidget(ElidedLabel(str(run.log_path), "muted"))
        layout.addWidget(buttons)

    @Slot()
    def _on_show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._run.path)))
