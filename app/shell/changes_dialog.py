"""What is new: after an update once, whenever somebody asks, and before one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.services.updates import UpdateWatch
from app.widgets.layout import button, label

if TYPE_CHECKING:  # else the web's modules would be loaded before the window is up
    from core.system.updates import Announcement

_LINK = re.compile(r"\[([^\]]+)\]\((?!https?://)[^)]*\)")


class ChangesDialog(QDialog):
    """Shows sections of the changelog; deletes itself when closed."""

    def __init__(self, changes: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("What is new"))
        self.resize(GRID * 90, GRID * 75)
        self.text = notes_view(changes)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.addWidget(self.text)
        layout.addWidget(buttons)


class UpdateDialog(QDialog):
    """A later version: what is new in it, and the way to it; downloads nothing itself."""

    def __init__(
        self, found: Announcement, watch: UpdateWatch, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("A later version"))
        self.resize(GRID * 80, GRID * 60)
        self._url = found.url
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(label(f"Maskwright {found.version}", "title"))
        layout.addWidget(label(tr("You have {version}.", version=watch.version), "muted"))
        if not found.supports(watch.version):
            layout.addWidget(
                label(
                    tr(
                        "Versions before {minimum} are no longer supported: please update.",
                        minimum=found.minimum,
                    ),
                    "warning",
                    wrap=True,
                )
            )
        self.text = notes_view(found.notes)
        self.text.setVisible(bool(found.notes))
        layout.addWidget(self.text, 1)
        if found.sha256 is not None:
            digest = label(tr("SHA-256 of the file: {digest}", digest=found.sha256), wrap=True)
            digest.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            layout.addWidget(digest)
        self.automatic = QCheckBox(tr("Look for later versions once a day"))
        self.automatic.setChecked(watch.is_automatic())
        self.automatic.toggled.connect(watch.set_automatic)
        layout.addWidget(self.automatic)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.open_button = button(
            tr("Open in the browser"), "primary", icon="external", tooltip=found.url
        )
        self.open_button.clicked.connect(self._on_open)
        buttons.addButton(self.open_button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)

    @Slot()
    def _on_open(self) -> None:
        QDesktopServices.openUrl(QUrl(self._url))


def notes_view(markdown: str) -> QTextBrowser:
    """Return a view of notes; links lead into the browser, those to files are plain words."""
    made = QTextBrowser()
    made.setOpenExternalLinks(True)
    made.document().setDocumentMargin(GRID * 2)
    made.document().setIndentWidth(GRID * 3)
    made.setMarkdown(_LINK.sub(r"\1", markdown))
    made.setAccessibleName(tr("What is new"))
    return made
