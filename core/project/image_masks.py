"""Reading and saving the mask of one image."""

from __future__ import annotations

import sqlite3
import time

import numpy as np

from core.project import image_table, shape_table
from core.project.class_table import palette, read_labels
from core.project.mask_store import LabelMap, check_values, register
from core.project.rows import MaskVersion, State
from core.project.storage import Storage
from core.system.errors import InputError


def label_map(storage: Storage, image_id: int) -> LabelMap | None:
    """Return the mask (H, W) uint8 of an image, None where there is none."""
    row = storage.database.one(
        "SELECT image.name, mask.hash FROM image LEFT JOIN mask ON mask.id = image.mask_id"
        " WHERE image.id = ?",
        (image_id,),
    )
    if row is None:
        raise InputError("The image {id} is not in the project any more.", id=image_id)
    name, hash_ = row
    if hash_ is None:
        return None
    try:
        return storage.masks.read(hash_)
    except InputError as error:
        raise InputError(
            "The mask of {image} cannot be read: {file} is missing or damaged; restore it from a "
            "backup.",
            image=name,
            file=storage.masks.path(hash_),
        ) from error


def save_label_map(
    storage: Storage,
    image_id: int,
    mask: LabelMap,
    *,
    state: State | None = None,
    shapes_text: str | None = None,
) -> str:
    """Save a mask and return its hash; see ``Project.save_label_map``."""
    row = storage.database.one("SELECT name, width, height FROM image WHERE id = ?", (image_id,))
    if row is None:
        raise InputError("The image {id} is not in the project any more.", id=image_id)
    name, width, height = row
    if mask.dtype != np.uint8 or mask.ndim != 2:
        raise ValueError(f"a mask is uint8 (H, W), not {mask.dtype} {mask.shape}")
    check_size(mask, (width, height), name=name)
    classes = read_labels(storage.database)
    check_values(mask, {label.id for label in classes}, name=name)
    storage.database.require_writable()  # the refusal comes before the file is written
    # Encoding a large mask takes long: other threads must be able to write meanwhile.
    with storage.masks.batch() as batch:
        info = batch.put(mask, palette(classes))
        with storage.database.transaction() as connection:
            mask_id = register(connection, info)
            set_mask(connection, image_id, mask_id, state=state)
            if shapes_text is not None:
                shape_table.write(connection, image_id, mask_id, shapes_text)
    return info.hash


def clear_label_map(storage: Storage, image_id: int, *, state: State = "unlabelled") -> None:
    """Leave an image without a mask; the old one stays in its history."""
    with storage.database.transaction() as connection:
        set_mask(connection, image_id, None, state=state)


def history(storage: Storage, image_id: int) -> list[MaskVersion]:
    """Return the earlier masks of an image, newest first."""
    rows = storage.database.all(
        "SELECT mask.hash, mask_history.replaced FROM mask_history"
        " JOIN mask ON mask.id = mask_history.mask_id"
        " WHERE mask_history.image_id = ? ORDER BY mask_history.id DESC",
        (image_id,),
    )
    return [MaskVersion(*row) for row in rows]


def set_mask(
    connection: sqlite3.Connection, image_id: int, mask_id: int | None, *, state: State | None
) -> None:
    """Point an image at a mask and remember the one it had.

    Without a ``state``, an unlabelled image becomes labelled and any other keeps its state.
    """
    previous, old_state = image_table.mask_state(connection, image_id)
    new_state = state or ("labelled" if old_state == "unlabelled" else old_state)
    connection.execute(
        "UPDATE image SET mask_id = ?, state = ? WHERE id = ?", (mask_id, new_state, image_id)
    )
    if previous is not None and previous != mask_id:
        connection.execute(
            "INSERT INTO mask_history (image_id, mask_id, replaced) VALUES (?, ?, ?)",
            (image_id, previous, time.time()),
        )


def check_size(mask: LabelMap, size: tuple[int, int], *, name: str) -> None:
    """Refuse a mask of another size than its image's (width, height).

    Raises:
        InputError: names both sizes.
    """
    height, width = mask.shape
    if (width, height) != size:
        raise InputError(
            "The mask of {file} is {mask_width}×{mask_height}, the image {width}×{height}; they "
            "must have the same size.",
            file=name,
            mask_width=width,
            mask_height=height,
            width=size[0],
            height=size[1],
        )
