"""A model's draft of an image's labels: classes by name, confidence, and where a job keeps it.

A job that drafts labels writes, in its run folder, ``results.jsonl`` with one line an image
and two PNGs each under ``drafts/``: the label map in the model's class ids, and the confidence; and
``drafts/labels.json``, the names of these classes.
Nothing of it touches the project's masks until it is accepted.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.annotation.edits import Mask, Pixels, Region, whole_box
from core.annotation.uncertainty import Uncertainty
from core.data.label_class import LabelClass
from core.images.io import IGNORE_INDEX, read_mask
from core.system.errors import InputError
from core.system.files import write_bytes_atomic, write_json_atomic
from core.system.messages import Message, message

RESULTS = "results.jsonl"
DRAFTS_DIR = "drafts"
UncertaintyOrder = Literal["entropy", "margin"]

_LOG = logging.getLogger(__name__)
_LABELS = "labels.json"
_REJECTED = "rejected.json"
_NAMED = 5


@dataclass(frozen=True, slots=True)
class ClassMapping:
    """From a model's class ids to a project's.

    Attributes:
        table: project id by model id; 255 for classes that the project lacks.
        missing: names of those.
    """

    table: tuple[int, ...]
    missing: tuple[str, ...] = ()

    @property
    def problem(self) -> Message | None:
        """Say which classes are left out, None if all are known."""
        if not self.missing:
            return None
        return message(
            "The project has no class called {names}: what the model says of it is left out.",
            names=", ".join(self.missing[:_NAMED]) + (" …" if len(self.missing) > _NAMED else ""),
        )


def map_classes(model: Sequence[str], project: Iterable[LabelClass]) -> ClassMapping:
    """Map classes by their names, surrounding spaces and case aside; order does not matter."""
    ids = {_key(label.name): label.id for label in project}
    table = tuple(ids.get(_key(name), IGNORE_INDEX) for name in model)
    missing = tuple(name for name in model if _key(name) not in ids)
    return ClassMapping(table, missing)


def _key(name: str) -> str:
    return name.strip().casefold()


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a model says of one image.

    Attributes:
        label_map: (H, W) uint8 in the model's class ids, 255 where nothing was predicted.
        confidence: (H, W) uint8, probability of that class × 255.
        uncertainty: of the whole image.
        labels: the model's class names.
    """

    label_map: Mask
    confidence: Mask
    uncertainty: Uncertainty
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A prediction in the project's class ids, less what was accepted of it.

    Attributes:
        label_map: (H, W) uint8, 255 where nothing is offered (any more).
        confidence: (H, W) uint8.
        uncertainty: of the whole image.
        mapping: how the classes were found.
    """

    label_map: Mask
    confidence: Mask
    uncertainty: Uncertainty
    mapping: ClassMapping

    @classmethod
    def of(cls, prediction: Prediction, project: Iterable[LabelClass]) -> Draft:
        """Translate a prediction into the classes of a project."""
        mapping = map_classes(prediction.labels, project)
        table = np.full(256, IGNORE_INDEX, np.uint8)
        table[: len(mapping.table)] = mapping.table
        return cls(
            table[prediction.label_map], prediction.confidence, prediction.uncertainty, mapping
        )

    def offered(self, threshold: int, *, background: int | None = None) -> Mask:
        """Return what is offered: 255 where the confidence is below ``threshold`` (0 … 255).

        Args:
            threshold: least confidence.
            background: a class that is left out, None for none.
        """
        offered = self.label_map.copy()
        offered[self.confidence < threshold] = IGNORE_INDEX
        if background is not None:
            offered[offered == background] = IGNORE_INDEX
        return offered

    def as_label(self, mask: Mask, threshold: int, *, class_id: int | None = None) -> Region:
        """Return the pixels of which ``label_map`` is to be the label.

        Don't-care pixels of the mask (255) are not among them: people said so of the image, and a
        model knows nothing of it.

        Args:
            mask: the image's labels, (H, W) uint8.
            threshold: least confidence, 0 … 255; what the model is less sure of stays as it is.
            class_id: only what is of this class, in the mask or in the draft; None for all.
        """
        offered = self.offered(threshold)
        pixels: Pixels = (offered != IGNORE_INDEX) & (mask != IGNORE_INDEX)
        if class_id is not None:
            pixels &= (offered == class_id) | (mask == class_id)
        return Region(whole_box(mask), pixels)

    def without(self, region: Region) -> Draft:
        """Return the draft less the pixels of a region."""
        left = self.label_map.copy()
        x0, y0, x1, y1 = region.box
        left[y0:y1, x0:x1][region.pixels] = IGNORE_INDEX
        return Draft(left, self.confidence, self.uncertainty, self.mapping)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        pixels: Pixels = self.label_map != IGNORE_INDEX
        return not pixels.any()


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """One line of ``results.jsonl``.

    Attributes:
        index: the image's place in the job.
        image: its path when the job ran.
        image_id: its id in the project, None outside a project.
        entropy, margin: see ``Uncertainty``; None where the image could not be predicted.
        problem: why not, "" if it could.
    """

    index: int
    image: str
    image_id: int | None = None
    entropy: float | None = None
    margin: float | None = None
    problem: str = ""


def mask_file(run_dir: Path, index: int) -> Path:
    """Where the label map of an image is."""
    return run_dir / DRAFTS_DIR / f"{index:06d}.png"


def confidence_file(run_dir: Path, index: int) -> Path:
    """Where the confidence of an image is."""
    return run_dir / DRAFTS_DIR / f"{index:06d}_confidence.png"


def write_labels(run_dir: Path, labels: Sequence[str]) -> None:
    """Write the model's class names, in the order of its ids."""
    write_json_atomic(run_dir / DRAFTS_DIR / _LABELS, list(labels))


