"""What the project hands out: frozen rows and reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from core.datasets import SUBSETS, Subset
from core.system.messages import Message

ImageSubset = Subset | Literal["none"]
"""The subset that an image is in, or that it is in none."""
State = Literal["unlabelled", "draft", "labelled", "reviewed"]
Order = Literal["name", "added", "worst"]
RunState = Literal["queued", "running", "paused", "done", "cancelled", "failed", "interrupted"]

IMAGE_SUBSETS: tuple[ImageSubset, ...] = (*SUBSETS, "none")
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image of the project.

    ``path`` is absolute and may not exist any more; ``width`` and ``height`` are pixels;
    ``mask_hash`` names the current mask; ``group`` ties images that must share a subset;
    ``score`` is the mIoU of the last evaluation (0 … 1).
    """

    id: int
    name: str
    path: Path
    width: int
    height: int
    subset: ImageSubset
    state: State
    mask_hash: str | None
    group: str | None
    score: float | None
    comment: str
    flagged: bool


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """Which images, in which order; None means any.

    ``text`` is searched for in name, comment and group, without regard to ASCII case.
    ``order="worst"`` puts the lowest score first and images without one last.
    """

    subset: ImageSubset | None = None
    state: State | None = None
    class_id: int | None = None
    flagged: bool | None = None
    text: str = ""
    order: Order = "name"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ImageCounts:
    """How many images a query finds, in all and by subset and state (absent: 0)."""

    total: int
    by_subset: dict[ImageSubset, int]
    by_state: dict[State, int]


@dataclass(frozen=True, slots=True)
class MaskInfo:
    """A stored mask: ``hash`` is the sha256 over size and pixels, ``pixels`` counts by class id."""

    hash: str
    width: int
    height: int
    pixels: dict[int, int]


@dataclass(frozen=True, slots=True)
class CountedMask:
    """A stored mask and where it counts: ``core.project.counted_areas``' text, None everywhere."""

    hash: str
    area: str | None


@dataclass(frozen=True, slots=True)
class MaskVersion:
    """An earlier mask of an image; ``replaced`` is seconds since the epoch."""

    hash: str
    replaced: float


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    ``added`` images are new, ``masks`` got a mask, ``unchanged`` had the same content already,
    ``conflicts`` keep their own mask (or had it replaced, when asked for), ``lost`` says in
    sentences what could not be taken over.
    """

    added: int = 0
    masks: int = 0
    unchanged: int = 0
    conflicts: tuple[Path, ...] = ()
    replaced: int = 0
    classes: tuple[str, ...] = ()
    lost: tuple[Message, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What undoing an import did; ``kept`` images were changed since and stay as they are."""

    removed: int
    restored: int
    kept: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class GarbageReport:
    """What ``collect_garbage`` removed: files of masks and runs, and their size in bytes."""

    files: int
    size: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run: ``folder`` is absolute, ``state`` and ``best_miou`` as last seen.

    ``number`` counts trainings, from 1; other kinds have none. ``name``, ``note`` and ``pinned``
    are the user's.
    """

    id: int
    name: str
    folder: Path
    kind: str
    model: str
    state: RunState
    best_miou: float | None
    created: float
    revision_id: int | None
    parent_id: int | None
    number: int | None = None
    note: str = ""
    pinned: bool = False
