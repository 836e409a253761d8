"""The classes of a project."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from core.data.class_names import BACKGROUND, is_background
from core.data.label_class import LabelClass
from core.images.io import IGNORE_INDEX
from core.images.palette import Color, default_palette
from core.project.database import Database
from core.project.mask_store import LabelMap, is_used
from core.system.errors import InputError

_COLUMNS = "id, name, red, green, blue"


def read_labels(database: Database) -> tuple[LabelClass, ...]:
    """Return the classes in the order of the list."""
    rows = database.all(f"SELECT {_COLUMNS} FROM class ORDER BY position, id")  # noqa: S608
    return tuple(LabelClass(id_, name, (r, g, b)) for id_, name, r, g, b in rows)


def palette(labels: Sequence[LabelClass]) -> list[Color]:
    """Return colours by class id, the default ones where an id is free."""
    colors = default_palette(max((label.id for label in labels), default=-1) + 1)
    for label in labels:
        colors[label.id] = label.color
    return colors


def with_background(names: Iterable[str], background: str = BACKGROUND) -> list[str]:
    """Return class names with the background first, each name once.

    Args:
        names: as somebody typed them; a name of the background keeps its spelling, wherever it is.
        background: what it is called where none of them means it.
    """
    typed = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    own = next((name for name in typed if is_background(name)), background)
    return [own, *(name for name in typed if not is_background(name))]


def free_ids(connection: sqlite3.Connection) -> Iterator[int]:
    """Yield the ids that new classes get, in this order.

    Background comes first, as erasing leaves 0 behind. Then come ids above all that were ever in
    use; only when there are none, those that no class and no mask, however old, has.
    """
    known = {row[0] for row in connection.execute("SELECT id FROM class")}
    deleted = {row[0] for row in connection.execute("SELECT id FROM deleted_class")}
    if 0 not in known:
        yield 0
    top = max(known | deleted, default=0) + 1
    yield from range(top, IGNORE_INDEX)
    rows = connection.execute(
        "SELECT DISTINCT class_id FROM mask_class"  # noqa: S608
        f" WHERE class_id BETWEEN 1 AND ? AND {is_used('mask_class.mask_id')}",
        (top - 1,),
    )
    yield from sorted({*range(1, top)} - known - {row[0] for row in rows})


def no_room(name: str, classes: int) -> InputError:
    """Return why there is no id for a class called ``name`` beside ``classes`` others."""
    if classes < IGNORE_INDEX:
        return InputError(
            "There is no room for the class {name}: a mask holds {count} {count:class|classes} at "
            "most, and earlier masks still have {deleted} that were deleted.",
            name=name,
            count=IGNORE_INDEX,
            deleted=IGNORE_INDEX - classes,
        )
    return InputError(
        "There is no room for the class {name}: a mask holds {count} {count:class|classes} at "
        "most.",
        name=name,
        count=IGNORE_INDEX,
    )


def add_class(connection: sqlite3.Connection, name: str, color: Color | None = None) -> LabelClass:
    """Append a class; it gets the first of ``free_ids``.

    Raises:
        InputError: an empty or taken name, or no id left.
    """
    name = _checked_name(connection, name, own_id=None)
    count, position = connection.execute(
        "SELECT count(*), coalesce(max(position), -1) + 1 FROM class"
    ).fetchone()
    id_ = next(free_ids(connection), None)
    if id_ is None:
        raise no_room(name, count)
    rgb = default_palette(id_ + 1)[id_] if color is None else _checked_color(color)
    connection.execute("DELETE FROM deleted_class WHERE id = ?", (id_,))
    connection.execute(
        f"INSERT INTO class ({_COLUMNS}, position) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
        (id_, name, *rgb, position),
    )
    return LabelClass(id_, name, rgb)


def delete_class(connection: sqlite3.Connection, class_id: int, *, replacement: int) -> None:
    """Delete a class; earlier masks that have its id mean ``replacement`` by it from now on."""
    connection.execute("DELETE FROM class WHERE id = ?", (class_id,))
    connection.execute(
        "UPDATE deleted_class SET replacement = ? WHERE replacement = ?", (replacement, class_id)
    )
    connection.execute("INSERT INTO deleted_class VALUES (?, ?)", (class_id, replacement))


def remove_unused_class(connection: sqlite3.Connection, class_id: int) -> None:
    """Remove a class unless a mask, however old, has it; its id may be given away again."""
    removed = connection.execute(
        "DELETE FROM class WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM mask_class"  # noqa: S608
        f" WHERE class_id = ?1 AND {is_used('mask_class.mask_id')})",
        (class_id,),
    )
    if removed.rowcount:
        connection.execute(
            "UPDATE deleted_class SET replacement = ? WHERE replacement = ?",
            (IGNORE_INDEX, class_id),
        )


def present_ids(database: Database, mask_hash: str | None = None) -> LabelMap | None:
    """Return what each class id of earlier masks, or of one, means now: (256,) uint8.

    None where no class that they have was deleted.
    """
    found = "SELECT deleted_class.id, replacement FROM deleted_class"
    if mask_hash is None:
        rows = database.all(found)
    else:
        rows = database.all(
            f"{found} JOIN mask_class ON mask_class.class_id = deleted_class.id"
            " JOIN mask ON mask.id = mask_class.mask_id WHERE mask.hash = ?",
            (mask_hash,),
        )
    if not rows:
        return None
    table = np.arange(256, dtype=np.uint8)
    for id_, replacement in rows:
        table[id_] = replacement
    return table


def contiguous_ids(labels: Sequence[LabelClass]) -> LabelMap:
    """Return the places of classes ordered by id, by id: (256,) uint8, 255 where there is none.

    What leaves the project has these: lines of ``labels.txt`` and outputs of a network have no
    gaps.
    """
    table = np.full(256, IGNORE_INDEX, np.uint8)
    ids = sorted(label.id for label in labels)
    table[ids] = np.arange(len(ids))
    return table


def rename_class(connection: sqlite3.Connection, class_id: int, name: str) -> None:
    """Change a class's name; masks are not touched."""
    name = _checked_name(connection, name, own_id=class_id)
    _update(connection, "UPDATE class SET name = ? WHERE id = ?", (name, class_id))


