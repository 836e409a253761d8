"""What to do with the files on the computer of the line: three steps with commands to copy."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import button, clear_layout, label, row


class CommandLine(QWidget):
    """A command that can be copied."""

    def __init__(self, command: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.edit = QLineEdit(command)
        self.edit.setReadOnly(True)
        self.edit.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.edit.setCursorPosition(0)
        self.edit.setAccessibleName(tr("Command"))
        self.copy_button = button(tr("Copy"), tooltip=tr("Copy the command"))
        layout = row(self.edit, self.copy_button)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.copy_button.clicked.connect(self._on_copy)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.edit.text())
        self.copy_button.setText(tr("Copied"))


class NextSteps(QFrame):
    """Numbered sentences, each with a command or none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.lines: list[CommandLine] = []
        self._steps = QVBoxLayout()
        self._steps.setSpacing(GRID // 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        self.title = label(tr("What to do now"), "heading")
        layout.addWidget(self.title)
        layout.addLayout(self._steps)

    def show_steps(self, steps: Sequence[tuple[str, str]]) -> None:
        """Show (sentence, command) in order; an empty command: there is none."""
        clear_layout(self._steps)
        self.lines = []
        for number, (sentence, command) in enumerate(steps, start=1):
            self._steps.addWidget(label(f"{number}. {sentence}", wrap=True))
            if command:
                line = CommandLine(command)
                self.lines.append(line)
                self._steps.addWidget(line)
        self.setVisible(bool(steps))
