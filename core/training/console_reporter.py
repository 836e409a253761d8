"""Progress as lines of text, for scripts that use the library."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TextIO

from core.system.reporting import Reporter

_EVERY_S = 2.0
_STAGES = {"prepare": "download", "train": "train", "evaluate": "evaluate"}


class ConsoleReporter(Reporter):
    """Prints where the work stands, at most every two seconds, and each evaluation and model.

    Lines rather than a bar: scripts run in notebooks, logs and pipes as often as in terminals.

    Args:
        stream: where to; None for standard output as it is at each line.
        every_s: seconds between two lines of progress.
    """

    def __init__(self, stream: TextIO | None = None, *, every_s: float = _EVERY_S) -> None:
        self._stream = stream
        self._every_s = every_s
        self._printed: dict[str, float] = {}
        self._values: dict[str, float] = {}

    def progress(
        self,
        step: int,
        steps: int,
        *,
        stage: str = "train",
        epoch: int = 0,
        epochs: int = 0,
        eta_s: float | None = None,
        images_per_second: float | None = None,
    ) -> None:
        """Print ``step`` of ``steps`` unless a line of this stage was printed just now."""
        now = time.monotonic()
        if step < steps and now - self._printed.get(stage, -self._every_s) < self._every_s:
            return
        self._printed[stage] = now
        parts = [f"{_STAGES.get(stage, stage)} {step}/{steps}"]
        if epochs:
            parts.append(f"epoch {epoch}/{epochs}")
        if stage == "train":
            parts += [
                f"{name} {self._values[tag]:.4g}"
                for name, tag in (("loss", "train/loss"), ("lr", "train/lr"))
                if tag in self._values
            ]
        if images_per_second is not None:
            parts.append(f"{images_per_second:.1f} images/s")
        if eta_s is not None:
            parts.append(f"{_duration(eta_s)} left")
        self._print(", ".join(parts))

    def metric(self, tag: str, step: int, value: float | None) -> None:
        """Remember the value for the next line; print mIoU at once."""
        if value is None:
            return
        self._values[tag] = value
        if tag == "val/miou":
            self._print(f"evaluated at step {step}: mIoU {value:.4f}")

    def checkpoint(
        self, path: Path, score: float | None, *, epoch: int, best: bool = False
    ) -> None:
        """Print where a model was saved."""
        self._print(f"saved {path}{' (the best so far)' if best else ''}")

    def _print(self, line: str) -> None:
        print(line, file=self._stream or sys.stdout, flush=True)


def _duration(seconds: float) -> str:
    """``0:42`` or ``2:10:05``."""
    minutes, whole = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{whole:02d}" if hours else f"{minutes}:{whole:02d}"
