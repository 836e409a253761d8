"""Help → Check this computer: the doctor's findings, each with the way out."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import QDateTime, QEvent, QLocale, QObject, Qt, QThread, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import pixmap
from app.look.theme import GRID, Tokens, tokens
from app.look.translation import tr, translated, trn
from app.widgets.layout import button, clear_layout, column, keep_place, label, row
from app.widgets.problem_bar import ProblemBar
from app.widgets.problem_fixes import plain_problem
from core.system.doctor.check import Check, Severity
from core.system.doctor.diagnosis import examine
from core.system.files import write_text_atomic

_ICON = 20
_SIGNS: dict[Severity, str] = {"ok": "ok", "info": "--", "warning": "!", "error": "X"}


class Examination(QThread):
    """Runs the doctor; what may crash or hang does so in processes and threads of its own.

    Args:
        folder: where projects go.
        parent: owner.
    """

    found = Signal(object)
    """(Check)."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("examination")
        self._folder = folder
        self._stopped = threading.Event()

    def run(self) -> None:
        """The thread's body; see ``QThread``."""
        for check in examine(self._folder, stopped=self._stopped.is_set):
            self.found.emit(check)

    def stop(self) -> None:
        """Leave the rest out; returns when the thread has ended, which takes a moment."""
        self._stopped.set()
        self.wait()


class ComputerDialog(QDialog):
    """Fills while the doctor looks; deletes itself when closed.

    Args:
        folder: where projects go.
        parent: owner.
    """

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Check this computer"))
        self.resize(GRID * 90, GRID * 80)
        self._folder = folder
        self._examination: Examination | None = None
        self.checks: list[Check] = []
        self.summary = label("", "heading", wrap=True)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        keep_place(self.bar)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(GRID * 2)
        inner = QWidget()
        inner.setProperty("role", "scrolled")
        outer = column(self._rows, 1)
        outer.setContentsMargins(0, 0, GRID, 0)
        inner.setLayout(outer)
        self.list = QScrollArea()
        self.list.setWidgetResizable(True)
        self.list.setFrameShape(QScrollArea.Shape.NoFrame)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(self.summary)
        layout.addWidget(self.bar)
        layout.addWidget(self.list, 1)
        self.problem = ProblemBar()
        layout.addWidget(self.problem)
        layout.addWidget(self._make_buttons())
        self.start()

    @Slot()
    def start(self) -> None:
        """Look, from the beginning."""
        self.checks.clear()
        clear_layout(self._rows)
        self.summary.setText(tr("Looking at this computer …"))
        self.bar.show()
        self.again_button.setEnabled(False)
        self._examination = Examination(self._folder, self)
        self._examination.found.connect(self._on_found)
        self._examination.finished.connect(self._on_finished)
        self._examination.start()

    def done(self, result: int) -> None:
        """End what runs, then close."""
        if self._examination is not None:
            self._examination.finished.disconnect(self._on_finished)
            self._examination.stop()
            self._examination = None
        super().done(result)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Draw the marks in the current theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            for shown in self.findChildren(_Finding):
                shown.renew_colors()

    def as_text(self) -> str:
        """Return the findings as the copied and the saved text has them."""
        now = QLocale().toString(QDateTime.currentDateTime(), QLocale.FormatType.ShortFormat)
        lines = [f"Maskwright · {now}", ""]
        for check in self.checks:
            title, detail = translated(check.title), translated(check.detail)
            lines.append(f"{_SIGNS[check.severity]:<3}{title}: {detail}")
            lines += [f"      {translated(step)}" for step in check.fix]
        return "\n".join(lines) + "\n"

    def _make_buttons(self) -> QDialogButtonBox:
        role = QDialogButtonBox.ButtonRole.ActionRole
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy_button = button(tr("Copy as text"))
        self.copy_button.clicked.connect(self._on_copy)
        self.save_button = button(tr("Save as a file…"))
        self.save_button.clicked.connect(self._on_save)
        self.again_button = button(tr("Check again"), icon="refresh")
        self.again_button.clicked.connect(self.start)
        for one in (self.copy_button, self.save_button, self.again_button):
            buttons.addButton(one, role)
        buttons.rejected.connect(self.close)
        return buttons

    @Slot(object)
    def _on_found(self, check: Check) -> None:
        self.checks.append(check)
        self._rows.addWidget(_Finding(check))
        self.copy_button.setText(tr("Copy as text"))

    @Slot()
    def _on_finished(self) -> None:
        if self._examination is not None:
            self._examination.deleteLater()
            self._examination = None
        self.bar.hide()
        self.again_button.setEnabled(True)
        self.summary.setText(_summary(self.checks))

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.as_text())
        self.copy_button.setText(tr("Copied"))

    @Slot()
    def _on_save(self) -> None:
        file, _ = QFileDialog.getSaveFileName(
            self,
            tr("Save the findings"),
            str(self._folder / "maskwright-computer.txt"),
            tr("Text (*.txt)"),
        )
        if not file:
            return
        try:
            write_text_atomic(file, self.as_text())
        except OSError as error:
            self.problem.show_problem(plain_problem(error))


class _Finding(QWidget):
    def __init__(self, check: Check) -> None:
        super().__init__()
        self._severity = check.severity
        self.icon = QLabel()
        self.icon.setFixedWidth(_ICON)
        self.icon.setAlignment(Qt.AlignmentFlag.AlignTop)
        texts = column(
            label(translated(check.title), "heading"),
            _selectable(translated(check.detail)),
            *(_selectable(f"→ {translated(step)}") for step in check.fix),
            spacing=2,
        )
        both = row(self.icon, spacing=GRID * 2)
        both.addLayout(texts, 1)
        self.setLayout(both)
        self.renew_colors()

    def renew_colors(self) -> None:
        """Draw the mark in the current theme."""
        name, color, words = _mark(self._severity, tokens())
        ratio = self.devicePixelRatio()
        self.icon.setPixmap(pixmap(name, _ICON, color=color, ratio=ratio))
        self.icon.setAccessibleName(words)
        self.icon.setToolTip(words)


def _selectable(text: str) -> QLabel:
    made = label(text, wrap=True)
    made.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # or Tab would stop at each of thirty texts
    return made


def _mark(severity: Severity, theme: Tokens) -> tuple[str, str, str]:
    return {
        "ok": ("check", theme.success, tr("Well")),
        "info": ("info", theme.muted, tr("Good to know")),
        "warning": ("warning", theme.warning, tr("Should be looked at")),
        "error": ("error", theme.danger, tr("Must be put right")),
    }[severity]


def _summary(checks: list[Check]) -> str:
    errors = sum(check.severity == "error" for check in checks)
    warnings = sum(check.severity == "warning" for check in checks)
    sentences = []
    if errors:
        sentences.append(
            trn("{count} thing must be put right.", "{count} things must be put right.", errors)
        )
    if warnings:
        sentences.append(
            trn(
                "{count} thing should be looked at.",
                "{count} things should be looked at.",
                warnings,
            )
        )
    return " ".join(sentences) or tr("Everything needed is here.")
