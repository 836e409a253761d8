"""Shows who changed what in the project, and when; saves it as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr, translated, trn
from app.services.background import BackgroundTasks
from app.widgets.dialogs import error_text
from app.widgets.layout import button, label, row
from app.widgets.row_table import Column, RowModel, RowTable
from core.project.audit_trail import AuditTrail, Change, write_table

_MOST_SHOWN = 5000


class AuditDialog(QDialog):
    """Newest first; deletes itself when closed.

    Attributes:
        search: a line is shown where it, or who it was, holds this text.
    """

    def __init__(self, trail: AuditTrail, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Audit trail"))
        self.resize(GRID * 100, GRID * 66)
        self._folder = folder
        self._changes: list[Change] = []
        self._texts: list[str] = []
        self._tasks = BackgroundTasks(self)
        self._shown: list[int] = []
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search the changes"))
        self.search.setAccessibleName(tr("Search the changes"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._show)
        self.count = label("", "muted")
        self.problem = label("", "danger", wrap=True)
        self.problem.hide()
        self.model = _Model(self)
        self.table: RowTable[_Line] = RowTable(self.model, stretched=2, least=GRID * 6)
        self.table.setAccessibleName(tr("Changes of this project"))
        self.save_button = button(
            tr("Save as a table (CSV)…"), icon="export", tooltip=tr("All lines that are shown")
        )
        self.save_button.clicked.connect(self._on_save)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.save_button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addLayout(row(self.search, self.count))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.problem)
        layout.addWidget(buttons)
        self._show()
        self._tasks.start(  # years of changes take a moment to read
            lambda _progress: _read(trail), on_done=self._on_read, on_failed=self._on_failed
        )

    def done(self, result: int) -> None:
        """Stop reading, then close."""
        self._tasks.shut_down()
        super().done(result)

    def _on_read(self, found: tuple[list[Change], list[str]]) -> None:
        self._changes, self._texts = found
        self._show()

    def _on_failed(self, error: Exception) -> None:
        self._tell_problem(error_text(error)[0])

    def _tell_problem(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    @Slot()
    def _show(self) -> None:
        wanted = self.search.text().strip().casefold()
        self._shown = [
            place
            for place, (change, text) in enumerate(zip(self._changes, self._texts, strict=True))
            if wanted in text.casefold() or wanted in change.user.casefold()
        ]
        lines = [_Line(self._changes[n], self._texts[n]) for n in self._shown[:_MOST_SHOWN]]
        self.model.show_items(lines)
        self.count.setText(trn("{count} change", "{count} changes", len(self._shown)))
        self.save_button.setEnabled(bool(self._shown))

    @Slot()
    def _on_save(self) -> None:
        start = str(self._folder / "audit.csv")
        file, _ = QFileDialog.getSaveFileName(self, self.windowTitle(), start, "CSV (*.csv)")
        if not file:
            return
        rows = [(self._changes[n].time, self._changes[n].user, self._texts[n]) for n in self._shown]
        try:
            write_table(Path(file), (tr("When"), tr("Who"), tr("What")), rows)
        except Exception as error:
            self._tell_problem(error_text(error)[0])
        else:
            self._tell_problem("")


def _read(trail: AuditTrail) -> tuple[list[Change], list[str]]:
    """Return the changes, newest first, and their sentences in the window's language."""
    changes = trail.changes()[::-1]
    return changes, [translated(change.what) for change in changes]


class _Line:
    def __init__(self, change: Change, text: str) -> None:
        when = QDateTime.fromSecsSinceEpoch(int(change.time))
        self.cells: Sequence[str] = (
            QLocale().toString(when, QLocale.FormatType.ShortFormat),
            change.user,
            text,
        )


class _Model(RowModel[_Line]):
    def __init__(self, parent: QWidget) -> None:
        super().__init__([Column(tr("When")), Column(tr("Who")), Column(tr("What"))], parent)

    def text(self, item: _Line, column: int) -> str:
        return item.cells[column]
