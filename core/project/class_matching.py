"""How the classes of an import become those of the project."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from core.data.class_names import BACKGROUND_NAMES, is_background
from core.data.label_class import LabelClass
from core.images.io import IGNORE_INDEX
from core.images.palette import Color, default_palette
from core.project.class_table import add_class, no_room
from core.project.mask_store import LabelMap
from core.system.errors import InputError


class Dropped(Enum):
    """What becomes of the pixels of a class that the project does not take over."""

    IGNORE = "ignore"
    """255: unknown, neither trained on nor scored."""
    BACKGROUND = "background"
    """The background class: none of the things that are sought."""


ClassMap = Mapping[str, str | Dropped]
"""The import's class name → the project's, or what becomes of its pixels without one."""


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
    free: Iterable[int],
    colors: Sequence[Color] = (),
    class_map: ClassMap | None = None,
) -> ClassPlan:
    """Match classes by name; what has no match becomes a new class with the next free id.

    All names of the background are the same class. What is left out as background
    goes to the project's background, else to the import's, else to a new class ``background``;
    in an empty project the background comes first.

    Args:
        existing: the project's classes.
        names: the import's classes by id.
        free: ids for new classes.
        colors: theirs; the default ones where missing.
        class_map: what becomes of the classes that it names.

    Raises:
        InputError: the project would have more than 255 classes.
    """
    known = {label.name: label.id for label in existing}
    ids = iter(free)
    lut = np.full(256, IGNORE_INDEX, np.uint8)
    new: list[LabelClass] = []
    for index, name, like in _targets(tuple(known), names, class_map or {}):
        if name not in known and is_background(name):
            name = next((other for other in known if is_background(other)), name)
        if name not in known:
            id_ = next(ids, None)
            if id_ is None:
                raise no_room(name, len(known))
            color = colors[like] if like < len(colors) else default_palette(id_ + 1)[id_]
            new.append(LabelClass(id_, name, color))
            known[name] = id_
        lut[index] = known[name]
    return ClassPlan(lut, len(names), tuple(new))


def _targets(
    known: Sequence[str], names: Sequence[str], class_map: ClassMap
) -> Iterator[tuple[int, str, int]]:
    """Yield (id in the import, name in the project, id in the import whose colour it has).

    What becomes background comes first, what is ignored not at all.
    """
    kept = [name.strip() for name in names if class_map.get(name, name) == name]
    found = (name for name in (*known, *kept) if name.lower() in BACKGROUND_NAMES)
    background = next(found, BACKGROUND_NAMES[0])
    like = names.index(background) if background in names else len(names)
    targets = [class_map.get(name, name) for name in names]
    for index, target in enumerate(targets):
        if target is Dropped.BACKGROUND:
            yield index, background, like
    for index, target in enumerate(targets):
        if isinstance(target, str):
            yield index, target.strip(), index


def add_planned(connection: sqlite3.Connection, plan: ClassPlan) -> None:
    """Add the new classes, with the ids that the masks were written with.

    Raises:
        InputError: someone added a class in the meantime.
    """
    for label in plan.new:
        if add_class(connection, label.name, label.color).id != label.id:
            raise InputError("The classes changed during the import; import again.")
