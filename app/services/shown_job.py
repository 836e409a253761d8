"""Which job the window shows at its lower edge, and what it says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.look.translation import translated
from app.services.job_queue import JobQueue
from app.services.workers import JobController
from core.project import RunRow
from core.project.run_verdicts import RunVerdicts
from core.runs import events
from core.runs.kind_lookup import find_kind
from core.runs.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class JobView:
    """What the job strip shows; ``state`` is ``left`` where it was queued in an earlier window."""

    run_id: str
    name: str
    state: str
    progress: events.Progress | None
    has_started: bool
    miou: float | None = None
    is_useless: bool = False


class ShownJob:
    """Chooses among the project's jobs.

    Args:
        runs: returns the project's runs, newest first.
        find_run: returns the run of an id; None where there is none.
        jobs: what is at work or waits.
        queue: what an earlier window left.
        verdicts: what was said of the project's models.

    Attributes:
        last: id of the run that was asked for or at work last; None for none in this project.
    """

    def __init__(
        self,
        *,
        runs: Callable[[], Iterable[RunRow]],
        find_run: Callable[[str], RunRow | None],
        jobs: JobController,
        queue: JobQueue,
        verdicts: RunVerdicts,
    ) -> None:
        self._runs, self._find_run = runs, find_run
        self._jobs, self._queue, self._verdicts = jobs, queue, verdicts
        self.last: str | None = None

    def view(self) -> JobView | None:
        """The job at work, else the one that was last, else one that can be resumed."""
        for run_id in [*self._jobs.running, *self._jobs.watched, *self._jobs.queued]:
            return self._view_of(run_id)
        if self.last is not None:
            return self._view_of(self.last)
        begun = (run for run in self._runs() if _is_resumable(run) and run.state != "queued")
        newest = next(begun, None)
        if newest is not None and newest.state == "interrupted":
            return self._view_of(str(newest.id))
        left = self._queue.left()
        return self._view_of(str(left[0].id)) if left else None

    def _view_of(self, run_id: str) -> JobView | None:
        row = self._find_run(run_id)
        if row is None:
            return None
        state: str = row.state
        if run_id in self._jobs.queued:
            state = "queued"
        elif state == "queued" and run_id not in self._jobs.running:
            state = "left"
        folder = RunFolder(row.folder)
        verdict = self._verdicts.of(row)
        return JobView(
            run_id,
            job_name(row),
            state,
            folder.progress,
            folder.started is not None,
            row.best_miou,
            verdict is not None and verdict.is_warning,
        )


def job_name(run: RunRow) -> str:
    """What a run is called, and what it does unless it trains a network."""
    kind = find_kind(run.kind)
    if kind is None or kind.title is None:
        return run.name
    return translated(kind.title(run.name))


def _is_resumable(run: RunRow) -> bool:
    kind = find_kind(run.kind)
    return kind is not None and kind.resumable
