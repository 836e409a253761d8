"""Help → Save a diagnostic bundle: asks where to, collects in the background, says where it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from app.look.translation import tr
from app.services import settings
from app.services.background import BackgroundTasks, Progress
from app.services.context import AppContext
from app.services.notices import Notice


class Diagnosis(QObject):
    """Collects once at a time.

    Args:
        window: parent of the file dialog.
        context: the open project and the settings.
        tell: says something in one line.
    """

    def __init__(
        self, window: QWidget, context: AppContext, tell: Callable[[Notice], None]
    ) -> None:
        super().__init__(window)
        self._window, self._context, self._tell = window, context, tell
        self._tasks = BackgroundTasks(self)
        context.diagnosis_requested.connect(self.ask)

    @property
    def busy(self) -> bool:
        """Whether something is being collected."""
        return self._tasks.busy

    @Slot()
    def ask(self) -> None:
        """Ask where the bundle goes, and write it."""
        name = f"maskwright-{time.strftime('%Y%m%d-%H%M')}.zip"
        file, _ = QFileDialog.getSaveFileName(
            self._window,
            tr("Save a diagnostic bundle"),
            str(self._context.projects_dir() / name),
            tr("Zip files (*.zip)"),
        )
        if file:
            self._write(Path(file))

    def shut_down(self) -> None:
        """Wait for what runs; nothing is written then."""
        self._tasks.shut_down()

    def _write(self, target: Path) -> None:
        project = self._context.project
        store = self._context.store
        store.save()

        def work(progress: Progress) -> None:
            # The doctor brings what is slow to import, and the window starts without it.
            from core.report.diagnostic_bundle import Sources, write_bundle
            from core.system.doctor.diagnosis import examine

            def stopped() -> bool:
                return progress.cancelled

            checks = list(examine(target.parent, stopped=stopped))
            progress.check()
            sources = Sources(settings.log_dir(), store.path, project)
            write_bundle(target, sources, checks, stopped=stopped)

        self._tell(Notice(tr("Looking at this computer and collecting logs …"), passing=False))
        self._tasks.start(
            work,
            on_done=lambda _result: self._on_written(target),
            on_failed=self._on_failed,
            key="bundle",
        )

    def _on_written(self, target: Path) -> None:
        def show() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(target.parent)))

        self._tell(
            Notice(
                tr(
                    "{file} holds logs, settings and versions, no images. Look through it before "
                    "you send it.",
                    file=target.name,
                ),
                tr("Show the folder"),
                show,
                passing=False,
            )
        )

    def _on_failed(self, error: Exception) -> None:
        self._tell(Notice(""))
        self._context.error_occurred.emit(error)
