"""What could not be carried over: a list to read, and to copy as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QListWidget, QWidget

from app.look.translation import tr, translated, trn
from app.widgets.layout import button, column, label, row
from core.system.messages import Message

_MOST_ROWS = 500
"""Laying out more takes seconds; copying gives all of them."""


class ProblemList(QWidget):
    """A heading with the number of problems, one row for each, and a button that copies all.

    Hidden where there is nothing to show.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._problems: Sequence[Message] = ()
        self.heading = label("", "warning")
        self.copy_button = button(tr("Copy the list"))
        self.copy_button.clicked.connect(self._on_copy)
        self.rows = QListWidget()
        self.rows.setWordWrap(True)
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.setAccessibleName(tr("Problems"))
        layout = column(row(self.heading, 1, self.copy_button), self.rows)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setLayout(layout)
        self.hide()

    def show_problems(self, problems: Sequence[Message]) -> None:
        """Show these, each as one row."""
        self._problems = problems
        self.setVisible(bool(problems))
        self.heading.setText(
            trn(
                "{count} thing cannot be taken over",
                "{count} things cannot be taken over",
                len(problems),
            )
        )
        self.rows.clear()
        self.rows.addItems([translated(problem) for problem in problems[:_MOST_ROWS]])
        more = len(problems) - _MOST_ROWS
        if more > 0:
            self.rows.addItem(tr("… and {count} more; copying gives all", count=f"{more:,}"))

    @Slot()
    def _on_copy(self) -> None:
        text = "\n".join(translated(problem) for problem in self._problems)
        QGuiApplication.clipboard().setText(text + "\n")
