"""A training of two processes as a job: done, stopped, resumed, and told of when one dies."""

from __future__ import annotations

import time

import psutil
import pytest
from job_runs import poll_until, train_spec, write_data

from core.jobs.process import JobProcess
from core.runs.events import Cancelled, Checkpoint, Done, Failed, Heartbeat, Metric, Started
from core.runs.run_folder import RunFolder
from core.system.devices import usable_cores


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("ranks") / "数据 1")


def start(data, run_dir, **changes):
    spec = train_spec(data, device="cpu:2", **changes)
    process = JobProcess(RunFolder.create(run_dir, spec).path)
    process.start()
    return process


def ranks_of(process):
    """The processes of the ranks: the worker's children that it started as such."""
    return [
        child
        for child in psutil.Process(process.pid).children()
        if any("spawn_main" in word for word in child.cmdline())
    ]


def is_metric(event):
    return isinstance(event, Metric) and event.tag == "train/loss"


def test_stopped_and_resumed_to_the_end(data, tmp_path):
    process = start(data, tmp_path / "运行 1", epochs=3)
    events = poll_until(process, is_metric)
    assert any(isinstance(event, Started) and event.device == "cpu:2" for event in events)
    assert len(ranks_of(process)) == 2
    process.pause()
    process.resume()
    process.stop()
    assert isinstance(process.wait(), Cancelled)
    assert process.run.last_checkpoint is not None

    again = JobProcess(tmp_path / "运行 1")
    again.start()
    children = []
    events = []
    while not again.is_finished:
        event = again.poll(0.2)
        events += [] if event is None else [event]
        children = children or ranks_of(again) if again.is_alive else children
    assert isinstance(again.outcome, Done), again.run.log_tail(4000)
    assert again.outcome.result["epochs"] == 3
    assert again.outcome.result["resumed_from"]
    assert (tmp_path / "运行 1" / "best_model" / "model.pdparams").exists()
    assert any(isinstance(event, Checkpoint) and event.best for event in events)
    # Once each: only rank 0 tells.
    steps = [event.step for event in events if is_metric(event)]
    assert steps == sorted(set(steps)) and steps[-1] == 9
    assert not any(psutil.pid_exists(child.pid) for child in children)
    assert any(isinstance(event, Heartbeat) for event in events)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_ends_the_training_with_a_sentence(data, tmp_path, rank):
    process = start(data, tmp_path / "run", epochs=100000)
    poll_until(process, lambda event: isinstance(event, Checkpoint) and not event.best)
    ranks = sorted(ranks_of(process), key=lambda child: child.pid)
    assert len(ranks) == 2
    ranks[rank].kill()
    outcome = process.wait()
    assert isinstance(outcome, Failed)
    assert outcome.kind == "killed"
    assert outcome.message == (
        f"Process {rank + 1} of the 2 that train together was ended from outside."
    )
    assert outcome.advice == "Resume it from the last checkpoint."
    assert not any(psutil.pid_exists(child.pid) for child in ranks)


@pytest.mark.skipif(usable_cores() < 2, reason="two processes need two cores")
def test_auto_goes_on_with_the_processes_it_began_with(data, tmp_path):
    """However busy this machine is now; what was asked for stays in the run folder."""
    run = RunFolder.create(tmp_path / "运行 2", train_spec(data, device="auto"))
    (run.path / "parallelism.json").write_text('{"processes": 2, "threads": 1}')
    process = JobProcess(run.path)
    process.start()
    (*_, started) = poll_until(process, lambda event: isinstance(event, Started))
    assert started.device == "cpu:2"
    assert len(ranks_of(process)) == 2
    assert isinstance(process.wait(), Done), run.log_tail(4000)
    assert run.spec.device == "auto"
    assert "2 processes with 1 threads as before" in run.log_tail()


def test_training_against_the_clock_ends_on_all_ranks(data, tmp_path):
    """Both plan the same steps; the time that starting took is part of it."""
    begin = time.monotonic()
    process = start(data, tmp_path / "run", epochs=100000, minutes=0.3, save_interval_epochs=50)
    outcome = process.wait()
    took = time.monotonic() - begin
    assert isinstance(outcome, Done), process.run.log_tail(4000)
    assert 0 < outcome.result["epochs"] < 100000
    assert outcome.result["seconds"] < 18
    assert took < 18 + 20  # ending the processes, on a busy machine


def test_bad_input_of_the_ranks_is_told(data, tmp_path):
    process = start(data, tmp_path / "run", batch_size=3)
    outcome = process.wait()
    assert isinstance(outcome, Failed) and outcome.kind == "bad_input"
    assert "cannot be shared by 2 devices" in outcome.message
