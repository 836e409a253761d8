"""Which job is shown: at work or waiting, else the last, else one that can be gone on with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from project_samples import project
from recorded_runs import queue_up

from app.services.shown_job import ShownJob, job_name
from core.project import Project
from core.project.run_verdicts import RunVerdicts

__all__ = ["project"]


@pytest.fixture
def jobs() -> SimpleNamespace:
    return SimpleNamespace(running=[], watched=[], queued=[])


@pytest.fixture
def shown(project: Project, jobs: SimpleNamespace) -> ShownJob:
    def queued() -> list[object]:
        return [run for run in project.queue() if str(run.id) not in jobs.queued]

    return ShownJob(
        runs=project.runs,
        find_run=lambda run_id: project.run(int(run_id)),
        jobs=jobs,
        queue=SimpleNamespace(left=queued),
        verdicts=RunVerdicts(),
    )


def what(shown: ShownJob) -> tuple[str, str] | None:
    view = shown.view()
    return None if view is None else (view.run_id, view.state)


def test_what_happens_now_goes_before_what_happened(shown, jobs, project) -> None:
    assert what(shown) is None
    left, interrupted, last, waiting = (str(queue_up(project, "UNet")) for _ in range(4))
    jobs.queued = [waiting]
    assert what(shown) == (waiting, "queued")
    jobs.queued = []
    project.set_run_state(int(waiting), "done")
    project.set_run_state(int(last), "done")
    assert what(shown) == (left, "left")  # the newest that has begun needs nobody
    shown.last = last
    assert what(shown) == (last, "done")
    jobs.watched = [interrupted]
    assert what(shown)[0] == interrupted


def test_the_newest_is_offered_if_it_was_interrupted(shown, project) -> None:
    older, newer = queue_up(project, "UNet"), queue_up(project, "UNet")
    project.set_run_state(older, "interrupted")
    project.set_run_state(newer, "done")
    assert what(shown) is None
    project.set_run_state(newer, "interrupted")
    assert what(shown) == (str(newer), "interrupted")


def test_a_job_that_trains_nothing_says_what_it_does(project) -> None:
    assert job_name(project.new_run("train", "UNet")) == "#1 UNet"
    evaluation = project.new_run("evaluate", "UNet")
    assert job_name(evaluation) == f"{evaluation.name} · evaluation"
    later = project.new_run("paint", "UNet")  # a kind of a later version
    assert job_name(later) == later.name
