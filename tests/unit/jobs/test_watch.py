"""A folder is watched by a job: it tells its counts, and ends when it is asked to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from job_runs import poll_until, start
from line_models import parts_picture, write_line_model
from tiny_dataset import Recorder

from core.images.io import write_image
from core.jobs.tasks import watch
from core.runs.events import Cancelled, Progress, Started
from core.runs.kinds import WatchSpec
from core.runs.run_folder import RunFolder
from core.system.reporting import StopRequested
from core.watch import WatchLog


@pytest.fixture
def spec(tmp_path: Path) -> WatchSpec:
    write_line_model(tmp_path / "export")
    (tmp_path / "in").mkdir()
    for number in range(3):
        write_image(tmp_path / "in" / f"{number}.png", parts_picture(seed=number))
    return WatchSpec(
        export_dir=tmp_path / "export",
        folder=tmp_path / "in",
        out_dir=tmp_path / "out",
        interval=0.05,
        threads=1,
    )


def test_all_that_is_there(spec: WatchSpec, tmp_path: Path) -> None:
    reporter = Recorder()
    run = RunFolder(tmp_path / "run")
    result = watch.run(spec.model_copy(update={"once": True}), run, reporter)
    assert result == {"out_dir": str(spec.out_dir), "judged": 3, "outcomes": {"reject": 3}}
    assert reporter.progresses[-1] == {"step": 3, "steps": 3, "stage": "watch"}
    assert reporter.warnings == []


def test_it_ends_when_asked_between_two_images(spec: WatchSpec, tmp_path: Path) -> None:
    with pytest.raises(StopRequested):
        watch.run(spec, RunFolder(tmp_path / "run"), Recorder(stop_at=20))
    with WatchLog(spec.out_dir) as log:
        assert log.status().state == "ended"
        assert log.unfinished() == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_worker_watches_without_the_engine_and_is_read_meanwhile(
    spec: WatchSpec, tmp_path: Path
) -> None:
    process = start(tmp_path / "run", spec)
    events = poll_until(
        process, lambda event: isinstance(event, Progress) and event.step == event.steps == 3
    )
    (started,) = [event for event in events if isinstance(event, Started)]
    maps = Path(f"/proc/{started.pid}/maps")
    if maps.is_file():
        assert "paddle" not in maps.read_text()
    with WatchLog(spec.out_dir, read_only=True) as log:
        assert log.status().state == "watching"
        assert log.counts_by_day()[0].total == 3
    process.stop()
    assert isinstance(process.wait(), Cancelled)
