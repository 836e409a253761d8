"""How late a window's 10 ms timer is while a network trains on the same cores.

Compares an idle window, training in a worker process (as the program does it) and training in a
QThread inside the window's process. Each case runs in a fresh process, pinned to the same cores.

    uv run benchmarks/event_loop.py [--seconds 20] [--cores 2]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PySide6.QtCore import QCoreApplication, QObject, Qt, QThread, QTimer, Signal
from PySide6.QtWidgets import QApplication

from app.services.workers import JobController
from core.images.io import write_image, write_mask
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder
from core.system.reporting import Reporter, StopRequested

CASES = {
    "idle": "idle",
    "process": "training in a process (JobThread)",
    "thread": "training in a QThread of the window",
}
PERIOD_MS = 10
SIDE = 256
BATCH = 8
IMAGES = 64


class Lateness(QObject):
    """Measures a repeating timer: how much later than its period each tick comes."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self._seconds = seconds
        self._end = 0.0
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(PERIOD_MS)
        self._timer.timeout.connect(self._on_timeout)

    def start(self) -> None:
        """Begin; the application ends after ``seconds``."""
        if not self._timer.isActive():
            self._last = time.perf_counter()
            self._end = self._last + self._seconds
            self._timer.start()

    def _on_timeout(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(max(0.0, (now - self._last) * 1000 - PERIOD_MS))
        self._last = now
        if now > self._end:
            QCoreApplication.quit()


class StepReporter(Reporter):
    """Counts steps and stops when told."""

    def __init__(self, thread: TrainingThread) -> None:
        self._thread = thread

    def check(self) -> None:
        """Stop at a step boundary."""
        if self._thread.isInterruptionRequested():
            raise StopRequested

    def metric(self, tag: str, step: int, value: float | None) -> None:
        """Tell the window, as the process does."""
        self._thread.stepped.emit(step)


class TrainingThread(QThread):
    """What this program does not do: train inside the window's process."""

    stepped = Signal(int)

    def __init__(self, run_dir: Path) -> None:
        super().__init__()
        self._run_dir = run_dir

    def run(self) -> None:
        """The thread's body."""
        from core.jobs.tasks import run_task

        run = RunFolder(self._run_dir)
        try:
            run_task(run.spec, run, StepReporter(self))
        except StopRequested:
            return


def write_run(folder: Path) -> Path:
    """Make data and a run folder; returns the latter."""
    rng = np.random.default_rng(0)
    data = folder / "data"
    data.mkdir()
    (data / "labels.txt").write_text("background\ndefect\n")
    lines = []
    for index in range(IMAGES):
        write_image(data / f"{index}.png", rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8))
        write_mask(data / f"{index}_mask.png", rng.integers(0, 2, (SIDE, SIDE)).astype(np.uint8))
        lines.append(f"{index}.png\t{index}_mask.png\n")
    (data / "train_list.txt").write_text("".join(lines))
    (data / "val_list.txt").write_text("".join(lines[:2]))
    spec = TrainSpec(
        model="FastSCNN",
        data_dir=data,
        epochs=1000,
        save_interval_epochs=1000,
        batch_size=BATCH,
        image_size=(SIDE, SIDE),
        log_interval_steps=1,
        use_vdl=False,
        device="cpu",
    )
    return RunFolder.create(folder / "run", spec).path


def measure(case: str, seconds: float, folder: Path) -> dict[str, float]:
    """Run one case in this process."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication([])
    lateness = Lateness(seconds)
    steps: set[int] = set()
    controller = JobController()
    thread: TrainingThread | None = None

    def on_step(step: int) -> None:
        steps.add(step)
        if len(steps) > 1:  # the first step warms up
            lateness.start()

    if case == "idle":
        lateness.start()
    elif case == "process":
        controller.job_event.connect(
            lambda _, event: on_step(event.step) if hasattr(event, "tag") else None
        )
        controller.run_state_changed.connect(
            lambda _, state: application.exit(1) if state == "failed" else None
        )
        controller.start("run", write_run(folder))
    else:
        thread = TrainingThread(write_run(folder))
        thread.stepped.connect(on_step)
        thread.finished.connect(lambda: application.exit(1))
        thread.start()
    code = application.exec()
    if thread is not None:
        thread.requestInterruption()
        thread.wait()
    controller.shutdown()
    if code or not lateness.late_ms:
        raise RuntimeError(f"the training of case {case!r} ended early")
    late = np.array(lateness.late_ms)
    return {
        "p50": float(np.percentile(late, 50)),
        "p99": float(np.percentile(late, 99)),
        "max": float(late.max()),
        "ticks": len(late),
        "images_per_second": max(0, len(steps) - 2) * BATCH / seconds,
    }


def main() -> int:
    """Measure every case and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if options.case:
            print(json.dumps(measure(options.case, options.seconds, Path(folder))))
            return 0
    process = psutil.Process()
    process.cpu_affinity(process.cpu_affinity()[: options.cores])
    print(f"lateness of a {PERIOD_MS} ms timer, FastSCNN {BATCH}x{SIDE}x{SIDE}, ms")
    print(f"{'':38}{'p50':>8}{'p99':>8}{'max':>8}{'images/s':>10}")
    for case, title in CASES.items():
        command = [sys.executable, __file__, "--case", case, "--seconds", str(options.seconds)]
        output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        row = json.loads(output.splitlines()[-1])
        print(
            f"{title:38}{row['p50']:8.1f}{row['p99']:8.1f}{row['max']:8.1f}"
            f"{row['images_per_second']:10.1f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
