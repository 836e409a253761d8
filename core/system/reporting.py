"""What the engine tells while it works, and how it is asked to pause or stop.

The engine knows only this class; jobs subclass it to turn the calls into events. Used as it is,
it never interrupts and shows nothing but warnings, as Python's; that is what library users get.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from core.system.messages import Message

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class StopRequested(Exception):  # noqa: N818 - a request, not an error
    """Raised by ``Reporter.check`` when the work must end at this step boundary."""


class Reporter:
    """Receiver of progress; every method may be called often and must return at once."""

    def check(self) -> None:
        """Called at every step boundary: blocks while paused, raises ``StopRequested``."""

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
        """``step`` of ``steps`` is done."""

    def metric(self, tag: str, step: int, value: float | None) -> None:
        """One point of a curve; tags as in ``core.runs.events.Metric``."""

    def preview_due(self, step: int) -> bool:
        """Whether previews are wanted now, outside evaluation."""
        return False

    def preview(self, image: str, index: int, step: int, label_map: npt.NDArray[np.uint8]) -> None:
        """Label map (H, W) uint8 of preview image ``index`` at its original size."""

    def checkpoint(
        self, path: Path, score: float | None, *, epoch: int, best: bool = False
    ) -> None:
        """A model folder was written to ``path``; ``score`` is mIoU."""

    def warn(self, message: Message) -> None:
        """Something the user should know."""
        warnings.warn(str(message), stacklevel=3)
