"""What to do with the files on the computer of the line: three steps with commands to copy."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QComboBox, QFrame, QLineEdit, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import button, clear_layout, label, row

_PROGRAM = "maskwright"


class System(StrEnum):
    """What the computer of the line runs."""

    WINDOWS = "windows"
    LINUX = "linux"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        sentence: what.
        commands: by which commands, none where it is done by hand.
    """

    sentence: str
    commands: tuple[str, ...] = ()


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
    """Numbered sentences with their commands, for the system that is chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.lines: list[CommandLine] = []
        self._by_system: Mapping[System, Sequence[Step]] = {}
        self.title = label(tr("What to do now"), "heading")
        self.system_box = QComboBox()
        self.system_box.setAccessibleName(tr("System of the line PC"))
        self.system_box.setToolTip(tr("What the line PC runs"))
        self.system_box.addItem(tr("Windows"), System.WINDOWS)
        self.system_box.addItem(tr("Linux"), System.LINUX)
        self.system_box.setCurrentIndex(0 if sys.platform == "win32" else 1)
        self._steps = QVBoxLayout()
        self._steps.setSpacing(GRID // 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addLayout(row(self.title, 1, self.system_box))
        layout.addLayout(self._steps)
        self.system_box.currentIndexChanged.connect(self._refresh)
        self.hide()

    def show_steps(self, steps: Mapping[System, Sequence[Step]]) -> None:
        """Show what is to be done on each system; none: nothing."""
        if steps == self._by_system:
            return  # what was copied is still said
        self._by_system = dict(steps)
        self.system_box.setVisible(len({tuple(one) for one in steps.values()}) > 1)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        clear_layout(self._steps)
        self.lines = []
        steps = self._by_system.get(self.system_box.currentData(), ())
        for number, step in enumerate(steps, start=1):
            self._steps.addWidget(label(f"{number}. {step.sentence}", wrap=True))
            for command in step.commands:
                line = CommandLine(command)
                self.lines.append(line)
                self._steps.addWidget(line)
        self.setVisible(bool(steps))


def bundle_steps(bundle: Path) -> dict[System, tuple[Step, ...]]:
    """Return what to do with a bundle on the line PC."""
    where = (
        tr("Copy {path} to the line PC and unpack it.", path=bundle)
        if bundle.suffix == ".zip"
        else tr("Copy the folder {path} to the line PC.", path=bundle)
    )
    made: dict[System, tuple[Step, ...]] = {}
    for system, python in (
        (System.WINDOWS, r"venv\Scripts\python"),
        (System.LINUX, "venv/bin/python"),
    ):
        made[system] = (
            Step(
                f"{where} {tr('In that folder, install the three packages that it needs:')}",
                (
                    "python -m venv venv",
                    f"{python} -m pip install --require-hashes -r requirements.txt",
                ),
            ),
            Step(
                tr("Have it tested there: the sample images must come out the same."),
                (f"{python} predict.py selftest",),
            ),
            Step(
                tr("Judge images; masks, pictures and tables are in the folder results:"),
                (f"{python} predict.py images --out results",),
            ),
        )
    return made


def export_steps(export: Path) -> dict[System, tuple[Step, ...]]:
    """Return what to do with an export on a computer that has this program."""
    folder = f'"{export}"'
    steps = (
        Step(
            tr("Judge a folder of images; masks, pictures and tables are in the folder results:"),
            (f"{_PROGRAM} predict --model-dir {folder} --judge --out results images",),
        ),
        Step(
            tr("Or watch a folder into which a camera writes:"),
            (f"{_PROGRAM} watch --export {folder} --folder images --out results",),
        ),
        Step(
            tr("For a computer without this program, make a bundle at the right."),
        ),
    )
    return dict.fromkeys(System, steps)
