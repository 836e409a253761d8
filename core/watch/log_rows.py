"""Rows of the log as the watcher reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.watch.folder_scan import Stamp
from core.watch.reports import Outcome


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The newest row of a path."""

    id: int
    stamp: Stamp
    hash: str
    arrived: float
    attempts: int
    outcome: str | None

    @property
    def is_done(self) -> bool:
        """Whether it has its result, broken ones included."""
        return self.outcome is not None

    @property
    def is_judged(self) -> bool:
        """Whether it was judged."""
        return self.outcome not in (None, "broken")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What is written of an image that is finished; fields as in ``Judged``.

    ``picture_bytes`` is the size of overlay and mask together, ``to_label`` the name of its copy
    among those to label.
    """

    outcome: Outcome
    judged: float
    reasons: Sequence[str] = ()
    objects: Mapping[str, int] = field(default_factory=dict)
    milliseconds: float = 0.0
    confidence: float | None = None
    oddities: Sequence[str] = ()
    model: str = ""
    revision: str | None = None
    overlay: str | None = None
    mask: str | None = None
    picture_bytes: int = 0
    to_label: str | None = None


@dataclass(frozen=True, slots=True)
class ToLabel:
    """An image that waits to be labelled: ``file`` is the name of its copy."""

    id: int
    path: str
    file: str
    judged: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pictures:
    """What was kept of an image: paths below the output folder, and their bytes together."""

    id: int
    judged: float
    files: tuple[str, ...]
    size: int
