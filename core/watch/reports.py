"""What the watcher tells: results, notices, and what other processes ask about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from core.system.messages import Message

Outcome: TypeAlias = Literal["accept", "warn", "inconclusive", "reject", "broken"]
#: What can become of an image, best first; ``broken``: it could not be read or judged.
OUTCOMES: Final[tuple[Outcome, ...]] = ("accept", "warn", "inconclusive", "reject", "broken")
NoticeKind: TypeAlias = Literal[
    "no_room",
    "room_again",
    "folder_gone",
    "folder_back",
    "subfolder",
    "clock",
    "project",
    "label_limit",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One image that was judged.

    Attributes:
        id: its number in the log; never used twice.
        path: below the watched folder, with ``/``.
        hash: SHA-256 of the file.
        arrived: when it was first seen, seconds since the epoch.
        judged: when its result was logged.
        outcome: what became of it.
        reasons: why, in sentences; empty for an accepted one.
        objects: how many were found, by class name.
        milliseconds: from reading the file to the result.
        confidence: mean over its pixels of the highest score, 0 … 1; None for a broken one.
        oddities: why it is unlike what the model knows, in sentences; empty if it is not.
        model: network and the beginning of its file's hash.
        revision: hash of the labelled data that the model was trained on, or None.
        overlay: picture of the result below the output folder, or None.
        mask: label map of it, or None.
        to_label: whether it waits, or waited, to be labelled.
        again: whether it may have been told before: the program ended while it was telling it.
    """

    id: int
    path: str
    hash: str
    arrived: float
    judged: float
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    objects: Mapping[str, int] = field(default_factory=dict)
    milliseconds: float = 0.0
    confidence: float | None = None
    oddities: tuple[str, ...] = ()
    model: str = ""
    revision: str | None = None
    overlay: str | None = None
    mask: str | None = None
    to_label: bool = False
    again: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return what a line of ``watch --json`` holds."""
        return {
            "event": "judged",
            "id": self.id,
            "path": self.path,
            "outcome": self.outcome,
            "reasons": list(self.reasons),
            "objects": dict(self.objects),
            "milliseconds": round(self.milliseconds, 2),
            "confidence": self.confidence,
            "oddities": list(self.oddities),
            "to_label": self.to_label,
            "hash": self.hash,
            "arrived": self.arrived,
            "judged": self.judged,
            "model": self.model,
            "revision": self.revision,
            "overlay": self.overlay,
            "mask": self.mask,
            "again": self.again,
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people should know while the watching goes on."""

    kind: NoticeKind
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCounts:
    """What was judged on one day.

    Attributes:
        day: ``YYYY-MM-DD`` in local time.
        outcomes: images by outcome.
        images: in how many images each class was found, by class name.
        objects: how many objects of each class were found.
    """

    day: str
    outcomes: Mapping[str, int] = field(default_factory=dict)
    images: Mapping[str, int] = field(default_factory=dict)
    objects: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All images of the day."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchStatus:
    """What a watcher does at the moment, as it wrote it last.

    Attributes:
        state: ``watching``, ``folder_gone`` or ``ended``.
        waiting: images that have arrived and are not judged yet, half-written ones included.
        since: when this was so first, seconds since the epoch.
    """

    state: Literal["watching", "folder_gone", "ended"] = "ended"
    waiting: int = 0
    since: float = 0.0
