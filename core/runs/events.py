"""What a job tells about itself: frozen dataclasses, one JSON line each.

Every event is appended to the run folder's ``events.jsonl`` before it is sent, so a window that
starts later shows the same picture as one that watched.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, Union

from pydantic import Discriminator, Tag, TypeAdapter

StopReason = Literal["user", "window_closed", "parent_died"]
FailureKind = Literal["bad_input", "oom", "disk_full", "killed", "bug"]
FilesProblem = Literal["", "missing", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events; ``time`` is seconds since the epoch."""

    time: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The worker is up. ``kind`` is the spec's kind, ``device`` as the engine uses it."""

    kind: str
    pid: int
    device: str


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """``step`` of ``steps`` of the whole job is done; ``eta_s`` seconds remain (None: unknown).

    ``stage`` is one that ``core.runs.kinds`` names, ``epoch`` counts from 1,
    ``images_per_second`` is the mean over the last log interval.
    """

    step: int
    steps: int
    eta_s: float | None
    stage: str = "train"
    epoch: int = 0
    epochs: int = 0
    images_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Metric(Event):
    """One point of a curve: ``tag`` at the global training ``step``; None where undefined.

    Tags: ``train/loss``, ``train/lr``, ``val/miou``, ``val/oacc``, ``val/kappa``,
    ``val/iou/{class index}`` (None where the class is absent from labels and predictions).
    ``sensitivity/{group}``: loss of mIoU (share of it) when ``step`` percent of the channels of a
    group are pruned.
    """

    tag: str
    step: int
    value: float | None


@dataclass(frozen=True, slots=True)
class MaskPreview(Event):
    """Predicted label map of a fixed validation image.

    ``image`` is the image's path, ``path`` an indexed 8-bit PNG relative to the run folder,
    ``index`` its place among the previews (0 …), ``step`` the global training step.
    """

    image: str
    path: str
    index: int
    step: int


@dataclass(frozen=True, slots=True)
class Checkpoint(Event):
    """A model folder was written. ``path`` relative to the run folder; ``score`` is mIoU."""

    path: str
    score: float | None
    epoch: int
    best: bool = False


@dataclass(frozen=True, slots=True)
class Heartbeat(Event):
    """The worker is alive (every few seconds, also while paused).

    ``rss`` is the memory held by the worker and its children, ``available`` what the machine
    could still give, both in bytes; they tell afterwards whether memory ran out.
    """

    rss: int | None = None
    available: int | None = None


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """The job waits at a step boundary (``paused``) or goes on again (not ``paused``)."""

    paused: bool


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """Something the user should know; ``template`` and ``params`` for translation."""

    message: str
    template: str = ""
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done(Event):
    """Finished. ``result`` is the JSON object that the command line prints with ``--json``."""

    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cancelled(Event):
    """Stopped before its end.

    ``reason`` is ``user`` (on request), ``window_closed`` (with its window or project) or
    ``parent_died``.
    """

    reason: StopReason = "user"


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """Could not finish: one sentence of what happened and one of what to do.

    ``template``/``params`` and ``advice_template``/``advice_params`` are the same two sentences
    for translation. ``files`` are the images that it is about, absolute, and ``files_problem`` what
    is wrong with them, so that the window can offer to leave them out or to look for them.
    """

    kind: FailureKind
    message: str
    advice: str = ""
    template: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    advice_template: str = ""
    advice_params: dict[str, Any] = field(default_factory=dict)
    files_problem: FilesProblem = ""
    files: list[str] = field(default_factory=list)


TERMINAL: tuple[type[Event], ...] = (Done, Cancelled, Failed)


def _name(event: Any) -> Any:
    return event.get("event") if isinstance(event, dict) else type(event).__name__


_EVENTS: Final[tuple[type[Event], ...]] = (
    Started,
    Progress,
    Metric,
    MaskPreview,
    Checkpoint,
    Heartbeat,
    Paused,
    Warned,
    Done,
    Cancelled,
    Failed,
)
_EVENT: Any = Union[tuple(Annotated[one, Tag(one.__name__)] for one in _EVENTS)]  # noqa: UP007
_ADAPTER: Final[TypeAdapter[Event]] = TypeAdapter(Annotated[_EVENT, Discriminator(_name)])


def to_json(event: Event) -> str:
    """Return ``event`` as one line of strict JSON (NaN and infinities become null)."""
    fields = json.loads(_ADAPTER.dump_json(event, warnings=False))
    if isinstance(event, Failed) and not event.files:  # as earlier versions wrote it
        del fields["files_problem"], fields["files"]
    return json.dumps({"event": type(event).__name__, **fields}, ensure_ascii=False)


def from_json(line: str | bytes) -> Event:
    """Parse one line of ``events.jsonl``.

    Raises:
        ValueError: not JSON, an unknown event, or a field that is missing or not as it must be.
            Unknown fields are dropped, so that an older window can read a newer run.
    """
    return _ADAPTER.validate_json(line)
