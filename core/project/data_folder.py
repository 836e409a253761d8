"""Writing labelled images as a folder in PaddleX's SEG layout."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core import datasets
from core.data.label_class import LabelClass
from core.datasets import SUBSETS, Subset
from core.system.errors import InputError
from core.system.files import replace_folder_atomic, write_json_atomic

REVISION_FILE = "revision.json"


@dataclass(frozen=True, slots=True)
class DataItem:
    """An image, its mask file and its subset."""

    image: Path
    mask: Path
    subset: Subset


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
        if copy_masks:
            items = [_with_copied_mask(item, partial, folder) for item in items]
        _write_lists(partial, items, labels)
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


def _with_copied_mask(item: DataItem, partial: Path, final: Path) -> DataItem:
    relative = Path("masks") / item.mask.name
    target = partial / relative
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        _copy(item.mask, target)
    return DataItem(item.image, final / relative, item.subset)


def _write_lists(folder: Path, items: Sequence[DataItem], labels: Sequence[LabelClass]) -> None:
    """Write labels.txt (line number = class id, which is what masks hold), colours and lists."""
    by_id = sorted(labels, key=lambda label: label.id)
    if [label.id for label in by_id] != list(range(len(by_id))):
        raise ValueError("class ids have gaps")
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


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError as error:
        raise InputError(
            "{file} does not exist any more; bring it back or remove it from the project.",
            file=source,
        ) from error
