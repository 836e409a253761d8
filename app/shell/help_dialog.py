"""Help: what the program is, its shortcuts, this machine, where the log is."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.services import settings
from app.shell.top_bar import device_facts
from app.widgets.layout import button, label, line
from core.system.devices import DeviceInfo
from core.system.installation import program_version


class HelpDialog(QDialog):
    """One page; deletes itself when closed."""

    check_requested = Signal()

    def __init__(self, devices: tuple[DeviceInfo, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Help and shortcuts"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(label(f"Maskwright {program_version()}", "title"))
        layout.addWidget(
            label(tr("Import images and masks, train a network, look at what it learnt."), "muted")
        )
        layout.addWidget(line())
        layout.addWidget(label(tr("Shortcuts"), "heading"))
        layout.addLayout(_shortcuts())
        layout.addWidget(line())
        layout.addWidget(label(tr("This machine"), "heading"))
        for device in devices:
            layout.addWidget(label(device_facts(device)))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        show_log = button(tr("Open the log's folder"), icon="external")
        show_log.clicked.connect(self._on_show_log)
        buttons.addButton(show_log, QDialogButtonBox.ButtonRole.ActionRole)
        check = button(tr("Check this computer…"), icon="device")
        check.clicked.connect(self.close)
        check.clicked.connect(self.check_requested)
        buttons.addButton(check, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)

    @Slot()
    def _on_show_log(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(settings.log_dir())))


def _shortcuts() -> QFormLayout:
    form = QFormLayout()
    form.setHorizontalSpacing(GRID * 3)
    form.setVerticalSpacing(GRID // 2)
    for keys, text in (
        ("Ctrl+N", tr("New project")),
        ("Ctrl+O", tr("Open project")),
        ("Ctrl+I", tr("Import images")),
        ("Ctrl+F", tr("Search images")),
        ("Ctrl+1 … 5", tr("Step of the work")),
        ("M", tr("Show or hide masks")),
        ("Ctrl+ +  /  Ctrl+ -", tr("Size of the thumbnails")),
        ("Ctrl+Shift+P", tr("Pause or resume the job")),
        ("Ctrl+Shift+X", tr("Stop the job")),
        ("Ctrl+Shift+G", tr("Log of the job")),
        ("Ctrl+Shift+D", tr("Light or dark")),
        ("Ctrl+Shift+L", tr("Language")),
        ("F1", tr("Guide to the step in front")),
        ("Alt+H", tr("Help")),
        ("?", tr("Shortcuts of the labelling panel")),
        ("Ctrl+,", tr("Settings")),
        ("Ctrl+Q", tr("Quit")),
    ):
        native = keys if " " in keys else QKeySequence(keys).toString(_NATIVE)
        form.addRow(label(native, "muted"), label(text))
    return form


_NATIVE = QKeySequence.SequenceFormat.NativeText
