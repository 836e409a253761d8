"""Merging and deleting classes: the masks that have them are written anew, ids stay."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import numpy as np

from core.images.io import IGNORE_INDEX
from core.project import image_table, shape_table
from core.project.class_table import delete_class, palette, read_labels
from core.project.image_masks import set_mask
from core.project.mask_store import register
from core.project.storage import Storage
from core.system.errors import InputError


def images_with_class(storage: Storage, class_id: int) -> int:
    """Return how many images have a class in their mask."""
    return int(
        storage.database.value(
            "SELECT count(*) FROM image JOIN mask_class ON mask_class.mask_id = image.mask_id"
            " WHERE mask_class.class_id = ?",
            (class_id,),
        )
    )


def replace_class(
    storage: Storage,
    class_id: int,
    replacement: int,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Give all pixels of a class to another and delete the class; see ``Project.merge_class``."""
    labels = read_labels(storage.database)
    known = {label.id for label in labels}
    if class_id not in known or (replacement not in known and replacement != IGNORE_INDEX):
        raise KeyError(f"no class {class_id} or {replacement}")
    if class_id == replacement:
        raise ValueError("a class cannot be merged with itself")
    if class_id == 0:
        raise InputError(
            "This class is what erasing leaves behind; rename it instead of deleting it."
        )
    storage.database.require_writable()
    colors = palette([label for label in labels if label.id != class_id])
    table = np.arange(256, dtype=np.uint8)
    table[class_id] = replacement
    current = storage.database.all(
        "SELECT image.id, mask.id, mask.hash FROM image JOIN mask ON mask.id = image.mask_id"
        " JOIN mask_class ON mask_class.mask_id = mask.id WHERE mask_class.class_id = ?"
        " ORDER BY image.id",
        (class_id,),
    )
    with storage.masks.batch() as batch:
        infos = []
        for done, (_, _, hash_) in enumerate(current):
            if progress is not None:
                progress(done, len(current))
            infos.append(batch.put(table[storage.masks.read(hash_)], colors))
        with storage.database.transaction() as connection:
            masks = shape_table.current_masks(connection)
            for (image_id, mask_id, _), info in zip(current, infos, strict=True):
                if image_table.mask_state(connection, image_id)[0] != mask_id:
                    raise InputError(
                        "A mask was changed while the class was being replaced; try again."
                    )
                masks[image_id] = mask_id, register(connection, info)
                _replace_mask(connection, image_id, *masks[image_id])
            shape_table.replace_classes(connection, masks, table)
            delete_class(connection, class_id, replacement=replacement)
    return len(current)


def _replace_mask(connection: sqlite3.Connection, image_id: int, old: int, new: int) -> None:
    """Give an image its new mask; an import that brought the old one can still be undone."""
    set_mask(connection, image_id, new, state=None)
    connection.execute(
        "UPDATE import_image SET mask_id = ? WHERE image_id = ? AND mask_id = ?",
        (new, image_id, old),
    )
