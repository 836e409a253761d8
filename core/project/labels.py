"""The classes of a project."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from core.data.label_class import LabelClass
from core.images.io import IGNORE_INDEX
from core.images.palette import Color, default_palette
from core.project.database import Database
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


def add_class(connection: sqlite3.Connection, name: str, color: Color | None = None) -> LabelClass:
    """Append a class; its id is one above the highest.

    Raises:
        InputError: an empty or taken name, or no id left.
    """
    name = _checked_name(connection, name, own_id=None)
    top, position = connection.execute(
        "SELECT coalesce(max(id), -1) + 1, coalesce(max(position), -1) + 1 FROM class"
    ).fetchone()
    if top >= IGNORE_INDEX:
        raise InputError(
            "There is no room for the class {name}: a mask holds {count} classes at most.",
            name=name,
            count=IGNORE_INDEX,
        )
    rgb = default_palette(top + 1)[top] if color is None else _checked_color(color)
    connection.execute(
        f"INSERT INTO class ({_COLUMNS}, position) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
        (top, name, *rgb, position),
    )
    return LabelClass(top, name, rgb)


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
