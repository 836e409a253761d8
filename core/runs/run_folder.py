"""A run folder: what a job was asked, what it told, what it left behind.

The state of a run is never written down, it follows from the events and from a lock that the
worker holds while it lives. So no crash can leave a run that claims to be running.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout
from pydantic import ValidationError

from core.runs.event_log import complete_size, read_lines
from core.runs.events import (
    Cancelled,
    Checkpoint,
    Done,
    Event,
    Failed,
    Heartbeat,
    MaskPreview,
    Metric,
    Paused,
    Progress,
    Started,
    Warned,
    from_json,
)
from core.runs.kind_lookup import spec_from_json, spec_to_json
from core.runs.spec import JobSpec
from core.runs.spec_errors import validation_problem
from core.system.errors import InputError
from core.system.files import make_folder, open_regular, write_text_atomic

RunState: TypeAlias = Literal[
    "queued", "running", "paused", "done", "cancelled", "failed", "interrupted"
]
MetricArrays: TypeAlias = dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]
FINAL_STATES: frozenset[RunState] = frozenset({"done", "cancelled", "failed", "interrupted"})

_LOG = logging.getLogger(__name__)


class RunFolder:
    """Reads (and creates) a run folder; works without the engine, also while the job runs.

    Each look reads only what was appended since the last one. Not for use from several threads at
    once: give each thread its own instance.

    Args:
        path: the folder; must hold ``spec.json`` (see ``create``).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self._offset = 0
        self._metrics: dict[str, tuple[list[int], list[float]]] = {}
        self._previews: list[MaskPreview] = []
        self._checkpoints: list[Checkpoint] = []
        self._last: dict[type[Event], Event] = {}
        self._terminal: Event | None = None
        self._paused = False

    @classmethod
    def create(cls, path: str | Path, spec: JobSpec) -> RunFolder:
        """Make the folder with its ``spec.json``; raises ``InputError`` if a run is there."""
        folder = cls(path)
        if folder.spec_path.exists():
            raise InputError("There is already a run in {folder}.", folder=folder.path)
        make_folder(folder.path)
        folder.previews_dir.mkdir(exist_ok=True)
        write_text_atomic(folder.spec_path, spec_to_json(spec) + "\n")
        return folder

    @property
    def spec_path(self) -> Path:
        """``spec.json``."""
        return self.path / "spec.json"

    @property
    def events_path(self) -> Path:
        """``events.jsonl``."""
        return self.path / "events.jsonl"

    @property
    def log_path(self) -> Path:
        """``log.txt``: everything that the worker and its libraries printed."""
        return self.path / "log.txt"

    @property
    def lock_path(self) -> Path:
        """``run.lock``, locked by the worker while it lives."""
        return self.path / "run.lock"

    @property
    def previews_dir(self) -> Path:
        """``previews/``: indexed PNGs named ``{image index}_{step}.png``."""
        return self.path / "previews"

    @property
    def dataset_dir(self) -> Path:
        """``dataset/``: the dataset revision in PaddleX's layout, if the run came with one."""
        return self.path / "dataset"

    @property
    def spec(self) -> JobSpec:
        """What the job was asked; raises ``InputError`` if it cannot be read."""
        try:
            with open_regular(self.spec_path) as file:
                return spec_from_json(file.read())
        except OSError as error:
            raise InputError(
                "There is no run in {folder}: its spec.json cannot be read.", folder=self.path
            ) from error
        except ValidationError as error:
            raise InputError(
                "The job description {file} is not valid: {problem}.",
                file=self.spec_path,
                problem=validation_problem(error),
            ) from error

    @property
    def is_running(self) -> bool:
        """Whether a worker holds the lock, in whichever process."""
        if not self.lock_path.exists():
            return False
        lock = FileLock(self.lock_path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:  # no right to write here: then no worker of ours writes here either
            return False
        lock.release()
        return False

    @property
    def state(self) -> RunState:
        """Where the run stands.

        ``interrupted`` is whatever ended from outside and may be resumed: killed, power cut, the
        window closed or crashed. A run whose own work went wrong is ``failed``.
        """
        running = self.is_running  # before the events: the last of them precedes the unlocking
        self.refresh()
        if self._terminal is not None:
            return final_state(self._terminal)
        if running:
            return "paused" if self._paused else "running"
        return "interrupted" if self._offset else "queued"

    @property
    def result(self) -> dict[str, Any] | None:
        """What the finished job returned."""
        self.refresh()
        return self._terminal.result if isinstance(self._terminal, Done) else None

    @property
    def failure(self) -> Failed | None:
        """Why the job failed."""
        self.refresh()
        return self._terminal if isinstance(self._terminal, Failed) else None

    @property
    def progress(self) -> Progress | None:
        """The newest progress."""
        self.refresh()
        event = self._last.get(Progress)
        return event if isinstance(event, Progress) else None

    @property
    def heartbeat(self) -> Heartbeat | None:
        """The newest sign of life."""
        self.refresh()
        event = self._last.get(Heartbeat)
        return event if isinstance(event, Heartbeat) else None

    @property
    def started(self) -> Started | None:
        """The newest start (a resumed run has several)."""
        self.refresh()
        event = self._last.get(Started)
        return event if isinstance(event, Started) else None

    @property
    def last_checkpoint(self) -> Path | None:
        """The newest model folder to resume from that still exists; None: start anew."""
        self.refresh()
        for event in reversed(self._checkpoints):
            if not event.best and (path := self._inside(event.path)) is not None:
                return path
        return None

    @property
    def best_model(self) -> Path | None:
        """The model folder with the best score that still exists."""
        self.refresh()
        for event in reversed(self._checkpoints):
            if event.best and (path := self._inside(event.path)) is not None:
                return path
        return None

    def events(self, start: int = 0) -> Iterator[tuple[int, Event]]:
        """Yield ``(offset behind it, event)`` from byte ``start`` on.

        Pass the last offset back in to get only what is new; unreadable lines are left out.
        """
        for end, line in read_lines(self.events_path, start):
            if (event := _parse(line)) is not None:
                yield end, event

    def end_offset(self) -> int:
        """The offset behind the last complete event."""
        return complete_size(self.events_path)

    def metrics(self) -> MetricArrays:
        """All curves: tag → (steps int64, values float64, NaN where undefined), steps ascending.

        Where a resumed run went over the same steps again, the newer values count.
        """
        self.refresh()
        return {
            tag: (np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))
            for tag, (steps, values) in self._metrics.items()
        }

    def previews(self, *, history: bool = False) -> list[MaskPreview]:
        """The newest preview of each image by index; with ``history`` all that still exist."""
        self.refresh()
        present = [event for event in self._previews if self._inside(event.path) is not None]
        if history:
            return present
        newest = {event.index: event for event in present}
        return [newest[index] for index in sorted(newest)]

    def log_tail(self, max_bytes: int = 65536) -> str:
        """The end of ``log.txt`` in whole lines; empty if there is none yet."""
        try:
            with self.log_path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - max_bytes))
                data = file.read()
        except FileNotFoundError:
            return ""
        if size > max_bytes:
            data = data[data.find(b"\n") + 1 :]
        return data.decode("utf-8", "replace")

    def refresh(self) -> None:
        """Take in what was appended since the last look; every property does it itself."""
        for end, line in read_lines(self.events_path, self._offset):
            self._offset = end
            if (event := _parse(line)) is not None:
                self._add(event)

    def _add(self, event: Event) -> None:
        # Anything after an end belongs to the next attempt in the same folder.
        self._terminal = event if isinstance(event, (Done, Cancelled, Failed)) else None
        match event:
            case Metric():
                self._add_metric(event)
            case MaskPreview():
                self._previews.append(event)
            case Checkpoint():
                self._checkpoints.append(event)
            case Paused():
                self._paused = event.paused
            case Started():
                self._paused = False
            case Warned():
                return
        self._last[type(event)] = event

    def _add_metric(self, metric: Metric) -> None:
        steps, values = self._metrics.setdefault(metric.tag, ([], []))
        while steps and steps[-1] >= metric.step:
            steps.pop()
            values.pop()
        steps.append(metric.step)
        values.append(float("nan") if metric.value is None else metric.value)

    def _inside(self, relative: str) -> Path | None:
        path = (self.path / relative).resolve()
        return path if path.is_relative_to(self.path.resolve()) and path.exists() else None


def final_state(event: Event) -> RunState:
    """The state that a run has after its last event."""
    match event:
        case Done():
            return "done"
        case Cancelled(reason="parent_died" | "window_closed") | Failed(kind="killed"):
            return "interrupted"
        case Cancelled():
            return "cancelled"
        case _:
            return "failed"


def _parse(line: bytes) -> Event | None:
    try:
        return from_json(line)
    except ValueError:
        _LOG.warning("unreadable event: %r", line[:80])
        return None
