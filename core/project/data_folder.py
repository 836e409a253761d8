"""Writing labelled images as a folder in PaddleX's SEG layout."""

from __future__ import annotations

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
from core.project.class_table import contiguous_ids
from core.system.errors import InputError
from core.system.files import replace_folder_atomic, write_json_atomic

REVISION_FILE = "revision.json"
_MASKS = "masks"


@dataclass(frozen=True, slots=True)
class DataItem:
    """An image, its mask file and its subset.

    ``has_gaps`` says that ids in the mask are not the places of their classes in the list.
    """

    image: Path
    mask: Path
    subset: Subset
    has_gaps: bool = False


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
        own = {item.mask: item.has_gaps for item in items if item.has_gaps or copy_masks}
        _write_masks(partial / _MASKS, own, labels)
        _write_lists(
            partial,
            [
                replace(item, mask=folder / _MASKS / item.mask.name) if item.mask in own else item
                for item in items
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


def _write_masks(folder: Path, masks: Mapping[Path, bool], labels: Sequence[LabelClass]) -> None:
    """Copy masks into ``folder``; those with gaps (True) get the places of their classes."""
    if not masks:
        return
    folder.mkdir()
    table = contiguous_ids(labels)
    colors = [label.color for label in sorted(labels, key=lambda label: label.id)]

    def write(source: Path) -> None:
        try:
            if masks[source]:
                mask = np.asarray(cv2.LUT(read_mask(source), table), np.uint8)
                (folder / source.name).write_bytes(encode_mask(mask, palette=colors))
            else:
                shutil.copyfile(source, folder / source.name)
        except FileNotFoundError as error:
            raise InputError(
                "{file} does not exist any more; bring it back or remove it from the project.",
                file=source,
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
