"""Do workers end when they must? Run by the Python of an installed product, on Windows too.

    python process_ends.py PROGRAM REPORT [CASE…]

PROGRAM is the folder with ``main.py``; REPORT, a file, gets one JSON object a case. Exits with 1 if
a case failed. Without names all cases are tried; all but the first start a training of the demo.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

START_S = 600.0  # an emulated Windows loads the engine slowly
END_S = 90.0  # a worker whose window is gone stops at a step, or ends after 30 s


def main(program: Path, report: Path, names: list[str]) -> int:
    """Try the cases of these names, all where there are none; returns the exit code."""
    sys.path.insert(0, str(program))
    cases: list[Callable[[Path, Path], str]] = [
        a_killed_worker_takes_its_children_along,
        the_ladder_ends_a_frozen_worker,
        a_worker_ends_with_its_killed_window,
        ctrl_c_ends_a_command,
    ]
    cases = [case for case in cases if not names or case.__name__ in names]
    failed = 0
    with (
        tempfile.TemporaryDirectory(prefix="张 三 ", ignore_cleanup_errors=True) as folder,
        report.open("w", encoding="utf-8") as lines,
    ):
        for number, case in enumerate(cases):
            begun = time.monotonic()
            place = Path(folder) / f"run {number}"
            place.mkdir()
            try:
                told: dict[str, Any] = {"ok": True, "told": case(program, place)}
            except Exception:
                failed += 1
                told = {"ok": False, "told": traceback.format_exc()}
            seconds = round(time.monotonic() - begun, 1)
            lines.write(json.dumps({"case": case.__name__, "seconds": seconds, **told}) + "\n")
            lines.flush()
    return int(failed > 0)


def a_killed_worker_takes_its_children_along(_program: Path, _folder: Path) -> str:
    """What a worker started ends with it, although nobody tells it to."""
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    worker = context.Process(target=_work_with_a_child, args=(writer,))
    worker.start()
    expect(reader.poll(START_S), "the worker did not start")
    child = psutil.Process(reader.recv())
    expect(child.is_running(), "the worker's child does not run")
    if sys.platform != "win32":
        # As the window does once it notices; Windows needs nobody to notice.
        os.killpg(psutil.Process(worker.pid).pid, signal.SIGKILL)
    worker.kill()
    worker.join()
    gone = wait_until(lambda: not _runs(child), 20)
    return f"its child was gone after {gone:.1f} s"


def _work_with_a_child(writer: Any) -> None:
    from core.jobs.worker import leave_terminal
    from core.system.child_processes import end_descendants_with_this_process

    leave_terminal()
    end_descendants_with_this_process()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    writer.send(child.pid)
    time.sleep(600)


def the_ladder_ends_a_frozen_worker(_program: Path, folder: Path) -> str:
    """A worker that answers nothing is terminated, and the run can be gone on with."""
    from core.jobs.process import JobProcess
    from core.runs.events import Cancelled

    run = _run_folder(folder)
    job = JobProcess(run, stop_timeout_s=3.0, terminate_timeout_s=3.0)
    job.start()
    _poll_until_it_trains(job)
    worker = psutil.Process(job.pid)
    worker.suspend()
    begun = time.monotonic()
    job.stop()
    outcome = job.wait()
    expect(isinstance(outcome, Cancelled), f"the outcome is {outcome!r}")
    expect(not _runs(worker), "the worker is still there")
    return f"it ended after {time.monotonic() - begun:.1f} s"


def a_worker_ends_with_its_killed_window(_program: Path, folder: Path) -> str:
    """The process that started a worker is killed; the worker saves and ends by itself."""
    from core.runs.run_folder import RunFolder

    run = _run_folder(folder)
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    window = context.Process(target=_be_the_window, args=(str(run), writer))
    window.start()
    expect(reader.poll(START_S), "the training did not start")
    worker = psutil.Process(reader.recv())
    expect(worker.is_running(), "the worker does not run")
    window.kill()
    window.join()
    gone = wait_until(lambda: not _runs(worker), END_S)
    state = RunFolder(run).state
    expect(state in ("cancelled", "interrupted"), f"the run's state is {state}")
    return f"it was gone after {gone:.1f} s, the run {state}"


def _be_the_window(run: str, writer: Any) -> None:
    from core.jobs.process import JobProcess

    job = JobProcess(run)
    job.start()
    _poll_until_it_trains(job)
    writer.send(job.pid)
    while True:
        job.poll(0.2)


def ctrl_c_ends_a_command(program: Path, folder: Path) -> str:
    """Ctrl-C stops a training in order; on Windows it reaches all processes of the console."""
    data = _data(folder)
    arguments = ["train", "--data", str(data), "--out", str(folder / "out"), "--epochs", "500"]
    arguments += ["--model", "FastSCNN", "--image-size", "64x64", "--batch-size", "2"]
    said = folder / "said.txt"
    with said.open("wb") as output:
        command = subprocess.Popen(
            [sys.executable, str(program / "main.py"), *arguments],
            stdout=output,
            stderr=output,
            start_new_session=sys.platform != "win32",
        )
    log = folder / "out" / "events.jsonl"
    try:
        wait_until(lambda: log.exists() and '"train/loss"' in log.read_text("utf-8"), START_S)
        workers = psutil.Process(command.pid).children(recursive=True)
        begun = time.monotonic()
        if sys.platform == "win32":
            ctypes.WinDLL("kernel32").SetConsoleCtrlHandler(None, True)  # this process goes on
            os.kill(0, signal.CTRL_C_EVENT)
        else:
            command.send_signal(signal.SIGINT)
        code = command.wait(END_S)
        waited = time.monotonic() - begun
        expect(code == 130, f"it ended with {code}: {said.read_text('utf-8', 'replace')[-500:]}")
        wait_until(lambda: not any(_runs(one) for one in workers), 20)
    finally:
        if command.poll() is None:
            command.kill()
    text = said.read_text("utf-8", "replace")
    expect("Stopped" in text and "Traceback" not in text, text[-500:])
    return f"exit code 130 after {waited:.1f} s"


def _data(folder: Path) -> Path:
    from core.demo import DemoSettings, make_dataset

    data = folder / "数据"
    make_dataset(data, DemoSettings(images=12))
    return data


def _run_folder(folder: Path) -> Path:
    from core.runs.kinds import TrainSpec
    from core.runs.run_folder import RunFolder

    spec = TrainSpec(
        model="FastSCNN",
        data_dir=_data(folder),
        epochs=500,
        batch_size=2,
        image_size=(64, 64),
        log_interval_steps=1,
        device="cpu",
        num_workers=0,
    )
    return RunFolder.create(folder / "run", spec).path


def _poll_until_it_trains(job: Any) -> None:
    from core.runs.events import Metric

    end = time.monotonic() + START_S
    while time.monotonic() < end:
        event = job.poll(0.2)
        if isinstance(event, Metric):
            return
        expect(not job.is_finished, f"the training ended: {job.outcome!r}")
    raise AssertionError("the training did not start")


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def wait_until(condition: Callable[[], object], seconds: float) -> float:
    """Return how long it took; raises ``AssertionError`` after ``seconds``."""
    begun = time.monotonic()
    while not condition():
        expect(time.monotonic() - begun < seconds, f"not within {seconds:.0f} s")
        time.sleep(0.1)
    return time.monotonic() - begun


def expect(condition: object, problem: str) -> None:
    """Raise ``AssertionError`` unless ``condition`` holds."""
    if not condition:
        raise AssertionError(problem)


if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]), sys.argv[3:]))
