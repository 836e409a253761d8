"""The run folder: events in, state, curves, previews and checkpoints out."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from core.runs.event_log import EventWriter, complete_size
from core.runs.events import (
    Cancelled,
    Checkpoint,
    Done,
    Event,
    Failed,
    Heartbeat,
    MaskPreview,
    Metric,
    Paused,
    Progress,
    Started,
    from_json,
    to_json,
)
from core.runs.kinds import EvaluateSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    spec = EvaluateSpec(model_dir=tmp_path / "model", data_dir=tmp_path / "数据 a")
    return RunFolder.create(tmp_path / "运行 1" / "run 7", spec)


def append(run: RunFolder, *events: Event) -> None:
    writer = EventWriter(run.events_path)
    for event in events:
        writer.append(event)
    writer.close()


def test_create_keeps_the_spec_and_refuses_a_second_run(run: RunFolder) -> None:
    spec = run.spec
    assert isinstance(spec, EvaluateSpec)
    assert spec.data_dir.name == "数据 a"
    with pytest.raises(InputError, match="already a run"):
        RunFolder.create(run.path, spec)


def test_a_broken_spec_is_one_sentence_that_names_the_field(run: RunFolder) -> None:
    run.spec_path.write_text('{"kind": "train", "model": "FastSCNN", "epochs": 0}')
    with pytest.raises(InputError) as caught:
        _ = run.spec
    assert "spec.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="There is no run"):
        _ = RunFolder(run.path / "nowhere").spec


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], "queued"),
        ([Started("train", 1, "cpu")], "interrupted"),
        ([Started("train", 1, "cpu"), Done({"miou": 0.5})], "done"),
        ([Cancelled("user")], "cancelled"),
        ([Cancelled("parent_died")], "interrupted"),
        ([Failed("bug", "x")], "failed"),
        ([Failed("oom", "x")], "failed"),
        ([Failed("killed", "x")], "interrupted"),
        ([Cancelled("user"), Heartbeat()], "interrupted"),
        ([Cancelled("user"), Metric("train/loss", 3, 0.5)], "interrupted"),
        ([Failed("killed", "x"), Started("train", 2, "cpu"), Done({})], "done"),
    ],
)
def test_state_without_a_worker(run: RunFolder, events: list[Event], state: str) -> None:
    append(run, *events)
    assert run.state == state
    assert RunFolder(run.path).state == state


def test_state_while_the_lock_is_held(run: RunFolder) -> None:
    with FileLock(run.lock_path):
        assert run.state == "running"
        append(run, Started("train", 1, "cpu"), Paused(True))
        assert run.state == "paused"
        append(run, Paused(False))
        assert run.state == "running"
        append(run, Done({"a": 1}))
        assert run.state == "done"
    assert run.result == {"a": 1}
    assert not run.is_running


def test_a_torn_last_line_is_left_out_and_repaired(run: RunFolder) -> None:
    append(run, Metric("train/loss", 1, 0.5))
    whole = run.events_path.stat().st_size
    with run.events_path.open("ab") as file:
        file.write(to_json(Metric("train/loss", 2, 0.25)).encode()[:-9])
    assert complete_size(run.events_path) == whole
    assert list(run.metrics()["train/loss"][0]) == [1]
    append(run, Metric("train/loss", 3, 0.125))
    assert [event.step for _, event in run.events() if isinstance(event, Metric)] == [1, 3]
    assert list(run.metrics()["train/loss"][1]) == [0.5, 0.125]


def test_a_line_of_garbage_does_not_hide_the_others(run: RunFolder) -> None:
    append(run, Metric("train/loss", 1, 0.5))
    with run.events_path.open("ab") as file:
        file.write(b'\xff\xfe{\n{"event": "FromTheFuture", "x": 1}\n{"event": "Metric"}\n')
    append(run, Metric("train/loss", 2, 0.25))
    assert list(run.metrics()["train/loss"][0]) == [1, 2]
    assert len(list(run.events())) == 2


def test_events_go_on_from_an_offset(run: RunFolder) -> None:
    append(run, Metric("a", 1, 1.0), Metric("a", 2, 1.0))
    *_, (offset, _) = run.events()
    assert offset == run.end_offset()
    assert list(run.events(offset)) == []
    append(run, Metric("a", 3, 1.0))
    assert [event.step for _, event in run.events(offset) if isinstance(event, Metric)] == [3]


def test_curves_of_a_resumed_run_are_ascending_and_the_newest(run: RunFolder) -> None:
    append(run, *(Metric("train/loss", step, step / 10) for step in range(10)))
    append(run, Metric("val/miou", 9, math.nan))
    assert len(run.metrics()["train/loss"][0]) == 10
    append(run, *(Metric("train/loss", step, 1.0) for step in (6, 7)))
    steps, values = run.metrics()["train/loss"]
    assert steps.dtype == np.int64
    assert list(steps) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert list(values[-3:]) == [0.5, 1.0, 1.0]
    assert np.isnan(run.metrics()["val/miou"][1]).all()


def test_checkpoints_that_are_gone_or_outside_are_not_offered(run: RunFolder) -> None:
    for name in ("epoch_1", "epoch_2", "best_model"):
        (run.path / name).mkdir()
    append(
        run,
        Checkpoint("epoch_1", 0.5, 1),
        Checkpoint("best_model", 0.5, 1, best=True),
        Checkpoint("epoch_2", 0.4, 2),
        Checkpoint("epoch_3", 0.3, 3),
        Checkpoint("../..", 0.9, 4),
        Checkpoint("../..", 0.9, 4, best=True),
    )
    assert run.last_checkpoint == run.path / "epoch_2"
    assert run.best_model == run.path / "best_model"


def test_previews_are_the_newest_of_each_image(run: RunFolder) -> None:
    for index, step in ((0, 10), (1, 10), (0, 20)):
        (run.previews_dir / f"{index}_{step}.png").touch()
    append(
        run,
        MaskPreview("a.png", "previews/0_10.png", 0, 10),
        MaskPreview("b.png", "previews/1_10.png", 1, 10),
        MaskPreview("a.png", "previews/0_20.png", 0, 20),
        MaskPreview("b.png", "previews/1_20.png", 1, 20),
    )
    assert [(p.index, p.step) for p in run.previews()] == [(0, 20), (1, 10)]
    assert len(run.previews(history=True)) == 3


def test_the_log_tail_is_whole_lines(run: RunFolder) -> None:
    assert run.log_tail() == ""
    run.log_path.write_text("first 行\nsecond\nthird\n", encoding="utf-8")
    assert run.log_tail(10) == "third\n"
    assert run.log_tail().startswith("first 行")


@pytest.mark.parametrize(
    "event",
    [
        Progress(3, 9, None, "evaluate", 1, 2, 4.5, time=1.0),
        Failed("oom", "m", "a", "m", {"x": 1}, "a", {"y": "路径"}, time=2.0),
        Heartbeat(rss=5, available=7, time=3.0),
    ],
)
def test_events_survive_the_file(event: Event) -> None:
    assert from_json(to_json(event)) == event
    assert "\n" not in to_json(event)


def test_a_full_disk_loses_no_event(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:

    writer = EventWriter(run.events_path)
    writer.append(Metric("a", 1, 1.0))
    real_write = os.write
    room = [5]

    def short_write(descriptor: int, data: bytes) -> int:
        if room[0] == 0:
            raise OSError(28, "No space left on device")
        written = real_write(descriptor, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr("core.runs.event_log.os.write", short_write)
    assert writer.append(Metric("a", 2, 1.0)) is None
    assert writer.append(Metric("a", 3, 1.0)) is None
    assert complete_size(run.events_path) == run.events_path.stat().st_size
    room[0] = 10_000
    place = writer.append(Metric("a", 4, 1.0))
    writer.close()
    assert place is not None
    assert place.end == run.events_path.stat().st_size
    assert list(run.metrics()["a"][0]) == [1, 2, 3, 4]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_children_of_a_killed_worker_do_not_keep_the_run_locked(run: RunFolder) -> None:
    script = textwrap.dedent("""
        import os, sys, time
        from filelock import FileLock

        lock = FileLock(sys.argv[1], thread_local=False)
        lock.acquire()
        child = os.fork()  # as data loading does
        if child == 0:
            print(os.getpid(), flush=True)  # from here, so that what follows a fork has happened
            time.sleep(120)
            os._exit(0)
        time.sleep(120)
    """)
    command = [sys.executable, "-c", script, str(run.lock_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        child = int(worker.stdout.readline())
        try:
            assert run.is_running
            worker.kill()
            worker.wait()
            os.kill(child, 0)  # it lives
            assert not run.is_running
        finally:
            os.kill(child, signal.SIGKILL)
