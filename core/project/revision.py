"""Dataset revisions: what a run learnt from, frozen."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.label_class import LabelClass
from core.datasets import Subset
from core.images.io import IGNORE_INDEX
from core.project.counted_areas import OF_ALL, area_from_text
from core.project.data_folder import DataItem, write_data_folder
from core.project.database import Database
from core.project.storage import Storage
from core.system.errors import InputError


@dataclass(frozen=True, slots=True)
class Revision:
    """A frozen list of labelled images.

    ``hash`` is the sha256 over classes, image paths, mask hashes, subsets and where the masks
    count: equal content, equal hash. ``id`` is None for one that was not stored (project open for
    reading only). Masks of a stored revision outlive ``collect_garbage``.
    """

    id: int | None
    hash: str
    created: float
    labels: tuple[LabelClass, ...]
    items: tuple[DataItem, ...]

    @property
    def counts(self) -> dict[Subset, int]:
        """Number of images in each subset."""
        counted = Counter(item.subset for item in self.items)
        return {subset: counted[subset] for subset in ("train", "val", "test")}

    def write_data_folder(self, folder: Path, *, copy_masks: bool | None = None) -> Path:
        """Write PaddleX's SEG layout into ``folder`` (new or empty) and return it.

        Lists hold absolute paths, separated by a tab; ``revision.json`` holds the hash. Where
        classes were deleted, masks with ids above the first gap are written anew into the folder,
        with ids that are the lines of ``labels.txt``.

        Args:
            folder: where to.
            copy_masks: put the masks into the folder instead of referring to the project's; by
                default for a revision that is not stored, whose masks may be collected.

        Raises:
            InputError: the folder is not empty.
        """
        return write_data_folder(
            folder,
            self.items,
            self.labels,
            revision_hash=self.hash,
            copy_masks=self.id is None if copy_masks is None else copy_masks,
        )


def freeze(storage: Storage, labels: Sequence[LabelClass], *, needed: Sequence[Subset]) -> Revision:
    """Freeze the labelled and reviewed images that belong to a subset; drafts stay out.

    Stores the revision unless one with the same hash is there or the project is read-only.

    Raises:
        InputError: fewer than two classes, or a ``needed`` subset without a labelled image.
    """
    if len(labels) < 2:
        raise InputError("A model needs at least two classes, such as background and one more.")
    by_id = tuple(sorted(labels, key=lambda label: label.id))
    if storage.database.read_only:
        rows = _current(storage.database)
        _check_subsets(rows, needed)
        return _revision(storage, None, time.time(), by_id, rows)
    with storage.database.transaction() as connection:
        rows = _current(storage.database)
        _check_subsets(rows, needed)
        revision = _revision(storage, None, time.time(), by_id, rows)
        id_, created = _keep(connection, revision, rows)
    return Revision(id_, revision.hash, created, revision.labels, revision.items)


def load(storage: Storage, revision_id: int) -> Revision:
    """Return a stored revision.

    Raises:
        KeyError: there is none with this id.
    """
    head = storage.database.one("SELECT created, labels FROM revision WHERE id = ?", (revision_id,))
    if head is None:
        raise KeyError(f"no revision {revision_id}")
    labels = tuple(
        LabelClass(id_, name, (red, green, blue))
        for id_, name, (red, green, blue) in json.loads(head[1])
    )
    rows = storage.database.all(
        "SELECT item.path, item.inside, item.relative, mask.hash, item.subset, mask.id, item.area"
        " FROM revision_item AS item JOIN mask ON mask.id = item.mask_id"
        " WHERE item.revision_id = ? ORDER BY item.position",
        (revision_id,),
    )
    return _revision(storage, revision_id, head[0], labels, rows)


def same_validation(storage: Storage, one: int, other: int) -> bool:
    """Whether two stored revisions have the same classes, and validation images and masks."""
    labels = storage.database.all(
        "SELECT DISTINCT labels FROM revision WHERE id IN (?, ?)", (one, other)
    )
    if len({_names(text) for (text,) in labels}) != 1:
        return False
    items = "SELECT path, mask_id, area FROM revision_item WHERE revision_id = ? AND subset = 'val'"
    return all(
        storage.database.one(f"{items} EXCEPT {items} LIMIT 1", pair) is None
        for pair in ((one, other), (other, one))
    )


def _names(labels: str) -> tuple[tuple[int, str], ...]:
    return tuple((id_, name) for id_, name, _ in json.loads(labels))


def _current(database: Database) -> list[tuple[Any, ...]]:
    return database.all(
        "SELECT image.path, image.inside, image.relative, mask.hash, image.subset, mask.id,"
        " coalesce(image_area.area, (SELECT value FROM setting WHERE key = ?))"
        " FROM image JOIN mask ON mask.id = image.mask_id"
        " LEFT JOIN image_area ON image_area.image_id = image.id"
        " WHERE image.subset != 'none' AND image.state IN ('labelled', 'reviewed')"
        " ORDER BY image.sort_key, image.path",
        (OF_ALL,),
    )


def _check_subsets(rows: Sequence[tuple[Any, ...]], needed: Sequence[Subset]) -> None:
    present = {row[4] for row in rows}
    for subset in needed:
        if subset not in present:
            raise InputError(
                "No labelled image is in the subset {subset}: split the images, or move some into "
                "it.",
                subset=subset,
            )


def _revision(
    storage: Storage,
    id_: int | None,
    created: float,
    labels: tuple[LabelClass, ...],
    rows: Sequence[tuple[Any, ...]],
) -> Revision:
    digest = hashlib.sha256()
    for label in labels:
        digest.update(json.dumps([label.id, label.name]).encode() + b"\n")
    for path, _, _, mask_hash, subset, _, area in rows:
        own = [path, mask_hash, subset, *([] if area is None else [area])]
        digest.update(json.dumps(own).encode() + b"\n")
    with_gaps = _masks_with_gaps(storage.database, labels)
    items = tuple(
        DataItem(
            storage.resolver.resolve(path, bool(inside), relative),
            storage.masks.path(mask_hash),
            subset,
            has_gaps=mask_id in with_gaps,
            area=None if area is None else area_from_text(area),
        )
        for path, inside, relative, mask_hash, subset, mask_id, area in rows
    )
    return Revision(id_, digest.hexdigest(), created, labels, items)


def _masks_with_gaps(database: Database, labels: Sequence[LabelClass]) -> frozenset[int]:
    """Return the row ids of masks with classes whose ids are not their places in ``labels``."""
    gap = next((place for place, label in enumerate(labels) if label.id != place), None)
    if gap is None:
        return frozenset()
    rows = database.all(
        "SELECT DISTINCT mask_id FROM mask_class WHERE class_id BETWEEN ? AND ?",
        (gap, IGNORE_INDEX - 1),
    )
    return frozenset(row[0] for row in rows)


def _keep(
    connection: sqlite3.Connection, revision: Revision, rows: Sequence[tuple[Any, ...]]
) -> tuple[int, float]:
    existing = connection.execute(
        "SELECT id, created FROM revision WHERE hash = ?", (revision.hash,)
    ).fetchone()
    if existing is not None:
        return existing[0], existing[1]
    labels = json.dumps([[label.id, label.name, label.color] for label in revision.labels])
    cursor = connection.execute(
        "INSERT INTO revision (hash, created, labels) VALUES (?, ?, ?)",
        (revision.hash, revision.created, labels),
    )
    id_ = cursor.lastrowid
    if id_ is None:
        raise RuntimeError("the database gave no row id")
    connection.executemany(
        "INSERT INTO revision_item (revision_id, position, path, inside, relative, mask_id, subset,"
        " area) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (id_, position, path, inside, relative, mask_id, subset, area)
            for position, (path, inside, relative, _, subset, mask_id, area) in enumerate(rows)
        ],
    )
    return id_, revision.created
