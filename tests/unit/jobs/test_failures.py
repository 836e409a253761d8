"""Failures in plain language."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from pydantic import ValidationError
from tiny_dataset import write_folder

from core.jobs.failures import classify, oom_kill_count, worker_died
from core.portable.portable_error import PortableError
from core.runs.event_log import EventWriter
from core.runs.events import Checkpoint, Heartbeat, from_json, to_json
from core.runs.kinds import EvaluateSpec, TrainSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError, MissingFilesError, UnreadableFilesError
from core.system.reporting import StopRequested


def train_spec(tmp_path: Path, *, batch_size: int = 8) -> TrainSpec:
    return TrainSpec(
        model="FastSCNN",
        data_dir=tmp_path,
        epochs=1,
        batch_size=batch_size,
        image_size=(512, 384),
    )


def test_bad_input_keeps_its_template_for_translation(tmp_path: Path) -> None:
    error = InputError("The mask {file} has three channels.", file=tmp_path / "a.png")
    wrapped = RuntimeError("DataLoader worker failed")
    wrapped.__cause__ = error
    for given in (error, wrapped):
        failed = classify(given, spec=None, run_dir=tmp_path)
        assert failed.kind == "bad_input"
        assert failed.template == "The mask {file} has three channels."
        assert failed.message == failed.template.format(**failed.params)


def test_files_travel_with_the_failure(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", train=3, val=1, size=32)
    spec = train_spec(folder)
    for number in (0, 2):
        (folder / f"train {number}.png").write_bytes(b"no image")
    error = UnreadableFilesError("One.", files=[folder / "train 0.png"])
    failed = classify(error, spec=spec, run_dir=tmp_path)
    assert (failed.kind, failed.files_problem) == ("bad_input", "unreadable")
    assert failed.files == [str(folder / "train 0.png"), str(folder / "train 2.png")]
    again = from_json(to_json(failed))
    assert again == failed

    def stop() -> None:
        raise StopRequested

    assert classify(error, spec=spec, run_dir=tmp_path, check=stop).message == "One."
    gone = MissingFilesError("Two.", files=[folder / "a.png"])
    assert pickle.loads(pickle.dumps(gone)).files == gone.files, "loader processes hand it over"
    assert classify(gone, spec=spec, run_dir=tmp_path).files_problem == "missing"


def test_a_validation_error_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as caught:
        train_spec(tmp_path, batch_size=0)
    failed = classify(caught.value, spec=None, run_dir=tmp_path)
    assert failed.kind == "bad_input"
    assert "batch_size" in failed.message
    assert "\n" not in failed.message


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("std::bad_alloc"),
        RuntimeError("ResourceExhaustedError: \n\nOut of memory error on GPU 0. Cannot allocate"),
        type("ResourceExhaustedError", (Exception,), {})("no"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        cv2.error("(-4:Insufficient memory) Failed to allocate 3298534883328 bytes"),
    ],
)
def test_memory_that_ran_out_gives_a_number_to_try(tmp_path: Path, error: Exception) -> None:
    failed = classify(error, spec=train_spec(tmp_path), run_dir=tmp_path)
    assert failed.kind == "oom"
    assert failed.advice == "Lower the batch size from 8 to 4."
    small = classify(error, spec=train_spec(tmp_path, batch_size=2), run_dir=tmp_path)
    assert small.advice == "Lower the image size from 512x384 to 384x288."
    other = classify(
        error, spec=EvaluateSpec(model_dir=tmp_path, data_dir=tmp_path), run_dir=tmp_path
    )
    assert other.kind == "oom"
    assert other.advice


def test_a_file_that_only_talks_about_memory_is_not_memory(tmp_path: Path) -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file", "out of memory.png")
    assert classify(error, spec=train_spec(tmp_path), run_dir=tmp_path).kind == "bug"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_names_the_place_and_the_room(tmp_path: Path, code: int) -> None:
    place = tmp_path / "epoch_3" / "model.pdparams"
    failed = classify(OSError(code, os.strerror(code), str(place)), spec=None, run_dir=tmp_path)
    assert failed.kind == "disk_full"
    assert str(tmp_path) in failed.message
    assert failed.params["free"] >= 0
    assert " is full" not in failed.message, "by now there may be room again"


def test_a_full_disk_for_real(small_disk: Path) -> None:
    from core.system.files import write_bytes_atomic

    with pytest.raises(OSError) as caught:
        write_bytes_atomic(small_disk / "big", b"x" * 2**21)
    failed = classify(caught.value, spec=None, run_dir=small_disk)
    assert failed.kind == "disk_full"
    assert str(small_disk) in failed.message


@pytest.fixture
def small_disk(tmp_path: Path) -> object:
    place = tmp_path / "small disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOTDIR])
def test_a_place_that_cannot_be_written_is_no_bug(tmp_path: Path, code: int) -> None:
    error = OSError(code, os.strerror(code), str(tmp_path / "best_model"))
    failed = classify(error, spec=None, run_dir=tmp_path)
    assert failed.kind == "bad_input"
    assert str(tmp_path / "best_model") in failed.message
    assert os.strerror(code) in failed.message


def test_anything_else_is_a_bug_that_points_at_the_log(tmp_path: Path) -> None:
    failed = classify(ZeroDivisionError("division by zero"), spec=None, run_dir=tmp_path)
    assert failed.kind == "bug"
    assert "division by zero" in failed.message
    assert "log.txt" in failed.advice
    assert "Traceback" not in failed.message


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", train_spec(tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals that kill")
def test_a_killed_worker_is_judged_by_memory_and_signal(run: RunFolder) -> None:
    spec = run.spec
    kill = -signal.SIGKILL

    def judge(exitcode: int, *, available: int | None = None, oom_kills: int = 0) -> str:
        writer = EventWriter(run.events_path)
        writer.append(Heartbeat(rss=2**30, available=available))
        writer.close()
        return worker_died(exitcode, run, spec=spec, oom_kills=oom_kills).kind

    assert judge(kill, available=2**50) == "killed"
    assert judge(kill) == "killed"
    assert judge(kill, available=10_000) == "oom"
    assert judge(kill, available=2**50, oom_kills=1) == "oom"
    assert judge(-signal.SIGTERM, available=10_000) == "killed"
    assert judge(-signal.SIGSEGV) == "bug"
    run.log_path.write_text("terminate called: std::bad_alloc\n")
    assert judge(-signal.SIGABRT) == "oom"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals that kill")
def test_the_advice_after_a_kill_fits_what_is_left(run: RunFolder) -> None:
    assert "again" in worker_died(-signal.SIGKILL, run, spec=None).advice
    (run.path / "epoch_1").mkdir()
    writer = EventWriter(run.events_path)
    writer.append(Checkpoint("epoch_1", None, 1))
    writer.close()
    assert "checkpoint" in worker_died(-signal.SIGKILL, run, spec=None).advice


def test_what_task_manager_ends_was_ended_from_outside(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.jobs.failures.sys.platform", "win32")

    def judge(exitcode: int) -> str:
        return worker_died(exitcode, run, spec=run.spec).kind

    assert judge(1) == "bug"  # it never came to its first word
    writer = EventWriter(run.events_path)
    writer.append(Heartbeat(rss=2**30, available=2**50))
    writer.close()
    assert judge(1) == judge(15) == "killed"
    assert judge(3) == judge(0xC0000005) == "bug"


@pytest.mark.skipif(not Path("/proc/vmstat").exists(), reason="Linux counts them")
def test_the_system_counts_what_it_killed_for_memory() -> None:
    words = Path("/proc/vmstat").read_text().split()
    if "oom_kill" not in words:
        pytest.skip("this kernel does not count")
    assert oom_kill_count() == int(words[words.index("oom_kill") + 1])


def test_an_error_of_the_line_is_bad_input_too(tmp_path: Path) -> None:
    failed = classify(PortableError("{file} is cut.", file="a"), spec=None, run_dir=tmp_path)
    assert (failed.kind, failed.template) == ("bad_input", "{file} is cut.")
    assert failed.params == {"file": "a"}
