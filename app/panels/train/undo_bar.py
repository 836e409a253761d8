"""Says that something was deleted, and takes it back."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QWidget

from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr, trn
from app.widgets.layout import button, column, label, row
from core.project.rows import RunRow


class UndoBar(QFrame):
    """Hidden until something was deleted; stays until it is taken back or closed."""

    undo_requested = Signal(object)
    """(list of RunRow)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._runs: list[RunRow] = []
        self.text = label("", wrap=True)
        self.undo_button = button(tr("Undo"), "link", tooltip=tr("Bring it back (Ctrl+Z)"))
        self.undo_button.setShortcut(QKeySequence("Ctrl+Z"))
        self.undo_button.clicked.connect(self._on_undo)
        self.close_button = button("", "link", tooltip=tr("Close this message"))
        set_icon(self.close_button, "close")
        self.close_button.setAccessibleName(tr("Close this message"))
        self.close_button.clicked.connect(self.forget)
        layout = column(self.text, row(self.undo_button, 1, self.close_button), spacing=0)
        layout.setContentsMargins(GRID, GRID // 2, GRID // 2, 0)
        self.setLayout(layout)
        self.hide()

    def show_deleted(self, runs: list[RunRow]) -> None:
        """Offer to bring these back."""
        self._runs = runs
        named = [run for run in runs if run.number is not None] or runs
        self.text.setText(
            tr("{name} was deleted.", name=named[0].name)
            if len(named) == 1
            else trn("{count} run was deleted.", "{count} runs were deleted.", len(named))
        )
        self.show()

    def forget(self) -> None:
        """Offer nothing any more."""
        self._runs = []
        self.hide()

    def _on_undo(self) -> None:
        runs = self._runs
        self.forget()
        self.undo_requested.emit(runs)
