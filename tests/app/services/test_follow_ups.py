"""Jobs that follow by themselves: next in the queue, and without a dialog if they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
import recorded_compression as recorded
from recorded_runs import make_project

from app.services.context import AppContext
from app.services.settings import SettingsStore
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder


@pytest.fixture
def project(tmp_path: Path):
    made = make_project(tmp_path / "项目 1", train=2, val=2)
    yield made
    made.close()


@pytest.fixture
def context(qapp, tmp_path: Path, project):
    made = AppContext(SettingsStore(tmp_path / "settings.json"))
    made.project = project
    yield made
    made.project = None
    made.shut_down()


def start_waiting(context) -> str:
    run = context.project.new_run("train", "UNet")
    spec = TrainSpec(model="UNet", data_dir=run.folder, epochs=1, batch_size=1, image_size=(32, 32))
    RunFolder.create(run.folder, spec)
    context.resume_run(str(run.id))
    return str(run.id)


def test_the_evaluation_of_a_training_is_the_next_job(qtbot, context, project, monkeypatch) -> None:
    recorded.record_model(project)
    trained = str(project.runs("train")[0].id)
    started, begun = [], []
    context.run_started.connect(started.append)
    monkeypatch.setattr(context.jobs, "_begin", lambda run_id, _folder: begun.append(run_id))
    context.jobs.hold(True)
    waiting = start_waiting(context)
    assert started.pop() == waiting
    context._on_run_state_changed(trained, "done")
    qtbot.waitUntil(lambda: not context.tasks.busy)
    (evaluation,) = project.runs("evaluate")
    assert begun == [str(evaluation.id)]  # before the training that waited
    assert context.jobs.queued == [waiting]
    assert started == []  # nobody asked for it
    assert not context.was_asked_for(str(evaluation.id))
    assert context.was_asked_for(waiting)


def test_a_queue_goes_on_where_nothing_follows(qtbot, context, project, monkeypatch) -> None:
    begun = []
    monkeypatch.setattr(context.jobs, "_begin", lambda run_id, _folder: begun.append(run_id))
    context.jobs.hold(True)
    waiting = start_waiting(context)
    other = project.new_run("export", "UNet")
    context._on_run_state_changed(str(other.id), "done")
    qtbot.waitUntil(lambda: not context.tasks.busy)
    assert begun == [waiting]


def test_one_that_cannot_be_prepared_is_not_told(qtbot, context, project, monkeypatch) -> None:
    recorded.record_model(project)
    begun, errors = [], []
    context.error_occurred.connect(errors.append)
    monkeypatch.setattr(context.jobs, "_begin", lambda run_id, _folder: begun.append(run_id))

    def refuse(*_args, **_names):
        raise OSError(28, "the disk is full")

    monkeypatch.setattr("app.services.follow_ups.prepare_run", refuse)
    context.jobs.hold(True)
    waiting = start_waiting(context)
    context._on_run_state_changed(str(project.runs("train")[1].id), "done")
    qtbot.waitUntil(lambda: not context.tasks.busy)
    assert begun == [waiting] and errors == []
    assert project.runs("evaluate") == []


def test_a_project_that_is_left_meanwhile_leaves_no_queue_held(
    context, project, monkeypatch
) -> None:
    recorded.record_model(project)
    context._on_run_state_changed(str(project.runs("train")[0].id), "done")
    assert context.jobs.is_busy
    monkeypatch.setattr(context, "_close", lambda _project: context.tasks.cancel_and_wait())
    context.close_project()
    assert not context.jobs.is_busy


def test_nothing_follows_while_the_project_is_left(qtbot, context, project) -> None:
    recorded.record_model(project)
    context._then = lambda: None
    context._on_run_state_changed(str(project.runs("train")[0].id), "done")
    assert not context.tasks.busy
    context._then = None


def test_the_window_shows_the_training_again_after_its_evaluation(qtbot, context, project) -> None:
    recorded.record_model(project)
    trained = str(project.runs("train")[0].id)
    context.shown_job.last = trained
    evaluation = project.new_run("evaluate", "FastSCNN")
    context._follow_ups._started.add(str(evaluation.id))
    context._on_run_state_changed(str(evaluation.id), "done")
    qtbot.waitUntil(lambda: not context.tasks.busy)
    shown = context.shown_job.view()
    assert (shown.run_id, shown.state) == (trained, "done")
    assert shown.miou == project.runs("train")[0].best_miou
