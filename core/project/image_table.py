"""The list of images: queries by page, counts, and the fields a user edits."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from core.project.database import Database
from core.project.paths import PathResolver, StoredPath, sort_key
from core.project.rows import (
    IMAGE_SUBSETS,
    STATES,
    ImageCounts,
    ImageQuery,
    ImageRow,
    ImageSubset,
    State,
)
from core.project.shown_classes import select_shown, shows_class
from core.system.errors import InputError

_SELECT = (
    "SELECT image.id, image.name, image.path, image.inside, image.relative, image.width,"
    " image.height, image.subset, image.state, mask.hash, image.group_key, image.score,"
    " image.comment, image.flagged FROM image LEFT JOIN mask ON mask.id = image.mask_id"
)
_ORDER = {
    "name": ("image.sort_key", "image.id"),
    "added": ("image.id",),
    "worst": ("image.score IS NULL", "image.score", "image.sort_key", "image.id"),
}
_CHUNK = 500
Item = TypeVar("Item")
Value = str | float | bytes | None


@dataclass(frozen=True, slots=True)
class NewImage:
    """What a row of ``image`` starts with; sizes in pixels."""

    stored: StoredPath
    name: str
    width: int
    height: int
    subset: ImageSubset = "none"
    source: str | None = None


def select(
    database: Database,
    resolver: PathResolver,
    query: ImageQuery,
    *,
    limit: int | None = None,
    offset: int = 0,
) -> list[ImageRow]:
    """Return a page of the images that a query finds."""
    # Ids first: an index alone holds them in order, so skipping to a late page reads no rows.
    ids = select_ids(database, query, limit=limit, offset=offset)
    return select_by_ids(database, resolver, ids)


def select_ids(
    database: Database, query: ImageQuery, *, limit: int | None = None, offset: int = 0
) -> list[int]:
    """Return the ids of the images that a query finds, in its order."""
    where, parameters = _where(database, query)
    rows = database.all(
        f"SELECT id FROM image{where}{_order(query)} LIMIT ? OFFSET ?",  # noqa: S608
        (*parameters, -1 if limit is None else limit, offset),
    )
    return [row[0] for row in rows]


def select_by_ids(database: Database, resolver: PathResolver, ids: Sequence[int]) -> list[ImageRow]:
    """Return the images with these ids, in their order; unknown ids are left out."""
    found: dict[int, ImageRow] = {}
    for chunk in chunks(ids):
        for row in database.all(f"{_SELECT} WHERE image.id IN ({_places(chunk)})", chunk):
            found[row[0]] = _image_row(row, resolver)
    return [found[id_] for id_ in ids if id_ in found]


def find(database: Database, stored: StoredPath) -> int | None:
    """Return the id of the image with this path, or that was copied from it."""
    id_ = database.value("SELECT id FROM image WHERE path = ?", (stored.path,))
    if id_ is None:
        id_ = database.value("SELECT id FROM image WHERE source = ?", (stored.path,))
    return None if id_ is None else int(id_)


def count(database: Database, query: ImageQuery) -> ImageCounts:
    """Count what a query finds."""
    where, parameters = _where(database, query)
    rows = database.all(
        f"SELECT subset, state, count(*) FROM image{where} GROUP BY subset, state",  # noqa: S608
        parameters,
    )
    by_subset: dict[ImageSubset, int] = dict.fromkeys(IMAGE_SUBSETS, 0)
    by_state: dict[State, int] = dict.fromkeys(STATES, 0)
    for subset, state, number in rows:
        by_subset[subset] += number
        by_state[state] += number
    return ImageCounts(sum(by_subset.values()), by_subset, by_state)


def count_classes(database: Database, query: ImageQuery) -> dict[int, int]:
    """Return, by class id (255: ignored pixels), in how many of the images the class occurs."""
    where, parameters = _where(database, query)
    counts: Counter[int] = Counter()
    for class_id, images in select_shown(
        database, "shown.class_id, count(*)", f"{where} GROUP BY shown.class_id", parameters
    ):
        counts[class_id] += images
    return dict(counts)


def shows_classes(database: Database) -> bool:
    """Return whether a labelled image shows a class other than the one with id 0."""
    found = select_shown(
        database,
        "1",
        "WHERE shown.class_id BETWEEN 1 AND 254 AND image.state IN ('labelled', 'reviewed')",
        limit=1,
    )
    return bool(found)


def insert(connection: sqlite3.Connection, image: NewImage) -> int:
    """Add a row and return its id."""
    stored = image.stored
    cursor = connection.execute(
        "INSERT INTO image (path, inside, relative, source, name, sort_key, width, height, subset)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            stored.path,
            stored.inside,
            stored.relative,
            image.source,
            image.name,
            sort_key(image.name),
            image.width,
            image.height,
            image.subset,
        ),
    )
    if cursor.lastrowid is None:
        raise RuntimeError("the database gave no row id")
    return cursor.lastrowid


def update(
    connection: sqlite3.Connection,
    ids: Iterable[int],
    column: str,
    value: Value,
) -> None:
    """Set one column of the images ``ids``."""
    connection.executemany(
        f"UPDATE image SET {column} = ? WHERE id = ?",  # noqa: S608 - a name of ours
        [(value, id_) for id_ in ids],
    )


def update_each(connection: sqlite3.Connection, column: str, values: Mapping[int, Value]) -> None:
    """Set one column, each image to its own value."""
    connection.executemany(
        f"UPDATE image SET {column} = ? WHERE id = ?",  # noqa: S608 - a name of ours
        [(value, id_) for id_, value in values.items()],
    )


def mask_state(connection: sqlite3.Connection, image_id: int) -> tuple[int | None, State]:
    """Return the mask's row id and the state of one image."""
    row = connection.execute(
        "SELECT mask_id, state FROM image WHERE id = ?", (image_id,)
    ).fetchone()
    if row is None:
        raise InputError("The image {id} is not in the project any more.", id=image_id)
    return row[0], row[1]


