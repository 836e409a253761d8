"""Export: all labelled images of a project in the format of another tool."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr, translated, trn
from app.panels.data.problem_list import ProblemList
from app.services.background import BackgroundTasks, Progress
from app.services.context import AppContext
from app.widgets.layout import button, column, label, row
from app.widgets.problem_bar import ProblemBar
from app.widgets.problem_fixes import describe
from core.data.formats import ImportedImage, ImportResult, registry
from core.project import Project
from core.project.mask_store import LabelMap
from core.system.messages import Message

_SIZE = (GRID * 72, GRID * 48)
_BAR_STEPS = 1000


class ExportDialog(QDialog):
    """Writing runs in the background; closing the dialog cancels it and leaves nothing behind."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        if context.project is None:
            raise RuntimeError("no project is open")
        self._context = context
        self._project: Project = context.project
        self._tasks = BackgroundTasks(self)
        self.setWindowTitle(tr("Export labels"))
        self.resize(*_SIZE)
        self.format_box = QComboBox()
        self.folder_edit = QLineEdit()
        self._browse = button(tr("Browse…"))
        self.summary = label(
            tr("Labelled images are copied with their masks; the project stays as it is."),
            "muted",
            wrap=True,
        )
        self.report = ProblemList()
        self.report.heading.hide()  # the summary says it
        self.bar = QProgressBar()
        self.export_button = button(tr("Export"), "primary")
        self.problem = ProblemBar()
        self.buttons = QDialogButtonBox()
        self.buttons.addButton(self.export_button, QDialogButtonBox.ButtonRole.ActionRole)
        self._cancel_button = self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self._fill_choices()
        self._fill_buttons()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addLayout(
            column(
                label(tr("Format"), "heading"),
                self.format_box,
                label(tr("Folder"), "heading"),
                row(self.folder_edit, self._browse),
            )
        )
        layout.addWidget(self.summary)
        layout.addWidget(self.report, 1)
        layout.addStretch(0)
        layout.addWidget(self.problem)
        layout.addWidget(self.bar)
        layout.addWidget(self.buttons)

    def done(self, result: int) -> None:
        """Cancel what runs, then close."""
        self._tasks.shut_down()
        super().done(result)

    def _fill_choices(self) -> None:
        self.format_box.setAccessibleName(tr("Format"))
        for known in registry.WRITABLE:
            self.format_box.addItem(translated(known.title), known.key)
        self.folder_edit.setAccessibleName(tr("Folder"))
        self.folder_edit.setPlaceholderText(tr("New or empty folder"))
        self.folder_edit.textChanged.connect(self._on_folder_changed)
        self._browse.clicked.connect(self._on_browse)

    def _fill_buttons(self) -> None:
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _BAR_STEPS)
        self.bar.setAccessibleName(tr("Progress"))
        self.bar.hide()
        self.export_button.setEnabled(False)
        self.export_button.clicked.connect(self._on_export)
        self.buttons.rejected.connect(self.reject)

    @Slot()
    def _on_export(self) -> None:
        folder = Path(self.folder_edit.text().strip()).expanduser()
        key = self.format_box.currentData()
        project = self._project
        self._set_busy(True)

        def run(progress: Progress) -> list[Message]:
            written = registry.write(
                key, _with_progress(project.labelled_dataset(), progress), folder
            )
            return written.messages

        self._tasks.start(
            run,
            on_done=self._on_exported,
            on_failed=self._on_failed,
            on_progress=self._show_progress,
            key="export",
        )

    def _on_exported(self, problems: list[Message]) -> None:
        if not problems:
            self.accept()
            return
        self._set_busy(False)
        self.summary.setText(
            trn(
                "Exported; {count} thing could not be carried over:",
                "Exported; {count} things could not be carried over:",
                len(problems),
            )
        )
        self.report.show_problems(problems)
        self.export_button.hide()
        for widget in (self.format_box, self.folder_edit, self._browse):
            widget.setEnabled(False)
        self._cancel_button.setText(tr("Close"))

    def _on_failed(self, error: Exception) -> None:
        self._set_busy(False)
        self.problem.show_problem(describe(error, self._context, self))

    def _set_busy(self, busy: bool) -> None:
        for widget in (self.format_box, self.folder_edit, self._browse, self.export_button):
            widget.setEnabled(not busy)
        self.bar.setVisible(busy)
        self.bar.setValue(0)

    def _show_progress(self, fraction: float, _text: Message | None) -> None:
        self.bar.setValue(round(fraction * _BAR_STEPS))

    @Slot(str)
    def _on_folder_changed(self, text: str) -> None:
        self.export_button.setEnabled(bool(text.strip()))

    @Slot()
    def _on_browse(self) -> None:
        start = self.folder_edit.text() or str(self._context.projects_dir())
        folder = QFileDialog.getExistingDirectory(self, tr("New or empty folder"), start)
        if folder:
            self.folder_edit.setText(folder)


def _with_progress(result: ImportResult, progress: Progress) -> ImportResult:
    """Return the same images, telling how far a writer is by the masks that it asks for."""
    total = max(len(result.items), 1)

    def watched(number: int, item: ImportedImage) -> ImportedImage:
        read_mask = item.mask
        if read_mask is None:
            return item

        def mask() -> LabelMap:
            progress.report(number / total)
            return read_mask()

        return replace(item, mask=mask)

    return replace(
        result, items=[watched(number, item) for number, item in enumerate(result.items)]
    )
