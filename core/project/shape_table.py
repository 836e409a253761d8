"""The shapes beside an image's mask: JSON that ``core.annotation.shape_text`` writes and reads.

A row belongs to one image and one mask. It counts only while the image has that mask, so shapes
can be out of date but never wrong.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from core.project.database import Database
from core.project.mask_store import LabelMap

NONE = "[]"
"""The text of no shapes."""
_UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, zlib.error)
_Bounds = tuple[float, float, float, float]


def read(database: Database, image_id: int) -> str | None:
    """Return the shapes that an image's mask shows, None where there are none."""
    text = database.value(
        "SELECT image_shapes.data FROM image JOIN image_shapes"
        " ON image_shapes.image_id = image.id AND image_shapes.mask_id = image.mask_id"
        " WHERE image.id = ?",
        (image_id,),
    )
    return text if isinstance(text, str) else None


def write(connection: sqlite3.Connection, image_id: int, mask_id: int, text: str) -> None:
    """Keep the shapes of an image's new mask; those of masks that nobody goes back to are dropped.

    The mask before an import is one that undoing the import goes back to.
    """
    connection.execute(
        "DELETE FROM image_shapes WHERE image_id = ?1 AND mask_id NOT IN"
        " (SELECT previous_mask_id FROM import_image"
        " WHERE image_id = ?1 AND previous_mask_id IS NOT NULL AND previous_mask_id <> ?2)",
        (image_id, mask_id),
    )
    if text != NONE:
        connection.execute(
            "INSERT INTO image_shapes (image_id, mask_id, data) VALUES (?, ?, ?)",
            (image_id, mask_id, text),
        )


def forget_stale(connection: sqlite3.Connection) -> None:
    """Drop the shapes of masks that neither an image has nor undoing an import brings back."""
    connection.execute(
        "DELETE FROM image_shapes WHERE NOT EXISTS (SELECT 1 FROM image"
        " WHERE image.id = image_shapes.image_id AND image.mask_id = image_shapes.mask_id)"
        " AND NOT EXISTS (SELECT 1 FROM import_image AS item"
        " WHERE item.image_id = image_shapes.image_id"
        " AND item.previous_mask_id = image_shapes.mask_id)"
    )


def current_masks(connection: sqlite3.Connection) -> dict[int, tuple[int, int]]:
    """Return the row id of the mask, twice, of each image with shapes: what stays as it is."""
    rows = connection.execute(
        "SELECT image.id, image.mask_id FROM image JOIN image_shapes"
        " ON image_shapes.image_id = image.id AND image_shapes.mask_id = image.mask_id"
    )
    return {image_id: (mask_id, mask_id) for image_id, mask_id in rows}


def replace_classes(
    connection: sqlite3.Connection, masks: Mapping[int, tuple[int, int]], table: LabelMap
) -> None:
    """Take the shapes of images along when classes are replaced; the background has none.

    Args:
        connection: in a transaction.
        masks: row ids of the masks before and after, which may be the same, by images.
        table: new class ids by old ones, (256,) uint8.
    """
    for image_id, (old, new) in masks.items():
        row = connection.execute(
            "SELECT image_shapes.data, mask.width * mask.height FROM image_shapes"
            " JOIN mask ON mask.id = mask_id WHERE image_id = ? AND mask_id = ?",
            (image_id, old),
        ).fetchone()
        if row is not None:
            write(connection, image_id, new, _with_classes(row[0], table, row[1]))


def _with_classes(text: str, table: LabelMap, pixels: int) -> str:
    try:
        return json.dumps(list(_replaced(json.loads(text), table, pixels)), separators=(",", ":"))
    except _UNREADABLE:  # damaged from outside; the mask needs no shapes
        return NONE


def _replaced(items: list[Any], table: LabelMap, pixels: int) -> Iterator[list[Any]]:
    """Yield the shapes with new classes, without those under a shape that goes."""
    gone: list[_Bounds] = []
    for id_, class_id, *rest in sorted(items, key=lambda item: int(item[0]), reverse=True):
        if not 1 <= class_id <= 255:
            raise ValueError("no class")
        bounds, new_class = _bounds(rest[1][0]), int(table[class_id])
        if new_class == 0 or any(_meet(bounds, other) for other in gone):
            gone.append(bounds)
            continue
        ground = [_ground(text, table, pixels) for text in rest[2:]]
        yield [id_, new_class, *rest[:2], *ground]


def _ground(text: str, table: LabelMap, pixels: int) -> str:
    """Replace the classes that lie beneath a shape."""
    unpacked = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), pixels)
    packed = zlib.compress(unpacked.translate(table.tobytes()), 1)
    return base64.b64encode(packed).decode("ascii")


def _bounds(ring: list[float]) -> _Bounds:
    """A pixel more than the vertices, which stand for whole ones."""
    xs, ys = ring[::2], ring[1::2]
    return min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1


def _meet(a: _Bounds, b: _Bounds) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]
