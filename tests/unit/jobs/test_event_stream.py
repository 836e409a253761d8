"""The pipe that events go through: nothing lost, nothing twice, nobody held up."""

from __future__ import annotations

import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from core.jobs.event_stream import EventReader, EventStream
from core.runs.event_log import EventWriter
from core.runs.events import Done, Event, Heartbeat, Metric
from core.runs.kinds import EvaluateSpec
from core.runs.run_folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    spec = EvaluateSpec(model_dir=tmp_path, data_dir=tmp_path)
    return RunFolder.create(tmp_path / "run 流", spec)


def open_both(run: RunFolder) -> tuple[EventStream, EventReader]:
    reading, writing = multiprocessing.Pipe(duplex=False)
    return EventStream(EventWriter(run.events_path), writing), EventReader(run, reading)


def steps(events: list[Event]) -> list[int]:
    return [event.step for event in events if isinstance(event, Metric)]


def test_a_parent_that_does_not_read_holds_nothing_up_and_misses_nothing(run: RunFolder) -> None:
    stream, reader = open_both(run)
    count = 12_000  # several times what pipe and queue hold together
    for step in range(count):
        stream.emit(Metric("train/loss", step, 0.5))
    received = reader.receive(5.0)
    while len(received) < count // 2:
        received += reader.receive(1.0)
    finisher = threading.Thread(target=stream.finish, args=(Done({}),))
    finisher.start()
    while not isinstance(received[-1], Done):
        received += reader.receive(1.0)
    finisher.join()
    assert steps(received) == list(range(count))


def test_what_the_pipe_lost_is_read_from_the_file(run: RunFolder) -> None:
    stream, reader = open_both(run)
    stream.emit(Metric("a", 1, 1.0))
    assert steps(reader.receive(5.0)) == [1]
    late = EventWriter(run.events_path)  # as if the rest had never been sent
    for step in (2, 3):
        late.append(Metric("a", step, 1.0))
    late.close()
    assert steps(reader.receive_rest()) == [2, 3]
    assert reader.receive_rest() == []


def test_a_reader_starts_behind_earlier_attempts(run: RunFolder) -> None:
    writer = EventWriter(run.events_path)
    writer.append(Metric("a", 1, 1.0))
    writer.close()
    stream, reader = open_both(run)
    stream.emit(Metric("a", 2, 1.0))
    assert steps(reader.receive(5.0)) == [2]


def test_nothing_follows_the_last_event(run: RunFolder) -> None:
    stream, reader = open_both(run)
    stream.emit(Done({"miou": 1.0}))
    stream.emit(Heartbeat())
    assert [type(event) for event in reader.receive(5.0)] == [Done]
    assert [type(event) for _, event in run.events()] == [Done]


def test_events_arrive_also_when_the_disk_is_full(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, reader = open_both(run)
    real_write = os.write
    full = [True]

    def write(descriptor: int, data: bytes) -> int:
        if full[0]:
            raise OSError(28, "No space left on device")
        return real_write(descriptor, data)

    monkeypatch.setattr("core.runs.event_log.os.write", write)
    stream.emit(Metric("a", 1, 1.0))
    assert steps(reader.receive(5.0)) == [1]
    assert reader.unwritten is not None
    full[0] = False
    stream.emit(Metric("a", 2, 1.0))
    assert steps(reader.receive(5.0)) == [2]
    assert reader.unwritten is None
    assert list(run.metrics()["a"][0]) == [1, 2]


def test_the_end_of_the_pipe_is_told(run: RunFolder) -> None:
    reading, writing = multiprocessing.Pipe(duplex=False)
    reader = EventReader(run, reading)
    writing.close()
    with pytest.raises(EOFError):
        reader.receive(5.0)
