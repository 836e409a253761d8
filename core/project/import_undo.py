"""Undoing an import as one step."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from core.project import image_rows as images
from core.project.rows import UndoReport
from core.project.store import Store


@dataclass(frozen=True, slots=True)
class ImportInfo:
    """An import that can be undone: where it came from and when (seconds since the epoch)."""

    source: str
    created: float


def last_import(store: Store) -> ImportInfo | None:
    """Return the newest import that was not undone."""
    row = store.database.one("SELECT source, created FROM import_batch ORDER BY id DESC LIMIT 1")
    return None if row is None else ImportInfo(*row)


def undo_last_import(store: Store) -> UndoReport | None:
    """Undo the newest import; see ``Project.undo_last_import``."""
    with store.database.transaction() as connection:
        row = connection.execute("SELECT max(id) FROM import_batch").fetchone()
        if row[0] is None:
            return None
        batch_id = int(row[0])
        removed = restored = 0
        kept: list[Path] = []
        rows = connection.execute(
            "SELECT image.id, item.added, item.previous_mask_id, item.previous_state,"
            " item.previous_subset, image.mask_id IS item.mask_id AND image.comment = '',"
            " image.path, image.inside, image.relative"
            " FROM import_image AS item JOIN image ON image.id = item.image_id"
            " WHERE item.batch_id = ?",
            (batch_id,),
        ).fetchall()
        for image_id, added, mask_id, state, subset, untouched, *place in rows:
            if not untouched:
                kept.append(images.image_path(store.resolver, place))
            elif added:
                connection.execute("DELETE FROM image WHERE id = ?", (image_id,))
                removed += 1
            else:
                connection.execute(
                    "UPDATE image SET mask_id = ?, state = ?, subset = ? WHERE id = ?",
                    (mask_id, state, subset, image_id),
                )
                restored += 1
        _remove_classes(connection, batch_id)
        connection.execute("DELETE FROM import_batch WHERE id = ?", (batch_id,))
    return UndoReport(removed, restored, tuple(kept))


def _remove_classes(connection: sqlite3.Connection, batch_id: int) -> None:
    """Remove the import's classes from the highest id down, as far as no image has used them.

    Only from the top, because ids stay without gaps: a data folder's ``labels.txt`` needs that.
    """
    classes = connection.execute(
        "SELECT class_id FROM import_class WHERE batch_id = ? ORDER BY class_id DESC", (batch_id,)
    ).fetchall()
    for (class_id,) in classes:
        top = connection.execute("SELECT max(id) FROM class").fetchone()[0]
        used = connection.execute(
            "SELECT 1 FROM mask_class WHERE class_id = ? AND ("
            " EXISTS (SELECT 1 FROM image WHERE image.mask_id = mask_class.mask_id) OR"
            " EXISTS (SELECT 1 FROM mask_history WHERE mask_history.mask_id = mask_class.mask_id)"
            ") LIMIT 1",
            (class_id,),
        ).fetchone()
        if class_id != top or used is not None:
            return
        connection.execute("DELETE FROM class WHERE id = ?", (class_id,))
