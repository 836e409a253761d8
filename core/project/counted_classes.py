"""Which classes images show where their labels count: what a training sees of them.

A mask's pixels are counted by class when it is saved. Where regions leave something out, what is
left is counted when it is first asked for and kept until the image's mask or regions change, for
which triggers of the database see. Until it is counted, an image shows what was drawn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from core.project.counted_areas import OF_ALL, area_from_text, counted
from core.project.database import Database
from core.project.image_table import chunks
from core.project.mask_store import count_values
from core.project.storage import Storage
from core.system.errors import InputError

_AT_ONCE: Final = 64
_UNCOUNTED: Final = (
    "SELECT image.id, mask.id, mask.hash,"
    " coalesce(image_area.area, (SELECT value FROM setting WHERE key = ?))"
    " FROM image JOIN mask ON mask.id = image.mask_id"
    " LEFT JOIN image_area ON image_area.image_id = image.id"
    " WHERE image.id NOT IN (SELECT image_id FROM main.image_class)"
    " AND (image_area.area IS NOT NULL OR EXISTS (SELECT 1 FROM setting WHERE key = ?))"
)
_HAS_AREAS: Final = (
    "SELECT EXISTS (SELECT 1 FROM image_area) OR EXISTS (SELECT 1 FROM setting WHERE key = ?)"
)
_Row = tuple[int, int, str, str]
_Pixels = list[tuple[int, int, int]]


def count_what_counts(storage: Storage, *, check: Callable[[], None] = lambda: None) -> None:
    """Count the images with regions that were not counted yet.

    Images whose mask or regions are damaged are left as drawn: that is said where they are needed.

    Args:
        storage: of the project. What one that is open for reading only counts is kept by the
            thread's connection.
        check: called again and again; may raise to stop, what is counted is kept.
    """
    if storage.database.read_only:
        _count_aside(storage, check)
        return
    for rows, pixels in _counted(storage, _uncounted(storage.database), check):
        with storage.database.transaction() as connection:
            still = set(_uncounted(storage.database, [row[0] for row in rows]))
            valid = {row[0] for row in rows if row in still}
            connection.executemany(
                "INSERT INTO image_class VALUES (?, ?, ?)",
                [one for one in pixels if one[0] in valid],
            )


def _count_aside(storage: Storage, check: Callable[[], None]) -> None:
    """Keep what was not counted in a table of this connection, which hides the project's."""
    connection = storage.database.connection()
    version = connection.execute("PRAGMA data_version").fetchone()[0]
    if connection.execute("SELECT 1 FROM temp.sqlite_master").fetchone() is not None:
        if connection.execute("SELECT version FROM temp.counted_at").fetchone() == (version,):
            return
        for table in ("image_class", "counted_at"):
            connection.execute(f"DROP TABLE temp.{table}")
    uncounted = _uncounted(storage.database)
    if not uncounted:
        return
    found = [one for _, pixels in _counted(storage, uncounted, check) for one in pixels]
    connection.execute("CREATE TEMP TABLE counted_at AS SELECT ? AS version", (version,))
    connection.execute("CREATE TEMP TABLE image_class AS SELECT * FROM main.image_class")
    connection.execute("CREATE INDEX temp.image_class_by_image ON image_class (image_id, class_id)")
    connection.executemany("INSERT INTO temp.image_class VALUES (?, ?, ?)", found)


def _uncounted(database: Database, ids: Sequence[int] | None = None) -> list[_Row]:
    """Return the images, of these ids or of all, that have regions and were not counted yet."""
    if not database.value(_HAS_AREAS, (OF_ALL,)):  # as in most projects: spare them the look
        return []
    if ids is None:
        return database.all(_UNCOUNTED, (OF_ALL, OF_ALL))
    places = ", ".join("?" * len(ids))
    return database.all(f"{_UNCOUNTED} AND image.id IN ({places})", (OF_ALL, OF_ALL, *ids))


def _counted(
    storage: Storage, uncounted: Sequence[_Row], check: Callable[[], None]
) -> Iterator[tuple[Sequence[_Row], _Pixels]]:
    if not uncounted:
        return

    def count(row: _Row) -> _Pixels:
        image_id, _, mask_hash, area = row
        try:
            mask = counted(storage.masks.read(mask_hash), area_from_text(area))
        except InputError:
            return []
        values = count_values(mask)
        return [(image_id, int(value), int(values[value])) for value in np.flatnonzero(values)]

    # Decoding leaves the interpreter, and half of the cores are left to the window.
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2), "counting") as pool:
        for rows in chunks(uncounted, _AT_ONCE):
            check()
            yield rows, [one for found in pool.map(count, rows) for one in found]