def chunks(items: Sequence[Item], size: int = _CHUNK) -> Iterable[Sequence[Item]]:
    """Split ids so that each part fits into one statement, or other items into parts of a size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _places(items: Sequence[Any]) -> str:
    return ", ".join("?" * len(items))


def _where(database: Database, query: ImageQuery) -> tuple[str, list[Any]]:
    conditions: list[str] = []
    parameters: list[Any] = []
    for column, value in (
        ("subset", query.subset),
        ("state", query.state),
        ("flagged", query.flagged),
    ):
        if value is not None:
            conditions.append(f"image.{column} = ?")
            parameters.append(value)
    if query.class_id is not None:
        condition, own = shows_class(database, query.class_id)
        conditions.append(condition)
        parameters += own
    if query.text:
        escaped = query.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        conditions.append(
            "(image.name LIKE ? ESCAPE '\\' OR image.comment LIKE ? ESCAPE '\\'"
            " OR image.group_key LIKE ? ESCAPE '\\')"
        )
        parameters += [f"%{escaped}%"] * 3
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), parameters


def _order(query: ImageQuery) -> str:
    columns = list(_ORDER[query.order])
    if query.order == "worst":  # images without a score come last either way
        fixed, columns = columns[:1], columns[1:]
    else:
        fixed = []
    direction = " DESC" if query.descending else ""
    return " ORDER BY " + ", ".join([*fixed, *(column + direction for column in columns)])


def _image_row(row: tuple[Any, ...], resolver: PathResolver) -> ImageRow:
    id_, name, path, inside, relative, width, height, subset, state, hash_ = row[:10]
    group, score, comment, flagged = row[10:]
    return ImageRow(
        id=id_,
        name=name,
        path=resolver.resolve(path, bool(inside), relative),
        width=width,
        height=height,
        subset=subset,
        state=state,
        mask_hash=hash_,
        group=group,
        score=score,
        comment=comment,
        flagged=bool(flagged),
    )


def image_path(resolver: PathResolver, row: Sequence[Any]) -> Path:
    """Return the path of the columns (path, inside, relative)."""
    path, inside, relative = row
    return resolver.resolve(path, bool(inside), relative)
