"""VisualDL curves of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class VdlLog:
    """VisualDL curves with PaddleX's tags; does nothing when not ``enabled``."""

    def __init__(self, folder: Path, *, enabled: bool) -> None:
        self._writer: Any | None = None
        if enabled:
            from visualdl import LogWriter  # slow to import, and not everyone wants it

            self._writer = LogWriter(logdir=str(folder))

    def training(self, name: str, value: float, step: int) -> None:
        """A point over global steps."""
        self._add(f"-Metrics/Training(Step): {name}", value, step)

    def evaluation(self, name: str, value: float | None, epoch: int) -> None:
        """A point over epochs; undefined values leave a gap."""
        if value is not None:
            self._add(f"-Metrics/Eval(Epoch): {name}", value, epoch)

    def close(self) -> None:
        """Flush and close the log."""
        if self._writer is not None:
            self._writer.close()

    def _add(self, tag: str, value: float, step: int) -> None:
        if self._writer is not None:
            self._writer.add_scalar(tag=tag, value=value, step=step)
