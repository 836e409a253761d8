"""The queue: its order outlives the window, and what is left is called off one by one."""

from __future__ import annotations

import pytest
from project_samples import project
from recorded_runs import queue_up

from app.services.job_queue import JobQueue
from app.services.workers import JobController
from core.project import Project
from core.runs.run_folder import RunFolder

__all__ = ["project"]


@pytest.fixture
def jobs(qapp):
    made = JobController()
    made.hold(True)  # nothing begins
    yield made
    made.shutdown(0.0)


@pytest.fixture
def queue(jobs, project: Project) -> JobQueue:
    return JobQueue(
        lambda: project,
        jobs,
        start=lambda run: jobs.start(str(run.id), run.folder),
        parent=jobs,
    )


def test_a_moved_job_is_kept_in_its_place_before_what_was_left(queue, jobs, project) -> None:
    ids = [queue_up(project, model) for model in ("UNet", "HRNet", "FastSCNN")]
    for run_id in ids[:2]:
        jobs.start(str(run_id), project.run(run_id).folder)
    changes = []
    queue.changed.connect(lambda: changes.append([run.id for run in project.queue()]))
    queue.move(str(ids[1]), -1)
    assert changes == [[ids[1], ids[0], ids[2]]]
    assert [run.id for run in queue.left()] == ids[2:]
    queue.start_left()
    assert queue.left() == []
    assert jobs.queued == [str(ids[1]), str(ids[0]), str(ids[2])]


def test_only_what_was_left_is_called_off_in_its_folder(queue, jobs, project) -> None:
    waiting, left = (queue_up(project, model) for model in ("UNet", "HRNet"))
    jobs.start(str(waiting), project.run(waiting).folder)
    states = []
    queue.run_state_changed.connect(lambda *state: states.append(state))
    queue.cancel_left(str(waiting))
    queue.cancel_left("77")
    assert states == []
    queue.cancel_left(str(left))
    assert states == [(str(left), "cancelled")]
    assert RunFolder(project.run(left).folder).state == "cancelled"
    assert jobs.queued == [str(waiting)]


def test_a_run_without_a_spec_is_not_left(queue, project) -> None:
    project.new_run("train", "UNet")  # the window was killed before its spec was written
    assert queue.left() == []
