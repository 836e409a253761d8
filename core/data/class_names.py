"""Names of classes: of the background, in text files, and of data compared with a model's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.images.io import IGNORE_INDEX
from core.system.errors import InputError
from core.system.files import read_text
from core.system.messages import Message, message

BACKGROUND = "background"
LABELME_BACKGROUND = "_background_"
BACKGROUND_NAMES = (BACKGROUND, LABELME_BACKGROUND, "背景")
"""In small letters; class 0 is called so where it stands for none of the things sought."""
IGNORE_NAME = "__ignore__"
"""What labelme, and the writers of the other formats after it, call pixels of value 255."""


def is_background(name: str) -> bool:
    """Whether a class of this name is the background."""
    return name.strip().lower() in BACKGROUND_NAMES


def read_names(path: Path) -> list[str]:
    """Return the class names in a text file, one a line, without empty ones and ``__ignore__``.

    Raises:
        InputError: no name, or as ``check_names``.
    """
    names = [line.strip() for line in read_text(path).split("\n")]
    names = [name for name in names if name and name != IGNORE_NAME]
    if not names:
        raise InputError("{file} is empty; write one class name on each line.", file=path)
    check_names(path, names)
    return names


def check_names(path: Path, names: Sequence[str]) -> None:
    """Raise ``InputError`` where ``path`` names more classes than a mask holds, or one twice."""
    if len(names) > IGNORE_INDEX:
        raise InputError(
            "{file} names {count} {count:class|classes}; there can be at most 255.",
            file=path,
            count=len(names),
        )
    known: set[str] = set()
    for name in names:
        if name in known:
            raise InputError(
                "{file} names the class {label} twice; class names must differ.",
                file=path,
                label=name,
            )
        known.add(name)


def compare_class_names(data: Sequence[str], model: Sequence[str]) -> Message | None:
    """Compare class names of equal number, index by index; letter case does not count.

    Args:
        data: class names of the data.
        model: class names of the model; its bare indices ("0", "1", …) say nothing.

    Returns:
        A warning that names the first class that differs, or None.

    Raises:
        InputError: a class stands at another index, so that every number would be wrong.
    """
    given = [name.strip().casefold() for name in data]
    known = [name.strip().casefold() for name in model]
    if known == given or known == [str(index) for index in range(len(known))]:
        return None
    for index, name in enumerate(given):
        if known[index] != name and name in known:
            raise InputError(
                "The class {name} is number {data} in the data but number {model} in the model, so "
                "every score would be wrong: put labels.txt and the masks in the model's order "
                "({labels}).",
                name=data[index],
                data=index,
                model=known.index(name),
                labels=", ".join(model),
            )
    index = next(index for index, name in enumerate(given) if known[index] != name)
    return message(
        "Class {index} is called {data} in the data and {model} in the model: the scores only mean "
        "something if it is the same class.",
        index=index,
        data=data[index],
        model=model[index],
    )
