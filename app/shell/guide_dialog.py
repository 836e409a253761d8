"""The guide, page by page, beside the work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from PySide6.QtCore import QUrl, Slot
from PySide6.QtGui import QDesktopServices, QImage, QTextCursor, QTextDocument
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import current_language, tr
from app.widgets.layout import button, row

GUIDE_DIR = Path(__file__).resolve().parents[2] / "docs" / "guide"
START = "README.md"
_SIZE = (GRID * 92, GRID * 84)
_IMAGE = int(QTextDocument.ResourceType.ImageResource.value)
_NO_SLUG = re.compile(r"[^\w\- ]")


class GuidePage(QTextBrowser):
    """One page of Markdown; its links lead to other pages, to headings, and out of the program."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setAccessibleName(tr("Guide"))
        self.document().setDocumentMargin(GRID * 3)
        self.anchorClicked.connect(self._on_link)

    def show_page(self, name: str, heading: str = "") -> None:
        """Show a page of the guide, in the window's language where there is one.

        Args:
            name: of the file.
            heading: the heading to scroll to, as links name it.
        """
        own = GUIDE_DIR / f"{Path(name).stem}.{current_language()}.md"
        file = own if own.is_file() else GUIDE_DIR / name
        self.setSource(QUrl.fromLocalFile(str(file)), QTextDocument.ResourceType.MarkdownResource)
        if heading:
            self._scroll_to(heading)

    def loadResource(self, kind: int, name: QUrl | str) -> Any:  # noqa: N802
        """Pictures no wider than the page."""
        found = super().loadResource(kind, name)
        if kind != _IMAGE:
            return found
        image = QImage(self.source().resolved(QUrl(name)).toLocalFile())
        room = _SIZE[0] - GRID * 12
        return image if image.width() <= room else image.scaledToWidth(room)

    @Slot(QUrl)
    def _on_link(self, link: QUrl) -> None:
        if link.scheme() in ("http", "https"):
            QDesktopServices.openUrl(link)
            return
        file = Path(self.source().resolved(link).toLocalFile())
        if not link.path():
            self._scroll_to(link.fragment())
        elif file.parent == GUIDE_DIR and file.is_file():
            self.show_page(file.name, link.fragment())

    def _scroll_to(self, heading: str) -> None:
        block = self.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel() and slug(block.text()) == heading:
                self.setTextCursor(QTextCursor(block))
                bar = self.verticalScrollBar()
                bar.setValue(bar.value() + self.cursorRect().top())
                return
            block = block.next()


class GuideDialog(QDialog):
    """Stays open beside the work; deletes itself when closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Guide"))
        self.page = GuidePage()
        back = button(tr("Back"), icon="back")
        back.setEnabled(False)
        back.clicked.connect(self.page.backward)
        self.page.backwardAvailable.connect(back.setEnabled)
        contents = button(tr("Contents"), icon="log")
        contents.clicked.connect(lambda: self.page.show_page(START))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addLayout(row(back, contents, 1))
        layout.addWidget(self.page, 1)
        layout.addWidget(buttons)
        self.resize(*_SIZE)


def slug(heading: str) -> str:
    """Return how links name a heading."""
    return _NO_SLUG.sub("", heading.strip().lower()).replace(" ", "-")
