"""The jobs that wait: their order, and those that an earlier window left in it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.services.workers import JobController, note_cancelled
from core.project import Project, RunRow
from core.runs.run_folder import RunFolder


class JobQueue(QObject):
    """Keeps the order in the project, so that the next window knows it.

    Args:
        project: returns the open project.
        jobs: where the jobs of this window wait.
        start: hands a run to them.
        parent: owner.
    """

    changed = Signal()
    """The order changed."""
    run_state_changed = Signal(str, str)
    """(run_id, state): one that was left is called off."""

    def __init__(
        self,
        project: Callable[[], Project | None],
        jobs: JobController,
        *,
        start: Callable[[RunRow], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs, self._start = project, jobs, start

    def left(self) -> list[RunRow]:
        """Runs that were queued before this window was opened, and have not begun, in their order.

        They wait for nobody's turn until they are started.
        """
        project = self._project()
        if project is None:
            return []
        known = {*self._jobs.queued, *self._jobs.running, *self._jobs.watched}
        return [
            run
            for run in project.queue()
            if str(run.id) not in known and RunFolder(run.folder).spec_path.exists()
        ]

    def start_left(self) -> None:
        """Queue again what an earlier window left."""
        for run in self.left():
            self._start(run)

    def cancel_left(self, run_id: str) -> None:
        """Call off a run that an earlier window left; nothing happens to others."""
        for run in self.left():
            if str(run.id) == run_id:
                note_cancelled(run.folder)
                self.run_state_changed.emit(run_id, "cancelled")

    def move(self, run_id: str, places: int) -> None:
        """Let a waiting job begin so many places later (negative: earlier)."""
        self._jobs.move(run_id, places)
        self.remember()
        self.changed.emit()

    def remember(self) -> None:
        """Keep the order of what waits, what an earlier window left behind it."""
        project = self._project()
        if project is not None and not project.read_only:
            left = [run.id for run in self.left()]
            project.set_queue([*map(int, self._jobs.queued), *left])
