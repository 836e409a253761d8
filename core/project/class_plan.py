"""How the classes of an import become those of the project."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.images import IGNORE_INDEX, Color, default_palette
from core.project.labels import add_class
from core.project.masks import LabelMap
from core.project.rows import LabelClass

_BACKGROUND = ("background", "_background_")


@dataclass(frozen=True, slots=True)
class ClassPlan:
    """``lut`` turns the import's class ids into the project's; ``new`` classes are to be added.

    ``count`` is the number of the import's classes; ids from there on, but 255, mean nothing.
    """

    lut: LabelMap
    count: int
    new: tuple[LabelClass, ...]


def plan_classes(
    existing: Sequence[LabelClass],
    names: Sequence[str],
    *,
    colors: Sequence[Color] = (),
    class_map: Mapping[str, str | None] | None = None,
) -> ClassPlan:
    """Match classes by name; what has no match becomes a new class with the next free id.

    ``background`` and labelme's ``_background_`` are the same class.

    Args:
        existing: the project's classes.
        names: the import's classes by id.
        colors: theirs; the default ones where missing.
        class_map: the import's name → the project's, or None to ignore those pixels (255).

    Raises:
        InputError: the project would have more than 255 classes.
    """
    known = {label.name: label.id for label in existing}
    free = max(known.values(), default=-1) + 1
    lut = np.full(256, IGNORE_INDEX, np.uint8)
    new: list[LabelClass] = []
    for index, source_name in enumerate(names):
        name = (class_map or {}).get(source_name, source_name)
        if name is None:
            continue
        name = name.strip()
        if name not in known and name in _BACKGROUND:
            name = next((other for other in _BACKGROUND if other in known), name)
        if name not in known:
            if free >= IGNORE_INDEX:
                raise InputError(
                    "There is no room for the class {name}: a mask holds {count} classes at most.",
                    name=name,
                    count=IGNORE_INDEX,
                )
            color = colors[index] if index < len(colors) else default_palette(free + 1)[free]
            new.append(LabelClass(free, name, color))
            known[name] = free
            free += 1
        lut[index] = known[name]
    return ClassPlan(lut, len(names), tuple(new))


def add_planned(connection: sqlite3.Connection, plan: ClassPlan) -> None:
    """Add the new classes, with the ids that the masks were written with.

    Raises:
        InputError: someone added a class in the meantime.
    """
    for label in plan.new:
        if add_class(connection, label.name, label.color).id != label.id:
            raise InputError("The classes changed during the import; import again.")
