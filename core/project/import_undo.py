"""Undoing an import as one step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.project import image_table, shape_table
from core.project.class_table import palette, present_ids, read_labels, remove_unused_class
from core.project.mask_store import MaskBatch, register
from core.project.rows import UndoReport
from core.project.storage import Storage


@dataclass(frozen=True, slots=True)
class ImportInfo:
    """An import that can be undone: where it came from and when (seconds since the epoch)."""

    source: str
    created: float


def last_import(storage: Storage) -> ImportInfo | None:
    """Return the newest import that was not undone."""
    row = storage.database.one("SELECT source, created FROM import_batch ORDER BY id DESC LIMIT 1")
    return None if row is None else ImportInfo(*row)


def undo_last_import(storage: Storage) -> UndoReport | None:
    """Undo the newest import; see ``Project.undo_last_import``."""
    with storage.masks.batch() as batch, storage.database.transaction() as connection:
        row = connection.execute("SELECT max(id) FROM import_batch").fetchone()
        if row[0] is None:
            return None
        batch_id = int(row[0])
        removed = restored = 0
        masks: dict[int, tuple[int, int]] = {}
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
                kept.append(image_table.image_path(storage.resolver, place))
            elif added:
                connection.execute("DELETE FROM image WHERE id = ?", (image_id,))
                removed += 1
            else:
                present = mask_id
                if mask_id is not None:
                    present = _without_deleted_classes(storage, batch, mask_id)
                    masks[image_id] = mask_id, present
                connection.execute(
                    "UPDATE image SET mask_id = ?, state = ?, subset = ? WHERE id = ?",
                    (present, state, subset, image_id),
                )
                restored += 1
        table = present_ids(storage.database)
        if table is not None:
            shape_table.replace_classes(connection, masks, table)
        classes = connection.execute(
            "SELECT class_id FROM import_class WHERE batch_id = ?", (batch_id,)
        ).fetchall()
        connection.execute("DELETE FROM import_batch WHERE id = ?", (batch_id,))
        for (class_id,) in classes:
            remove_unused_class(connection, class_id)
    return UndoReport(removed, restored, tuple(kept))


def _without_deleted_classes(storage: Storage, batch: MaskBatch, mask_id: int) -> int:
    """Return the row id of what an earlier mask is today: itself, as a rule."""
    hash_ = str(storage.database.value("SELECT hash FROM mask WHERE id = ?", (mask_id,)))
    table = present_ids(storage.database, hash_)
    if table is None:
        return mask_id
    colors = palette(read_labels(storage.database))
    with storage.database.transaction() as connection:
        return register(connection, batch.put(table[storage.masks.read(hash_)], colors))
