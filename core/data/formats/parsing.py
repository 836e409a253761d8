"""Values in the files of other tools, none of them trusted: JSON, numbers, colours, subsets."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from core.datasets import Subset
from core.images.palette import Color
from core.system.errors import InputError
from core.system.files import read_text

MAX_FILE_BYTES = 512 * 2**20
MAX_PARTS = 20_000_000
"""Lists and objects in one JSON file; the 860 000 outlines of COCO's own largest are 3 million."""
_SURELY_FITS = 16 * 2**20
_BYTES_IN_MEMORY = {"{": 184, "[": 88, ",": 33, '"': 27}
"""What Python's objects take for each of these characters in JSON, at most."""
MAX_COORDINATE = 100_000.0
_SUBSET_WORDS: dict[str, Subset] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def load_json(path: Path) -> Any:
    """Parse a JSON file of at most ``MAX_FILE_BYTES``.

    Raises:
        InputError: missing, too large, cut short, or nested too deeply.
    """
    return parse_json(path, read_text(path, max_bytes=MAX_FILE_BYTES))


def parse_json(path: Path, text: str) -> Any:
    """Parse the text of a JSON file.

    Raises:
        InputError: cut short, nested too deeply, or more than the free memory can hold.
    """
    _check_size(path, text)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            "{file} is no valid JSON: it is damaged or cut short.", file=path
        ) from error


def _check_size(path: Path, text: str) -> None:
    """Refuse a file whose values would not fit into memory: they take up to 60 times its size."""
    if len(text) < _SURELY_FITS:
        return
    if text.count("[") + text.count("{") > MAX_PARTS:
        raise InputError(
            "{file} holds more than {count} million lists, more than such a file can need.",
            file=path,
            count=MAX_PARTS // 1_000_000,
        )
    import psutil

    needed = sum(text.count(char) * size for char, size in _BYTES_IN_MEMORY.items())
    free = psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            "{file} needs about {needed} GiB of memory to be read, and {free} GiB are free; divide"
            " it into several files.",
            file=path,
            needed=f"{needed / 2**30:.1f}",
            free=f"{free / 2**30:.1f}",
        )


def is_number(value: Any) -> bool:
    """Whether a value is a finite number that may be a coordinate."""
    return type(value) in (int, float) and abs(value) <= MAX_COORDINATE  # NaN fails


def parse_number(text: str | None) -> float:
    """Return the coordinate a text holds; raises ``ValueError`` for anything else."""
    number = float(text or "")
    if not math.isfinite(number) or abs(number) > MAX_COORDINATE:
        raise ValueError(text)
    return number


def parse_color(value: Any) -> Color | None:
    """Return red, green, blue from a list of three numbers or "#rrggbb"; None for else."""
    if isinstance(value, str) and len(value) == 7 and value[0] == "#":
        try:
            number = int(value[1:], 16)
        except ValueError:
            return None
        return number >> 16, number >> 8 & 255, number & 255
    is_list = isinstance(value, list) and len(value) == 3
    if is_list and all(type(part) is int and 0 <= part <= 255 for part in value):
        return value[0], value[1], value[2]
    return None


def subset_of(name: str) -> Subset | None:
    """Return the subset that a file or folder is named after (``instances_val2017``)."""
    words = "".join(char if char.isalpha() else " " for char in name.lower()).split()
    return next((_SUBSET_WORDS[word] for word in words if word in _SUBSET_WORDS), None)


def subset_of_path(path: Path, root: Path) -> Subset | None:
    """Return the subset that the nearest folder between ``path`` and ``root`` is named after."""
    for folder in reversed(path.relative_to(root).parts[:-1]):
        if (subset := _SUBSET_WORDS.get(folder.lower())) is not None:
            return subset
    return None


def said_size(width: Any, height: Any) -> tuple[int, int] | None:
    """Return the size that a file gives for its image; None where it gives none."""
    return (width, height) if type(width) is int and type(height) is int else None
