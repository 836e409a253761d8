"""Numbering the classes of formats that know them by name, or by ids of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.data.class_names import BACKGROUND, BACKGROUND_NAMES, IGNORE_NAME
from core.images.io import IGNORE_INDEX
from core.images.palette import Color, default_palette
from core.system.errors import InputError


@dataclass(frozen=True, slots=True)
class ClassNumbers:
    """``names`` and ``colors`` by index; ``values`` has also ``__ignore__``, which is 255."""

    names: list[str]
    colors: list[Color]
    values: dict[str, int]


def number_classes(found: Mapping[str, Color | None], *, tool: str) -> ClassNumbers:
    """Give each name its index: the background's is 0, the others follow in their order.

    Args:
        found: colour of each name, None where the source gives none.
        tool: whose files name them.

    Raises:
        InputError: more than 255 classes.
    """
    names = [name for name in found if name != IGNORE_NAME]
    background = next((name for name in names if name.lower() in BACKGROUND_NAMES), None)
    classes = [background or BACKGROUND, *(name for name in names if name != background)]
    check_count(classes, tool=tool)
    values = {name: index for index, name in enumerate(classes)} | {IGNORE_NAME: IGNORE_INDEX}
    colors = default_palette(len(classes))
    for name in names:
        colors[values[name]] = found[name] or colors[values[name]]
    return ClassNumbers(classes, colors, values)


def check_count(names: Sequence[str], *, tool: str) -> None:
    """Raise ``InputError`` where files name more classes than a mask holds."""
    if len(names) > IGNORE_INDEX:
        raise InputError(
            "The {tool} files use {count} {count:class|classes}; there can be at most 255.",
            tool=tool,
            count=len(names),
        )