def recolor_class(connection: sqlite3.Connection, class_id: int, color: Color) -> None:
    """Change a class's colour (red, green, blue; 0 … 255)."""
    _update(
        connection,
        "UPDATE class SET red = ?, green = ?, blue = ? WHERE id = ?",
        (*_checked_color(color), class_id),
    )


def order_classes(connection: sqlite3.Connection, class_ids: Sequence[int]) -> None:
    """Change the order of the list; ids, and so masks, stay as they are."""
    known = [row[0] for row in connection.execute("SELECT id FROM class")]
    if sorted(class_ids) != sorted(known):
        raise ValueError(f"{list(class_ids)} is no order of the classes {known}")
    connection.executemany("UPDATE class SET position = ? WHERE id = ?", enumerate(class_ids))


def _update(connection: sqlite3.Connection, sql: str, parameters: tuple[str | int, ...]) -> None:
    if connection.execute(sql, parameters).rowcount != 1:
        raise KeyError(f"no class {parameters[-1]}")


def _checked_name(connection: sqlite3.Connection, name: str, *, own_id: int | None) -> str:
    name = name.strip()
    if not name or "\n" in name or "\r" in name:
        raise InputError("A class needs a name of one line.")
    row = connection.execute("SELECT id FROM class WHERE name = ?", (name,)).fetchone()
    if row is not None and row[0] != own_id:
        raise InputError("There is a class {name} already; choose another name.", name=name)
    return name


def _checked_color(color: Color) -> Color:
    if len(color) != 3 or not all(0 <= part <= 255 for part in color):
        raise ValueError(f"{color} is no (red, green, blue)")
    red, green, blue = (int(part) for part in color)
    return red, green, blue
