"""Follows one run's folder: everything that it told, then what is appended."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.services.background import BackgroundTasks
from app.services.run_reader import RunReader, open_run
from app.services.timers import single_shot
from core.project.rows import RunRow

_READ_MS = 100


class RunFollower(QObject):
    """Reads at most ten times a second; the first look happens in the background.

    Attributes:
        reader: what is known of the run, None until it was opened.
        run_id: the run followed, None: none.
    """

    opened = Signal()
    """``reader`` is another run's."""
    changed = Signal()
    """``reader.history`` has grown."""
    failed = Signal(object)
    """(Exception): the folder cannot be read."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self)
        self._folder: Path | None = None
        self.reader: RunReader | None = None
        self.run_id: str | None = None
        self._timer = single_shot(self, _READ_MS, self._on_read_due)

    def follow(self, run: RunRow | None) -> None:
        """Read this run from now on; None: none. The one followed already goes on."""
        folder = None if run is None else run.folder
        if folder == self._folder:
            return
        self._tasks.cancel_all()
        self._timer.stop()
        self._folder, self.reader = folder, None
        self.run_id = None if run is None else str(run.id)
        if folder is None:
            self.opened.emit()
            return
        self._tasks.start(
            lambda progress: open_run(folder, progress),
            on_done=self._on_opened,
            on_failed=self.failed.emit,
            key="open",
        )

    def notify(self) -> None:
        """The run told something; it will be read soon."""
        if not self._timer.isActive():
            self._timer.start()

    @property
    def folder(self) -> Path | None:
        """The run followed."""
        return self._folder

    @property
    def busy(self) -> bool:
        """Whether something is still to be read."""
        return self._tasks.busy or self._timer.isActive()

    def shut_down(self) -> None:
        """Wait for what reads in the background."""
        self._timer.stop()
        self._tasks.shut_down()

    def _on_opened(self, reader: RunReader) -> None:
        self.reader = reader
        self.opened.emit()
        self._on_read_due()

    @Slot()
    def _on_read_due(self) -> None:
        if self.reader is not None and self.reader.read_new():
            self.changed.emit()
