"""Asks what another computer needs, whose GPU environment is to be carried there in a folder."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import button, label

_WIDTH = GRID * 76


@dataclass(frozen=True, slots=True)
class WantedFolder:
    """What the dialog returns.

    Attributes:
        folder: where the wheels go.
        build: such as ``cu126``.
        system: ``linux`` or ``windows``.
    """

    folder: Path
    build: str
    system: str


class PrepareDialog(QDialog):
    """Emits ``folder_wanted``; deletes itself when closed."""

    folder_wanted = Signal(object)
    """(WantedFolder)."""

    def __init__(self, build: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Prepare a folder for another computer"))
        self.setMinimumWidth(_WIDTH)
        self.build_box = QComboBox()
        for text, name in (
            (
                tr("GeForce GTX 16, RTX 20, 30, 40, A and L series, H100: driver 560 or later"),
                "cu126",
            ),
            (tr("GeForce RTX 50 and other Blackwell cards: driver 570 or later"), "cu129"),
            (
                tr("GeForce GTX 10, V100, or RTX 20 to 40 with an older driver: 520 or later"),
                "cu118",
            ),
        ):
            self.build_box.addItem(text, name)
        self.build_box.setCurrentIndex(max(0, self.build_box.findData(build)))
        self.system_box = QComboBox()
        for text, name in (("Windows", "windows"), ("Linux", "linux")):
            self.system_box.addItem(text, name)
        self.system_box.setCurrentIndex(0 if sys.platform == "win32" else 1)
        form = QFormLayout()
        form.setSpacing(GRID)
        form.addRow(tr("Its &card"), self.build_box)
        form.addRow(tr("Its &system"), self.system_box)
        self.go_on_button = button(tr("Choose a folder…"), "primary")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.go_on_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.go_on_button.clicked.connect(self._on_go_on)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(
            label(
                tr(
                    "For a computer without internet: what its GPU needs is downloaded here, "
                    "several gigabytes, and installed there from the folder. The program must be "
                    "of the same version on both."
                ),
                wrap=True,
            )
        )
        layout.addLayout(form)
        layout.addWidget(buttons)

    @Slot()
    def _on_go_on(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("New or empty folder"))
        if folder:
            wanted = WantedFolder(
                Path(folder), self.build_box.currentData(), self.system_box.currentData()
            )
            self.accept()
            self.folder_wanted.emit(wanted)
