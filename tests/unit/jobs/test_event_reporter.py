"""The reporter inside a worker: pause, stop, previews."""

from __future__ import annotations

import math
import queue
import threading
from pathlib import Path

import numpy as np
import pytest

from core.images.io import read_mask
from core.jobs.event_reporter import JobReporter
from core.runs.events import (
    Checkpoint,
    Event,
    MaskPreview,
    Metric,
    Paused,
    Progress,
    Warned,
    to_json,
)
from core.system.messages import message
from core.system.reporting import StopRequested


class Told:
    """Collects events and lets a test wait for the next."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self._queue: queue.Queue[Event] = queue.Queue()

    def __call__(self, event: Event) -> None:
        self.all.append(event)
        self._queue.put(event)

    def next(self) -> Event:
        return self._queue.get(timeout=20)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def reporter(told: Told, tmp_path: Path) -> JobReporter:
    return JobReporter(told, tmp_path)


def test_a_pause_holds_the_step_until_resumed(reporter: JobReporter, told: Told) -> None:
    steps: list[int] = []

    def work() -> None:
        for step in range(3):
            reporter.check()
            steps.append(step)

    reporter.request_pause(True)
    worker = threading.Thread(target=work)
    worker.start()
    assert told.next() == Paused(True, time=told.all[0].time)
    worker.join(0.2)
    assert worker.is_alive()
    assert steps == []
    reporter.request_pause(False)
    worker.join(20)
    assert steps == [0, 1, 2]
    assert [event.paused for event in told.all if isinstance(event, Paused)] == [True, False]


def test_a_stop_ends_a_pause_and_cannot_be_paused(reporter: JobReporter) -> None:
    reporter.request_pause(True)
    reporter.request_stop("parent_died")
    reporter.request_pause(True)
    with pytest.raises(StopRequested):
        reporter.check()
    assert reporter.stop_reason == "parent_died"


def test_the_first_reason_to_stop_counts(reporter: JobReporter) -> None:
    reporter.request_stop("user")
    reporter.request_stop("parent_died")
    assert reporter.stop_reason == "user"


def test_progress_is_thinned_but_its_ends_are_told(reporter: JobReporter, told: Told) -> None:
    for epoch in (1, 2):
        for step in range(1, 101):
            reporter.progress(step + 100 * (epoch - 1), 200, epoch=epoch, epochs=2)
    told_steps = [event.step for event in told.all if isinstance(event, Progress)]
    assert told_steps[0] == 1
    assert told_steps[-1] == 200
    assert 101 in told_steps
    assert len(told_steps) < 100


def test_metrics_are_never_thinned(reporter: JobReporter, told: Told) -> None:
    for step in range(500):
        reporter.metric("train/loss", step, np.float32(0.5))
    reporter.metric("val/iou/3", 500, None)
    assert [event.step for event in told.all if isinstance(event, Metric)] == list(range(501))
    assert '"value": null' in to_json(told.all[-1])


def test_not_a_number_is_strict_json(reporter: JobReporter, told: Told) -> None:
    reporter.metric("train/loss", 1, math.nan)
    assert '"value": null' in to_json(told.all[0])


def test_checkpoints_are_named_relative_to_the_run(
    reporter: JobReporter, told: Told, tmp_path: Path
) -> None:
    reporter.checkpoint(tmp_path / "epoch_2", np.float64(0.5), epoch=2)
    assert told.all == [Checkpoint("epoch_2", 0.5, 2, time=told.all[0].time)]


def test_warnings_can_be_translated(reporter: JobReporter, told: Told) -> None:
    reporter.warn(message("{file} is empty.", file=Path("a.png")))
    warned = told.all[0]
    assert isinstance(warned, Warned)
    assert (warned.message, warned.template) == ("a.png is empty.", "{file} is empty.")


def test_previews_are_asked_for_once(reporter: JobReporter) -> None:
    assert not reporter.preview_due(1)
    reporter.request_preview()
    assert reporter.preview_due(2)
    assert not reporter.preview_due(3)


def test_previews_are_files_and_stale_ones_are_dropped(
    reporter: JobReporter, told: Told, tmp_path: Path
) -> None:
    label_map = np.zeros((40, 60), np.uint8)
    for step in range(200):
        label_map[:] = step % 7
        for index in (0, 1):
            reporter.preview("图 1.png", index, step, label_map)
    reporter.close()
    previews = [event for event in told.all if isinstance(event, MaskPreview)]
    assert {(p.index, p.step) for p in previews} >= {(0, 199), (1, 199)}
    assert len(previews) < 50
    for preview in previews:
        assert np.unique(read_mask(tmp_path / preview.path)).tolist() == [preview.step % 7]


def test_a_preview_does_not_follow_later_changes(
    reporter: JobReporter, told: Told, tmp_path: Path
) -> None:
    label_map = np.ones((4, 4), np.uint8)
    reporter.preview("a.png", 0, 1, label_map)
    label_map[:] = 9
    reporter.close()
    assert read_mask(tmp_path / "previews" / "00_00000001.png").max() == 1


def test_old_previews_make_room_but_first_and_newest_stay(
    reporter: JobReporter, told: Told, tmp_path: Path
) -> None:
    folder = tmp_path / "previews"
    folder.mkdir()
    for step in range(300):
        (folder / f"00_{step:08d}.png").touch()
    (folder / "01_00000000.png").touch()
    reporter.preview("a.png", 0, 300, np.zeros((4, 4), np.uint8))
    reporter.close()
    left = sorted(path.name for path in folder.glob("00_*.png"))
    assert len(left) < 200
    assert (left[0], left[-1]) == ("00_00000000.png", "00_00000300.png")
    assert (folder / "01_00000000.png").exists()


def test_a_preview_that_cannot_be_written_does_not_end_the_others(
    reporter: JobReporter, told: Told, tmp_path: Path
) -> None:
    (tmp_path / "previews" / "00_00000001.png").mkdir(parents=True)
    reporter.preview("a.png", 0, 1, np.zeros((4, 4), np.uint8))
    reporter.preview("b.png", 1, 1, np.zeros((4, 4), np.uint8))
    reporter.close()
    assert [event.index for event in told.all if isinstance(event, MaskPreview)] == [1]
