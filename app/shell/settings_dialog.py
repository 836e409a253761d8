"""Settings of the program: what jobs compute on."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.shell.device_settings import DeviceSettings
from app.widgets.layout import label

_WIDTH = GRID * 72


class SettingsDialog(QDialog):
    """Stays open beside the work; deletes itself when closed."""

    device_changed = Signal()
    """Jobs that start from now on may compute on something else."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Settings"))
        self.setMinimumWidth(_WIDTH)
        self.device = DeviceSettings()
        self.device.changed.connect(self.device_changed)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(label(tr("Device"), "title"))
        layout.addWidget(self.device)
        layout.addStretch(1)
        layout.addWidget(buttons)

    def done(self, result: int) -> None:
        """End what runs, then close."""
        self.device.shut_down()
        super().done(result)
