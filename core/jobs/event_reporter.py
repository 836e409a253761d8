"""The engine's reporter inside a worker: calls become events, requests become flags."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.images.io import write_mask
from core.images.palette import default_palette
from core.runs.events import (
    Checkpoint,
    Event,
    MaskPreview,
    Metric,
    Paused,
    Progress,
    StopReason,
    Warned,
)
from core.system.messages import Message
from core.system.reporting import Reporter, StopRequested

_LOG = logging.getLogger(__name__)
_PROGRESS_INTERVAL_S = 0.5
_PREVIEW_INTERVAL_S = 0.1
_PREVIEWS_KEPT = 48


class JobReporter(Reporter):
    """Turns what the engine reports into events; asked to pause, stop and preview from outside.

    Args:
        emit: takes each event; called from the engine's thread and from the preview writer's.
        run_dir: the run folder; paths in events are relative to it.
    """

    def __init__(self, emit: Callable[[Event], None], run_dir: Path) -> None:
        self._emit = emit
        self._run_dir = run_dir
        self._previews = PreviewWriter(emit, run_dir)
        self._running = threading.Event()
        self._running.set()
        self._stop = threading.Event()
        self._preview_wanted = threading.Event()
        self._send: Callable[[str], None] = lambda command: None
        self._progress_at = 0.0
        self._progress_key = ("", -1, False)
        self.stop_reason: StopReason = "user"

    def request_stop(self, reason: StopReason = "user") -> None:
        """End the work at the next step boundary."""
        if not self._stop.is_set():
            self.stop_reason = reason
        self._stop.set()
        self._running.set()
        self._send("stop")

    def request_pause(self, paused: bool) -> None:
        """Wait at the next step boundary, or go on."""
        if paused and not self._stop.is_set():
            self._running.clear()
            self._send("pause")
        else:
            self._running.set()
            self._send("resume")

    def request(self, command: str) -> None:
        """Do what ``command`` names: pause, resume, stop, close or preview."""
        match command:
            case "pause":
                self.request_pause(True)
            case "resume":
                self.request_pause(False)
            case "stop":
                self.request_stop()
            case "close":
                self.request_stop("window_closed")
            case "preview":
                self.request_preview()
            case _:
                _LOG.warning("unknown command %r", command)

    def relay(self, send: Callable[[str], None]) -> None:
        """Pass requests on to another process; those made before, at once."""
        self._send = send
        if not self._running.is_set():
            send("pause")
        if self._stop.is_set():
            send("stop")

    def request_preview(self) -> None:
        """Have the previews redrawn soon."""
        self._preview_wanted.set()
        self._send("preview")

    def close(self) -> None:
        """Write the previews that still wait; call at the end of the job."""
        self._previews.close()

    def check(self) -> None:
        """Block while paused; raise ``StopRequested`` when the work must end."""
        if not self._running.is_set() and not self._stop.is_set():
            self._emit(Paused(True))
            self._running.wait()
            self._emit(Paused(False))
        if self._stop.is_set():
            raise StopRequested(self.stop_reason)

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
        """Send ``Progress`` twice a second, and at the end of each epoch."""
        now = time.monotonic()
        due = now - self._progress_at >= _PROGRESS_INTERVAL_S
        key = (stage, epoch, step >= steps)
        if not due and key == self._progress_key:
            return
        self._progress_at, self._progress_key = now, key
        self._emit(
            Progress(
                int(step),
                int(steps),
                _number(eta_s),
                stage,
                int(epoch),
                int(epochs),
                _number(images_per_second),
            )
        )

    def metric(self, tag: str, step: int, value: float | None) -> None:
        """Send ``Metric``; none is ever dropped."""
        self._emit(Metric(tag, int(step), _number(value)))

    def preview_due(self, step: int) -> bool:
        """Whether previews were asked for since the last call."""
        if self._preview_wanted.is_set():
            self._preview_wanted.clear()
            return True
        return False

    def preview(self, image: str, index: int, step: int, label_map: npt.NDArray[np.uint8]) -> None:
        """Have the label map written and shown; returns at once."""
        self._previews.put(str(image), int(index), int(step), label_map)

    def checkpoint(
        self, path: Path, score: float | None, *, epoch: int, best: bool = False
    ) -> None:
        """Send ``Checkpoint``."""
        self._emit(Checkpoint(self._relative(path), _number(score), int(epoch), best))

    def warn(self, message: Message) -> None:
        """Log it and send ``Warned``."""
        _LOG.warning("%s", message)
        self._emit(Warned(str(message), message.template, dict(message.params)))

    def _relative(self, path: Path) -> str:
        absolute = path.absolute()
        inside = absolute.is_relative_to(self._run_dir)
        return (absolute.relative_to(self._run_dir) if inside else absolute).as_posix()


class PreviewWriter:
    """Writes label maps as files in a thread of its own, so that training does not wait.

    At most ten a second; where a newer one of the same image has come, the older is dropped. Of
    each image some dozens are kept, evenly spread over the run.
    """

    def __init__(self, emit: Callable[[Event], None], run_dir: Path) -> None:
        self._emit = emit
        self._run_dir = run_dir
        self._waiting: dict[int, tuple[str, int, npt.NDArray[np.uint8]]] = {}
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._palette = default_palette(256)
        self._thread = threading.Thread(target=self._run, name="previews", daemon=True)
        self._thread.start()

    def put(self, image: str, index: int, step: int, label_map: npt.NDArray[np.uint8]) -> None:
        """Have ``label_map`` (H, W) written; a waiting one of the same index is replaced."""
        copy = np.array(label_map, dtype=np.uint8)
        with self._changed:
            self._waiting[index] = (image, step, copy)
            self._changed.notify_all()

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, then end the thread."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if self._closing.is_set():
                        return
                    self._changed.wait()
                index = next(iter(self._waiting))
                image, step, label_map = self._waiting.pop(index)
            try:
                self._write(image, index, step, label_map)
            except OSError as error:  # a full disk must not end training because of a picture
                _LOG.warning("preview not written: %s", error)
            self._closing.wait(_PREVIEW_INTERVAL_S)

    def _write(self, image: str, index: int, step: int, label_map: npt.NDArray[np.uint8]) -> None:
        folder = self._run_dir / "previews"
        path = folder / f"{index:02d}_{step:08d}.png"
        folder.mkdir(exist_ok=True)
        write_mask(path, label_map, palette=self._palette)
        self._emit(MaskPreview(image, path.relative_to(self._run_dir).as_posix(), index, step))
        written = sorted(folder.glob(f"{index:02d}_*.png"))
        if len(written) > _PREVIEWS_KEPT:
            for old in written[1:-1:2]:  # every second, but not the first and the newest
                old.unlink(missing_ok=True)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
