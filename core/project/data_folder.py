"""Writing labelled images as a folder in PaddleX's SEG layout."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from core import datasets
from core.data.label_class import LabelClass
from core.datasets import SUBSETS, Subset
from core.images.io import encode_mask, read_mask
from core.portable.cleaning import InspectedArea
from core.project.class_table import contiguous_ids
from core.project.counted_areas import area_text, counted
from core.system.errors import InputError
from core.system.files import replace_folder_atomic, write_json_atomic

REVISION_FILE = "revision.json"
_MASKS = "masks"


@dataclass(frozen=True, slots=True)
class DataItem:
    """An image, its mask file and its subset.

    ``has_gaps`` says that ids in the mask are not the places of their classes in the list; ``area``
    where the mask counts, None for everywhere.
    """

    image: Path
    mask: Path
    subset: Subset
    has_gaps: bool = False
    area: InspectedArea | None = None

    @property
    def own_mask(self) -> str:
        """Name of the mask where it is written anew; images may share all of it but the area."""
        if self.area is None:
            return self.mask.name
        digest = hashlib.sha256(area_text(self.area).encode()).hexdigest()
        return f"{self.mask.stem}-{digest[:16]}{self.mask.suffix}"


def require_empty(folder: Path) -> None:
    """Refuse a folder that holds something already.

    Raises:
        InputError: it is not empty, or a file.
    """
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        raise InputError("{folder} is not empty; choose a new or an empty folder.", folder=folder)


def write_data_folder(
    folder: Path,
    items: Sequence[DataItem],
    labels: Sequence[LabelClass],
    *,
    revision_hash: str,
    copy_masks: bool = False,
) -> Path:
    """Write lists that refer to images where they are; see ``Revision.write_data_folder``."""
    folder = folder.absolute()
    require_empty(folder)
    with replace_folder_atomic(folder) as partial:
        anew = [one.has_gaps or copy_masks or one.area is not None for one in items]
        own = {one.own_mask: one for one, is_own in zip(items, anew, strict=True) if is_own}
        _write_masks(partial / _MASKS, own, labels)
        _write_lists(
            partial,
            [
                replace(one, mask=folder / _MASKS / one.own_mask) if is_own else one
                for one, is_own in zip(items, anew, strict=True)
            ],
            labels,
        )
        write_json_atomic(partial / REVISION_FILE, {"hash": revision_hash})
    return folder


def read_revision_hash(folder: Path) -> str | None:
    """Return the hash of the revision that was written into ``folder``, or None."""
    try:
        data = json.loads((folder / REVISION_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    hash_ = data.get("hash") if isinstance(data, dict) else None
    return hash_ if isinstance(hash_, str) else None


def _write_masks(folder: Path, masks: Mapping[str, DataItem], labels: Sequence[LabelClass]) -> None:
    """Write masks into ``folder`` by name: with the places of their classes, where they count."""
    if not masks:
        return
    folder.mkdir()
    table = contiguous_ids(labels)
    colors = [label.color for label in sorted(labels, key=lambda label: label.id)]

    def write(name: str) -> None:
        item = masks[name]
        try:
            if not item.has_gaps and item.area is None:
                shutil.copyfile(item.mask, folder / name)
                return
            mask = read_mask(item.mask)
            if item.has_gaps:
                mask = np.asarray(cv2.LUT(mask, table), np.uint8)
            mask = counted(mask, item.area)
            (folder / name).write_bytes(encode_mask(mask, palette=colors))
        except FileNotFoundError as error:
            raise InputError(
                "{file} does not exist any more; bring it back or remove it from the project.",
                file=item.mask,
            ) from error

    # Decoding and packing leave the interpreter to others.
    with ThreadPoolExecutor(thread_name_prefix="masks") as pool:
        for _ in pool.map(write, masks):
            pass


def _write_lists(folder: Path, items: Sequence[DataItem], labels: Sequence[LabelClass]) -> None:
    """Write labels.txt, whose line numbers are what the masks hold, colours and lists."""
    by_id = sorted(labels, key=lambda label: label.id)
    pairs = {
        subset: [(item.image, item.mask) for item in items if item.subset == subset]
        for subset in SUBSETS
    }
    datasets.write_data_folder(
        folder,
        labels=[label.name for label in by_id],
        subsets={subset: chosen for subset, chosen in pairs.items() if chosen},
        colors=[label.color for label in by_id],
    )
