"""Saves the report of an evaluation as a web page or a PDF, off the UI thread."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu, QToolButton, QWidget

from app.look.theme import GRID
from app.look.translation import tr, translated
from app.services.background import BackgroundTasks, Progress
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import button, row
from core.models.model_folder import read_model_info
from core.prediction.inspection import Evaluation

_SUFFIXES = (".html", ".pdf")


class ReportExport(QObject):
    """A button with a menu, and a line that says where the report is.

    Attributes:
        button: opens the menu.
        line: hidden until a report was saved.
    """

    failed = Signal(object)
    """(Exception)."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._tasks = BackgroundTasks(self)
        self._model_dir: Path | None = None
        self._start = Path.home()
        self._evaluation: Evaluation | None = None
        self._saved: Path | None = None
        self.button = QToolButton()
        self.button.setText(tr("Report"))
        self.button.setToolTip(tr("Save verdict, figures and the worst images to hand on"))
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.button)
        self.actions = {
            suffix: menu.addAction(text, partial(self._on_asked, suffix))
            for suffix, text in zip(_SUFFIXES, (tr("Web page (HTML)…"), tr("PDF…")), strict=True)
        }
        self.button.setMenu(menu)
        self._text = ElidedLabel("", "muted")
        self._open = button(tr("Open"), "link")
        self._open.clicked.connect(self._on_open)
        self.line = QWidget()
        self.line.setLayout(row(self._text, self._open, 1, spacing=GRID // 2))
        self.line.hide()

    def set_evaluation(
        self, model_dir: Path | None, evaluation: Evaluation | None, *, start: Path
    ) -> None:
        """Report on this from now on.

        Args:
            model_dir: of the model that was measured.
            evaluation: what is shown, by other thresholds perhaps.
            start: folder that the dialog opens with.
        """
        if model_dir != self._model_dir:
            self.line.hide()
        self._model_dir, self._evaluation, self._start = model_dir, evaluation, start

    @property
    def busy(self) -> bool:
        """Whether a report is being written."""
        return self._tasks.busy

    def write(self, target: Path) -> None:
        """Write a report as what its suffix says: ``.html`` or ``.pdf``."""
        model_dir, evaluation = self._model_dir, self._evaluation
        if model_dir is None or evaluation is None:
            return

        def write(progress: Progress) -> Path:
            # Templates are slow to load, and seldom needed.
            from app.panels.inspect.report_pdf import write_pdf
            from core.report import collect_report, write_report

            data = collect_report(evaluation, read_model_info(model_dir), model_dir=model_dir)
            progress.check()
            if target.suffix.lower() == ".pdf":
                write_pdf(target, data)
            else:
                write_report(target, data, translate=translated)
            return target

        self._text.setText(tr("Writing the report …"))
        self._open.hide()
        self.line.show()
        self._tasks.start(write, on_done=self._on_written, on_failed=self._on_failed, key="report")

    def shut_down(self) -> None:
        """Wait for the thread."""
        self._tasks.shut_down()

    @Slot()
    def _on_asked(self, suffix: str) -> None:
        name = tr("Report") + suffix
        kind = "HTML (*.html)" if suffix == ".html" else "PDF (*.pdf)"
        chosen, _ = QFileDialog.getSaveFileName(
            self._owner, tr("Save the report"), str(self._start / name), kind
        )
        if chosen:
            path = Path(chosen)
            self.write(path if path.suffix.lower() == suffix else Path(f"{chosen}{suffix}"))

    def _on_written(self, target: Path) -> None:
        self._saved = target
        self._text.setText(tr("The report is in {file}", file=target))
        self._open.show()

    def _on_failed(self, error: Exception) -> None:
        self.line.hide()
        self.failed.emit(error)

    @Slot()
    def _on_open(self) -> None:
        if self._saved is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._saved)))
