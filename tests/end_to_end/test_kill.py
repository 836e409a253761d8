"""Whatever is killed, whenever: the run opens, says so, and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from job_runs import poll_until, start, train_spec, write_data

from core.runs.events import Cancelled, Checkpoint, Done, Failed, Heartbeat, Metric, Started
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

ROOT = Path(__file__).parents[2]
PARENT = textwrap.dedent("""
    import sys
    from core.jobs.process import JobProcess

    if __name__ == "__main__":
        process = JobProcess(sys.argv[1])
        process.start()
        print(process.pid, flush=True)
        while not process.is_finished:
            process.poll(0.1)
            if (process.run.path / "leave").exists():
                sys.exit()
""")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "图像 a")


def loss_steps(run: RunFolder) -> list[int]:
    return run.metrics()["train/loss"][0].tolist()


def wait_for(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_killed_worker_leaves_a_run_that_goes_on_where_it_was(data: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / "运行 1"
    killed = start(run_dir, train_spec(data, epochs=500))
    poll_until(killed, lambda event: isinstance(event, Checkpoint) and event.epoch == 2)
    poll_until(killed, lambda event: isinstance(event, Metric) and event.step > 7)
    os.kill(killed.pid, signal.SIGKILL)
    outcome = killed.wait()
    assert isinstance(outcome, Failed)
    assert outcome.kind == "killed"
    run = RunFolder(run_dir)
    assert run.state == "interrupted"
    checkpoint = run.last_checkpoint
    assert checkpoint is not None
    assert (checkpoint / "model.pdparams").is_file()
    step = 3 * int(checkpoint.name.removeprefix("epoch_"))

    resumed = start(run_dir)
    first = poll_until(resumed, lambda event: isinstance(event, Metric))[-1]
    assert isinstance(first, Metric)
    assert first.step == step + 1
    poll_until(resumed, lambda event: isinstance(event, Metric) and event.step > step + 1)
    resumed.stop()
    assert resumed.wait() == Cancelled("user", time=resumed.outcome.time)
    assert run.state == "cancelled"
    interrupted = run.last_checkpoint
    assert interrupted == run_dir / "interrupted"
    steps = loss_steps(run)
    assert steps == list(range(1, steps[-1] + 1))

    epochs = steps[-1] // 3 + 1
    finishing = start(tmp_path / "run 2", train_spec(data, epochs=epochs, resume=interrupted))
    done = finishing.wait()
    assert isinstance(done, Done)
    assert done.result["resumed_from"] == str(interrupted)
    assert done.result["epochs"] == epochs
    assert loss_steps(finishing.run)[0] == steps[-1] + 1
    assert Path(done.result["best_model"]).is_dir()


@pytest.mark.parametrize("end", ["parent killed", "both killed", "parent leaves"])
def test_a_parent_takes_its_worker_along(data: Path, tmp_path: Path, end: str) -> None:
    run = RunFolder.create(tmp_path / "运行 1", train_spec(data, epochs=500))
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(run.path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    worker = psutil.Process(int(parent.stdout.readline()))
    parent.stdout.close()
    wait_for(lambda: run.last_checkpoint is not None)
    assert run.state == "running"
    if end == "parent leaves":
        (run.path / "leave").touch()
        assert parent.wait(60) == 0
    else:
        parent.kill()
        parent.wait()
    if end == "both killed":
        worker.kill()
    wait_for(lambda: not run.is_running)  # the lock goes with the process's last thread
    assert run.state == "interrupted"
    assert run.last_checkpoint is not None
    if end != "both killed":
        assert run.last_checkpoint == run.path / "interrupted"
        assert any(event == Cancelled("parent_died", time=event.time) for _, event in run.events())


def test_interrupts_are_ignored_and_a_hanging_worker_is_killed(data: Path, tmp_path: Path) -> None:
    process = start(
        tmp_path / "run",
        train_spec(data, epochs=500),
        stop_timeout_s=0.2,
        terminate_timeout_s=0.2,
    )
    poll_until(process, lambda event: isinstance(event, Heartbeat))
    assert os.getpgid(process.pid) == process.pid
    os.kill(process.pid, signal.SIGINT)  # Ctrl-C is the parent's business
    poll_until(process, lambda event: isinstance(event, Started))
    os.kill(process.pid, signal.SIGSTOP)  # takes neither commands nor SIGTERM
    process.stop()
    assert isinstance(process.wait(), Cancelled)
    assert process.exitcode == -signal.SIGKILL
    assert not psutil.pid_exists(process.pid)
    assert RunFolder(tmp_path / "run").state == "cancelled"


def test_one_run_has_one_worker(data: Path, tmp_path: Path) -> None:
    first = start(tmp_path / "run", train_spec(data, epochs=500))
    poll_until(first, lambda event: isinstance(event, Heartbeat))
    with pytest.raises(InputError, match="already being worked on"):
        start(tmp_path / "run")
    first.kill()
    first.wait()
    assert RunFolder(tmp_path / "run").state == "interrupted"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small disk"
    place.mkdir()
    if not mount(place, "size=3m"):
        pytest.skip("needs the right to mount a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def mount(place: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def test_a_full_disk_is_told_and_the_run_goes_on_with_room(data: Path, small_disk: Path) -> None:
    full = start(small_disk / "run", train_spec(data))
    outcome = full.wait()
    assert isinstance(outcome, Failed), full.run.log_tail()
    assert outcome.kind == "disk_full"
    assert str(small_disk) in outcome.message
    assert RunFolder(small_disk / "run").state == "failed"
    assert mount(small_disk, "remount,size=64m")
    assert isinstance(start(small_disk / "run").wait(), Done)
    assert loss_steps(RunFolder(small_disk / "run")) == [1, 2, 3, 4, 5, 6]
