"""Which of a project's trained models is taken, wherever one is, unless another is chosen.

The one place for it: Inspect, Compress, Ship, the drafts of Label all begin with it.
"""

from __future__ import annotations

from pathlib import Path

from core.project import Project, RunRow
from core.project.run_verdicts import RunVerdicts
from core.project.runs import ALIVE

_BEST_MODEL = "best_model"


class BestModels:
    """Compares trainings by their scores where these say the same; keeps what never changes.

    Not for use from several threads at once.
    """

    def __init__(self, verdicts: RunVerdicts) -> None:
        self._verdicts = verdicts
        self._same: dict[tuple[Path, int, int], bool] = {}

    def candidates(self, project: Project) -> tuple[RunRow, ...]:
        """Return the trainings among which to choose by their scores, the best first.

        They are finished, find something, and were measured on the same labels of the same
        validation images as the newest such one: a score on other images says nothing beside it.
        Where there is none: the finished ones, else those that were stopped or interrupted, else
        those that failed, newest first.
        """
        trained = [
            run
            for run in project.runs("train")
            if run.state not in ALIVE and (run.folder / _BEST_MODEL).is_dir()
        ]
        finished = [run for run in trained if run.state == "done"]
        usable = [run for run in finished if not self._warns(run)]
        if usable:
            newest = usable[0]
            alike = [run for run in usable if self._measured_alike(project, newest, run)]
            return tuple(sorted(alike, key=_score))
        stopped = [run for run in trained if run.state in ("cancelled", "interrupted")]
        return tuple(finished or stopped or trained)

    def best(self, project: Project) -> RunRow | None:
        """Return the training whose model is taken unless another is chosen."""
        return next(iter(self.candidates(project)), None)

    def _warns(self, run: RunRow) -> bool:
        verdict = self._verdicts.of(run)
        return verdict is not None and verdict.is_warning

    def _measured_alike(self, project: Project, one: RunRow, other: RunRow) -> bool:
        if one.revision_id == other.revision_id:
            return True
        if one.revision_id is None or other.revision_id is None:
            return False
        key = (project.folder, one.revision_id, other.revision_id)
        if key not in self._same:
            self._same[key] = project.same_validation(one.revision_id, other.revision_id)
        return self._same[key]


def _score(run: RunRow) -> tuple[float, int]:
    return (-(run.best_miou or 0.0), -run.id)
