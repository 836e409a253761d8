"""Starts what follows a finished job without being asked: see ``core.project.follow_ups``."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject

from app.services.background import BackgroundTasks, Progress
from core.project import Project, RunRow
from core.project.follow_ups import follow_up
from core.project.run_start import prepare_run

_log = logging.getLogger(__name__)


class FollowUps(QObject):
    """Prepares them in the background; meanwhile no other job begins, so that they are the next.

    Nobody asked for these jobs: one that cannot be prepared costs a line in the log, no dialog.

    Args:
        tasks: where they are prepared.
        start: hands a prepared run to the jobs.
        hold: keeps the queue of jobs from going on, and lets it.
        parent: owner.
    """

    def __init__(
        self,
        tasks: BackgroundTasks,
        *,
        start: Callable[[RunRow], None],
        hold: Callable[[bool], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._tasks, self._start, self._hold = tasks, start, hold
        self._started: set[str] = set()

    def __contains__(self, run_id: str) -> bool:
        """Whether nobody asked for this run."""
        return run_id in self._started

    def forget(self) -> None:
        """Another project is opened: its runs have the same numbers."""
        self._started.clear()

    def run_ended(self, project: Project, run_id: int) -> None:
        """Start what follows a run, if anything does."""
        if project.read_only:
            return
        self._hold(True)

        def prepare(progress: Progress) -> RunRow | None:
            found = follow_up(project, project.run(run_id), progress.check)
            if found is None:
                return None
            return prepare_run(project, found.fields, revision=found.revision)

        self._tasks.start(prepare, on_done=self._on_prepared, on_failed=self._on_failed)

    def _on_prepared(self, run: RunRow | None) -> None:
        if run is not None:
            self._started.add(str(run.id))
            self._start(run)
        self._hold(False)

    def _on_failed(self, error: Exception) -> None:
        _log.warning("nothing follows the job: %s", error)
        self._hold(False)
