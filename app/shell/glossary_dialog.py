"""All words of the glossary, beside the work."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.look.glossary import TERMS, Term
from app.look.theme import GRID
from app.look.translation import tr, translated

_SIZE = (GRID * 68, GRID * 72)


class GlossaryDialog(QDialog):
    """Stays open beside the work; deletes itself when closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Words and numbers"))
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search words"))
        self.search.setAccessibleName(tr("Search words"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_searched)
        self.page = QTextBrowser()
        self.page.setAccessibleName(tr("Words and numbers"))
        self.page.document().setDocumentMargin(GRID * 2)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        for widget in (self.search, self.page, buttons):
            layout.addWidget(widget)
        self.resize(*_SIZE)
        self._on_searched("")

    def show_term(self, key: str) -> None:
        """Scroll to an entry; "" leaves the page where it is."""
        if key:
            self.search.clear()
            self.page.scrollToAnchor(key)

    @Slot(str)
    def _on_searched(self, text: str) -> None:
        wanted = text.strip().casefold()
        shown = [one for one in TERMS if wanted in _plain(one).casefold()]
        shown.sort(key=lambda one: translated(one.name).casefold())
        self.page.setHtml("".join(_entry(one) for one in shown) or escape(tr("No such word.")))


def _plain(term: Term) -> str:
    return " ".join((translated(term.name), translated(term.text), *term.words))


def _entry(term: Term) -> str:
    name, text = escape(translated(term.name)), escape(translated(term.text))
    return f'<p><a name="{term.key}"></a><b>{name}</b><br>{text}</p>'
