"""Taking images out of a project so that they can be brought back."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.project.image_table import chunks
from core.system.errors import InputError

_COUNTED_ANEW: Final = "image_class"


@dataclass(frozen=True, slots=True)
class RemovedImages:
    """The rows that were deleted: by table, each as its columns with their values."""

    rows: Mapping[str, tuple[Mapping[str, Any], ...]]

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self.rows["image"])


def take_out(connection: sqlite3.Connection, ids: Sequence[int]) -> RemovedImages:
    """Delete images and what belongs to them; unknown ids are left out."""
    rows: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for table, column in _tables(connection).items():
        found: list[Mapping[str, Any]] = []
        for chunk in chunks(ids):
            places = ", ".join("?" * len(chunk))
            cursor = connection.execute(
                f"SELECT * FROM {table} WHERE {column} IN ({places})",  # noqa: S608 - names of ours
                chunk,
            )
            names = [one[0] for one in cursor.description]
            found += [dict(zip(names, row, strict=True)) for row in cursor]
        rows[table] = tuple(found)
    connection.executemany("DELETE FROM image WHERE id = ?", [(id_,) for id_ in ids])
    return RemovedImages(rows)


def _tables(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the tables whose rows go with an image, and the column that names it."""
    found = {"image": "id"}
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in names:
        for key in connection.execute(f"PRAGMA foreign_key_list({name})"):
            _, _, target, column, _, _, on_delete, _ = key
            if target == "image" and on_delete == "CASCADE" and name != _COUNTED_ANEW:
                found[name] = column
    return found


def put_back(connection: sqlite3.Connection, removed: RemovedImages) -> None:
    """Insert the rows again, under the ids they had.

    An import that was undone meanwhile is not brought back with them.

    Raises:
        InputError: a mask is gone, or an image with the path is there again.
    """
    imports = {row[0] for row in connection.execute("SELECT id FROM import_batch")}
    try:
        for table, rows in removed.rows.items():
            for row in rows:
                if table == "import_image" and row["batch_id"] not in imports:
                    continue
                places = ", ".join("?" * len(row))
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})",  # noqa: S608
                    tuple(row.values()),
                )
    except sqlite3.IntegrityError as error:
        raise InputError(
            "The images cannot be brought back: they were imported again, or their masks were "
            "removed meanwhile."
        ) from error
