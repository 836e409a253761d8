"""Merging and deleting classes: every mask that has them is written anew."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable

import numpy as np

from core.images.io import IGNORE_INDEX
from core.project import image_rows as images
from core.project import shape_store as shapes
from core.project.label_state import set_mask
from core.project.labels import palette, read_labels
from core.project.masks import LabelMap, register
from core.project.store import Store
from core.system.errors import InputError


def images_with_class(store: Store, class_id: int) -> int:
    """Return how many images have a class in their mask."""
    return int(
        store.database.value(
            "SELECT count(*) FROM image JOIN mask_class ON mask_class.mask_id = image.mask_id"
            " WHERE mask_class.class_id = ?",
            (class_id,),
        )
    )


def replace_class(
    store: Store,
    class_id: int,
    replacement: int,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Give all pixels of a class to another and delete the class; see ``Project.merge_class``."""
    known = {label.id for label in read_labels(store.database)}
    if class_id not in known or (replacement not in known and replacement != IGNORE_INDEX):
        raise KeyError(f"no class {class_id} or {replacement}")
    if class_id == replacement:
        raise ValueError("a class cannot be merged with itself")
    store.database.require_writable()
    table = _table(class_id, replacement)
    ids = [
        int(row[0])
        for row in store.database.all(
            "SELECT DISTINCT image.id FROM image"
            " JOIN mask_class ON mask_class.mask_id = image.mask_id"
            " WHERE mask_class.class_id BETWEEN ? AND ? ORDER BY image.id",
            (class_id, IGNORE_INDEX - 1),
        )
    ]
    labels = read_labels(store.database)
    colors = palette(
        [
            dataclasses.replace(label, id=int(table[label.id]))
            for label in labels
            if label.id != class_id
        ]
    )
    with store.masks.batch() as batch:
        infos = []
        for done, image_id in enumerate(ids):
            if progress is not None:
                progress(done, len(ids))
            mask_id, hash_ = _current_mask(store, image_id)
            infos.append((image_id, mask_id, batch.put(table[store.masks.read(hash_)], colors)))
        with store.database.transaction() as connection:
            masks: dict[int, tuple[int, int]] = {}
            for image_id, mask_id, info in infos:
                if images.mask_state(connection, image_id)[0] != mask_id:
                    raise InputError(
                        "A mask was changed while the class was being replaced; try again."
                    )
                masks[image_id] = mask_id, register(connection, info)
                set_mask(connection, image_id, masks[image_id][1], state=None)
            shapes.replace_classes(connection, masks, table)
            _delete(connection, class_id)
    return len(ids)


def _current_mask(store: Store, image_id: int) -> tuple[int, str]:
    row = store.database.one(
        "SELECT mask.id, mask.hash FROM image JOIN mask ON mask.id = image.mask_id"
        " WHERE image.id = ?",
        (image_id,),
    )
    if row is None:
        raise InputError("A mask was changed while the class was being replaced; try again.")
    return int(row[0]), str(row[1])


def _table(class_id: int, replacement: int) -> LabelMap:
    """Return new ids by old ones: those above the deleted one move down."""
    table = np.arange(256, dtype=np.uint8)
    table[class_id + 1 : IGNORE_INDEX] -= 1
    table[class_id] = table[replacement]
    return table


def _delete(connection: sqlite3.Connection, class_id: int) -> None:
    """Delete a class, close the gap, and drop the ways back to masks with the old ids.

    Ids stay without gaps because the lines of a data folder's ``labels.txt`` are the ids.
    """
    connection.execute(
        "DELETE FROM mask_history WHERE mask_id IN"
        " (SELECT mask_id FROM mask_class WHERE class_id BETWEEN ? AND ?)",
        (class_id, IGNORE_INDEX - 1),
    )
    connection.execute("DELETE FROM import_batch")
    shapes.forget_stale(connection)
    connection.execute("DELETE FROM class WHERE id = ?", (class_id,))
    above = connection.execute("SELECT id FROM class WHERE id > ? ORDER BY id", (class_id,))
    for (id_,) in above.fetchall():
        connection.execute("UPDATE class SET id = id - 1 WHERE id = ?", (id_,))
