"""Jobs as the window sees them: threads, queue, pause and stop, real worker processes."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from job_runs import train_spec, write_data
from line_models import write_line_model
from pytestqt.qtbot import QtBot

from app.services.workers import JobController, without_superseded
from core.runs.event_log import EventWriter
from core.runs.events import (
    Done,
    Event,
    Failed,
    Heartbeat,
    MaskPreview,
    Metric,
    Paused,
    Progress,
    Started,
)
from core.runs.kinds import EvaluateSpec, WatchSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

WAIT_MS = 60_000


class Told:
    """Everything that a controller signals."""

    def __init__(self, controller: JobController) -> None:
        self.events: list[tuple[str, Event]] = []
        self.batches: list[list[Event]] = []
        self.states: list[tuple[str, str]] = []
        self.active: list[tuple[list[str], list[str]]] = []
        controller.job_event.connect(lambda run_id, event: self.events.append((run_id, event)))
        controller.job_events.connect(lambda _, events: self.batches.append(events))
        controller.run_state_changed.connect(lambda *change: self.states.append(change))
        controller.active_changed.connect(
            lambda: self.active.append((controller.running, controller.queued))
        )

    def of(self, run_id: str, kind: type[Event]) -> list[Event]:
        return [e for told_id, e in self.events if told_id == run_id and isinstance(e, kind)]

    def states_of(self, run_id: str) -> list[str]:
        return [state for told_id, state in self.states if told_id == run_id]


@pytest.fixture
def controller(qtbot: QtBot) -> Iterator[JobController]:
    controller = JobController()
    yield controller
    controller.shutdown(wait_s=20.0)
    assert not multiprocessing.active_children(), "a worker was left behind"


@pytest.fixture
def told(controller: JobController) -> Told:
    return Told(controller)


@pytest.fixture
def until(qtbot: QtBot) -> Callable[[Callable[[], object]], None]:
    return lambda condition: qtbot.waitUntil(lambda: bool(condition()), timeout=WAIT_MS)


@pytest.fixture
def bad_run(tmp_path: Path) -> Callable[[str], Path]:
    """Makes runs that fail as soon as they look at their data."""

    def make(name: str) -> Path:
        spec = EvaluateSpec(model_dir=tmp_path / "model", data_dir=tmp_path / "没有 data")
        return RunFolder.create(tmp_path / f"运行 {name}", spec).path

    return make


def test_a_training_pauses_previews_resumes_and_stops(
    controller: JobController, told: Told, until: Callable, qtbot: QtBot, tmp_path: Path
) -> None:
    data = write_data(tmp_path / "数据 a")
    run = RunFolder.create(tmp_path / "run", train_spec(data, epochs=500, save_interval_epochs=400))
    controller.start("r", run.path)
    until(lambda: told.of("r", Metric))
    assert told.states_of("r") == ["queued", "running"]
    assert controller.running == ["r"]

    assert controller.pause("r")
    until(lambda: told.of("r", Paused))
    assert told.states_of("r")[-1] == "paused"
    assert run.state == "paused"
    qtbot.wait(200)  # what was sent before the pause
    metrics = len(told.of("r", Metric))
    qtbot.wait(700)
    assert len(told.of("r", Metric)) == metrics

    assert not told.of("r", MaskPreview)  # the first evaluation is far away
    assert controller.request_preview("r")
    assert controller.resume("r")
    until(lambda: {event.index for event in told.of("r", MaskPreview)} == {0, 1})
    assert len(told.of("r", Metric)) > metrics
    assert told.states_of("r")[-1] == "running"
    preview = told.of("r", MaskPreview)[0]
    assert (run.path / preview.path).is_file()

    assert controller.stop("r")
    until(lambda: not controller.running)
    assert told.states_of("r")[-1] == "cancelled"
    assert RunFolder(run.path).last_checkpoint == run.path / "interrupted"
    steps = [event.step for event in told.of("r", Metric) if event.tag == "train/loss"]
    assert steps == list(range(1, len(steps) + 1))
    assert len(told.batches) < len(told.events)


def test_jobs_run_in_order_one_at_a_time(
    controller: JobController, told: Told, until: Callable, bad_run: Callable[[str], Path]
) -> None:
    folders = {name: bad_run(name) for name in "abc"}
    for name, folder in folders.items():
        controller.start(name, folder)
    assert (controller.running, controller.queued) == (["a"], ["b", "c"])
    with pytest.raises(ValueError, match="cannot be started"):
        controller.start("b", folders["b"])
    assert controller.stop("b")
    assert told.states_of("b") == ["queued", "cancelled"]
    assert RunFolder(folders["b"]).state == "cancelled"

    until(lambda: told.states_of("c")[-1] == "failed")
    assert told.states_of("a") == ["queued", "running", "failed"]
    for name in "ac":
        (failed,) = told.of(name, Failed)
        assert isinstance(failed, Failed)
        assert failed.kind == "bad_input"
        assert "没有 data" in failed.message
        assert RunFolder(folders[name]).state == "failed"
    assert max(len(running) for running, _ in told.active) == 1
    assert told.active[-1] == ([], [])


def test_a_closing_window_leaves_no_worker_and_keeps_the_queue(
    controller: JobController,
    told: Told,
    until: Callable,
    bad_run: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    run = RunFolder.create(tmp_path / "run", train_spec(write_data(tmp_path / "data"), epochs=500))
    waiting = bad_run("waiting")
    controller.start("r", run.path)
    controller.start("w", waiting)
    until(lambda: told.of("r", Metric))
    assert controller.shutdown(wait_s=60.0)
    assert not multiprocessing.active_children()
    assert run.state == "interrupted"  # nobody stopped it: the next window offers to go on
    assert run.last_checkpoint is not None
    assert RunFolder(waiting).state == "queued"
    with pytest.raises(ValueError, match="cannot be started"):
        controller.start("x", waiting)


def test_the_queue_is_held_moved_and_let_go(
    controller: JobController, told: Told, until: Callable, bad_run: Callable[[str], Path]
) -> None:
    controller.hold(True)
    for name in "abc":
        controller.start(name, bad_run(name))
    controller.start("d", bad_run("d"), first=True)
    assert (controller.running, controller.queued) == ([], ["d", "a", "b", "c"])
    assert controller.is_busy
    controller.move("c", -2)
    controller.move("d", 9)
    controller.move("none", 1)
    assert controller.queued == ["c", "a", "b", "d"]
    controller.stop("b")
    controller.hold(False)
    until(lambda: told.active[-1] == ([], []))
    begun = [name for name, state in told.states if state == "running"]
    assert begun == ["c", "a", "d"]
    assert not controller.is_busy


def test_a_job_can_be_stopped_before_its_process_is_there(
    controller: JobController, told: Told, until: Callable, tmp_path: Path
) -> None:
    data = write_data(tmp_path / "data")
    run = RunFolder.create(tmp_path / "run", train_spec(data, epochs=500))
    controller.start("r", run.path)
    assert controller.stop("r")
    until(lambda: told.states_of("r")[-1] == "cancelled")
    assert not told.of("r", Metric)
    assert run.state == "cancelled"


def test_a_folder_without_a_run_is_refused(
    controller: JobController, told: Told, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no run"):
        controller.start("r", tmp_path)
    assert told.states == []


def test_jobs_of_others_take_no_orders(controller: JobController) -> None:
    for order in (controller.pause, controller.resume, controller.stop, controller.request_preview):
        assert order("nobody") is False


def test_a_run_that_somebody_works_on_is_not_started_twice(
    controller: JobController, told: Told, until: Callable, bad_run: Callable[[str], Path]
) -> None:
    folder = bad_run("busy")
    with FileLock(RunFolder(folder).lock_path):
        controller.start("r", folder)
        until(lambda: told.of("r", Failed))
    assert "already being worked on" in told.of("r", Failed)[0].message
    assert list(RunFolder(folder).events()) == []


def test_a_run_of_another_process_can_be_watched(
    controller: JobController, told: Told, until: Callable, bad_run: Callable[[str], Path]
) -> None:
    run = RunFolder(bad_run("theirs"))
    with FileLock(run.lock_path):
        writer = EventWriter(run.events_path)
        writer.append(Started("train", 1, "cpu"))
        controller.watch("t", run.path)
        assert controller.watched == ["t"]
        until(lambda: told.states_of("t") == ["running"])
        writer.append(Metric("train/loss", 1, 0.5))
        until(lambda: told.of("t", Metric))
        writer.append(Done({}))
        writer.close()
        until(lambda: told.states_of("t") == ["running", "done"])
    assert controller.watched == []
    assert not told.of("t", Started)  # stood there before
    assert len(told.of("t", Done)) == 1


def test_a_watched_run_whose_process_is_killed_is_interrupted(
    controller: JobController, told: Told, until: Callable, bad_run: Callable[[str], Path]
) -> None:
    run = RunFolder(bad_run("theirs"))
    writer = EventWriter(run.events_path)
    writer.append(Started("train", 1, "cpu"))
    writer.close()
    with FileLock(run.lock_path):
        controller.watch("t", run.path, start=0)
        until(lambda: told.of("t", Started))
    until(lambda: told.states_of("t")[-1:] == ["interrupted"])


def test_only_what_a_later_event_replaces_is_left_out() -> None:
    def preview(index: int, step: int) -> MaskPreview:
        return MaskPreview("a.png", f"{index}_{step}.png", index, step)

    metrics = [Metric("train/loss", step, 0.5) for step in range(50)]
    progress = [Progress(step, 50, None) for step in range(50)]
    events = [
        *(event for pair in zip(metrics, progress, strict=True) for event in pair),
        preview(0, 1),
        preview(1, 1),
        Heartbeat(),
        preview(0, 2),
        Heartbeat(rss=1),
    ]
    kept = without_superseded(events)
    assert [event for event in kept if isinstance(event, Metric)] == metrics
    assert [event for event in kept if isinstance(event, Progress)] == progress[-1:]
    previews = [event for event in kept if isinstance(event, MaskPreview)]
    assert [(event.index, event.step) for event in previews] == [(1, 1), (0, 2)]
    assert [event.rss for event in kept if isinstance(event, Heartbeat)] == [1]


def test_the_window_side_needs_no_engine() -> None:
    script = "import sys, app.services.workers; sys.exit('paddle' in sys.modules)"
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": str(root)}
    assert (
        subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0
    )


def test_a_watched_folder_does_not_hold_up_the_queue(
    controller: JobController, told: Told, tmp_path: Path, qtbot: QtBot
) -> None:
    write_line_model(tmp_path / "export")
    (tmp_path / "in").mkdir()
    spec = WatchSpec(
        export_dir=tmp_path / "export", folder=tmp_path / "in", out_dir=tmp_path / "out", threads=1
    )
    missing = EvaluateSpec(model_dir=tmp_path / "none", data_dir=tmp_path / "none", device="cpu")
    controller.start("1", RunFolder.create(tmp_path / "1", spec).path)
    qtbot.waitUntil(lambda: bool(told.of("1", Started)), timeout=WAIT_MS)
    controller.start("2", RunFolder.create(tmp_path / "2", missing).path)
    assert (controller.running, controller.queued) == (["2", "1"], [])  # the queue's comes first
    other = spec.model_copy(update={"out_dir": tmp_path / "out 2"})
    controller.start("3", RunFolder.create(tmp_path / "3", other).path)
    assert set(controller.running) == {"1", "2", "3"}
    qtbot.waitUntil(lambda: told.states_of("2")[-1] == "failed", timeout=WAIT_MS)
    assert set(controller.running) == {"1", "3"}
    controller.leave_all()
    qtbot.waitUntil(lambda: not controller.running, timeout=WAIT_MS)
    assert told.states_of("1")[-1] == told.states_of("3")[-1] == "interrupted"