def read_labels(run_dir: Path) -> tuple[str, ...]:
    """Return the model's class names; none where the job has not begun."""
    try:
        content = json.loads((run_dir / DRAFTS_DIR / _LABELS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return ()
    return tuple(map(str, content)) if isinstance(content, list) else ()


def append_record(run_dir: Path, record: DraftRecord) -> None:
    """Add a line; once this returns it survives a power cut."""
    line = json.dumps(asdict(record), ensure_ascii=False, allow_nan=False) + "\n"
    with (run_dir / RESULTS).open("ab") as file:
        file.write(line.encode("utf-8", "surrogateescape"))
        file.flush()
        os.fsync(file.fileno())


def drop_torn_line(run_dir: Path) -> None:
    """Cut off the line that a killed job did not finish."""
    path = run_dir / RESULTS
    if not path.exists():
        return
    data = path.read_bytes()
    if not data.endswith(b"\n") and data:
        write_bytes_atomic(path, data[: data.rfind(b"\n") + 1])


def read_records(run_dir: Path) -> list[DraftRecord]:
    """Read what a job has written so far; unreadable lines are left out."""
    try:
        data = (run_dir / RESULTS).read_bytes()
    except FileNotFoundError:
        return []
    records = []
    for line in data.split(b"\n")[:-1]:  # behind the last line end stands a torn line or nothing
        try:
            records.append(_record(json.loads(line.decode("utf-8", "surrogateescape"))))
        except (ValueError, TypeError, KeyError, RecursionError):
            _LOG.warning("unreadable line in %s", run_dir / RESULTS)
    return records


def read_rejected(run_dir: Path) -> frozenset[int]:
    """Return the places, in the job, of the images whose drafts the user does not want."""
    try:
        content = json.loads((run_dir / DRAFTS_DIR / _REJECTED).read_bytes())
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, RecursionError):
        _LOG.warning("unreadable list of rejected drafts in %s", run_dir)
        return frozenset()
    found = content if isinstance(content, list) else []
    return frozenset(index for index in found if type(index) is int)


def write_rejected(run_dir: Path, index: int) -> None:
    """Add an image's place in the job to those of ``read_rejected``.

    Raises:
        OSError: the disk is full or refuses.
    """
    rejected = read_rejected(run_dir) | {index}
    write_json_atomic(run_dir / DRAFTS_DIR / _REJECTED, sorted(rejected))


def _record(content: dict[str, Any]) -> DraftRecord:
    index, image_id = content["index"], content.get("image_id")
    if not isinstance(index, int) or not 0 <= index < 10**9:
        raise ValueError("no such image")
    if image_id is not None and not isinstance(image_id, int):
        raise ValueError("no image id")
    return DraftRecord(
        index,
        str(content["image"]),
        image_id,
        _share(content.get("entropy")),
        _share(content.get("margin")),
        str(content.get("problem", "")),
    )


def _share(value: object) -> float | None:
    return None if value is None else float(str(value))


def read_prediction(run_dir: Path, record: DraftRecord, *, size: tuple[int, int]) -> Prediction:
    """Read what a job says of one image.

    Args:
        run_dir: the job's run folder.
        record: the image's line.
        size: (width, height) that the image has now.

    Raises:
        InputError: the files are gone or damaged, or belong to another image.
    """
    label_map = read_mask(mask_file(run_dir, record.index))
    confidence = read_mask(confidence_file(run_dir, record.index))
    height, width = label_map.shape
    if (width, height) != size or confidence.shape != label_map.shape:
        raise InputError(
            "The draft {file} is {draft_width}×{draft_height}, the image {width}×{height}: have "
            "the model label the image again.",
            file=mask_file(run_dir, record.index),
            draft_width=width,
            draft_height=height,
            width=size[0],
            height=size[1],
        )
    uncertainty = Uncertainty(
        1.0 if record.entropy is None else record.entropy,
        0.0 if record.margin is None else record.margin,
    )
    return Prediction(label_map, confidence, uncertainty, read_labels(run_dir))


def most_uncertain_first(
    found: dict[int, Uncertainty], ids: Sequence[int], *, by: UncertaintyOrder
) -> list[int]:
    """Order ids: the least certain first, those that nothing is known of last, as they stood."""

    def key(image_id: int) -> tuple[bool, float]:
        one = found.get(image_id)
        if one is None:
            return True, 0.0
        return False, -one.entropy if by == "entropy" else one.margin

    return sorted(ids, key=key)
