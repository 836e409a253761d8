"""Reading what a model proposes for one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.panels.label.draft_job import StoredDraft
from core.annotation.components import pick_component
from core.annotation.draft import Prediction, read_prediction
from core.annotation.draft_remainder import read_remainder
from core.annotation.edits import Mask, Pixels, Region
from core.images.io import IGNORE_INDEX
from core.project import ImageRow
from core.system.errors import InputError


@dataclass(frozen=True, slots=True)
class ReadDraft:
    """A prediction of an image.

    Attributes:
        image_id: of which one.
        prediction: what the model says.
        stored: where a job keeps it, None for one that was just asked for.
        rest: (H, W) pixels that were not accepted yet, None for all.
    """

    image_id: int
    prediction: Prediction
    stored: StoredDraft | None = None
    rest: Pixels | None = None


def read_stored(row: ImageRow, stored: StoredDraft) -> ReadDraft | None:
    """Read what a job proposes for an image; None if nothing of it is left.

    Raises:
        InputError: files are damaged or belong to another image.
    """
    record = stored.record
    if Path(record.image).name != row.path.name:
        raise InputError(
            "The draft in {folder} belongs to {image}, not to {other}: have the model draft the "
            "image again.",
            folder=stored.run_dir,
            image=record.image,
            other=row.path,
        )
    size, rest = (row.width, row.height), None
    if row.state == "draft":
        rest = read_remainder(stored.run_dir, record.index, size=size)
        if rest is None or not rest.any():
            return None  # a draft of another kind, or looked through
    return ReadDraft(row.id, read_prediction(stored.run_dir, record, size=size), stored, rest)


def part_at(offered: Mask, place: tuple[float, float]) -> Region | None:
    """Return the connected part at (x, y) of what is offered, None where nothing is."""
    height, width = offered.shape
    x, y = int(place[0] // 1), int(place[1] // 1)
    if not (0 <= x < width and 0 <= y < height) or offered[y, x] == IGNORE_INDEX:
        return None
    return pick_component(offered, x, y)
