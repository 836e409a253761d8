"""``labels.txt`` and ``colors.txt``: one line a class."""

from __future__ import annotations

from pathlib import Path

from core.images.io import IGNORE_INDEX
from core.images.palette import Color, default_palette
from core.system.errors import InputError
from core.system.files import read_text

LABELS_FILE = "labels.txt"
COLORS_FILE = "colors.txt"


def read_labels(path: Path | str) -> tuple[str, ...]:
    """Read class names, one a line; blank lines at the end do not count.

    Raises:
        InputError: missing, empty, a blank line between names, a name twice, or over 255 names.
    """
    lines = [line.strip() for line in read_text(path).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise InputError("{file} is empty; write one class name on each line.", file=path)
    if "" in lines:
        raise InputError(
            "Line {line} of {file} is blank; each line names the class of its index.",
            line=lines.index("") + 1,
            file=path,
        )
    for index, name in enumerate(lines):
        if name in lines[:index]:
            raise InputError(
                "{file} names the class {label} twice; class names must differ.",
                file=path,
                label=name,
            )
    if len(lines) > IGNORE_INDEX:
        raise InputError(
            "{file} names {count} {count:class|classes}; there can be at most 255.",
            file=path,
            count=len(lines),
        )
    return tuple(lines)


def read_colors(data_dir: Path | str, count: int) -> tuple[Color, ...]:
    """Return ``count`` colours: those of ``colors.txt``, filled up from the default palette.

    Raises:
        InputError: a line of ``colors.txt`` is not three numbers from 0 to 255.
    """
    path = Path(data_dir) / COLORS_FILE
    colors: list[Color] = []
    for number, line in enumerate(read_text(path).split("\n") if path.exists() else [], 1):
        if not line.strip():
            continue
        values = line.replace(",", " ").split()
        if len(values) != 3 or not all(v.isdecimal() and int(v) <= 255 for v in values):
            raise InputError(
                "Line {line} of {file} is not a colour: write red, green and blue from 0 to 255.",
                line=number,
                file=path,
            )
        red, green, blue = (int(value) for value in values)
        colors.append((red, green, blue))
    return (*colors[:count], *default_palette(count)[len(colors) :])
