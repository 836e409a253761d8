"""Which format a folder is in."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from natsort import natsorted

from core.datasets import SUBSETS, list_file
from core.errors import InputError
from core.formats.paddlex_seg import IMAGE_FOLDERS, MASK_FOLDERS
from core.images import IMAGE_SUFFIXES

FolderFormat = Literal["paddlex_seg", "labelme", "images"]
_LABELME_LOOKED_AT = 50
_LABELME_HEAD_BYTES = 65536
_SHAPES_KEY = b'"shapes"'


def detect_format(folder: Path | str) -> FolderFormat:
    """Tell a folder's format by its files; ``images`` where nothing else fits.

    Raises:
        InputError: the folder does not exist or cannot be listed.
    """
    path = Path(folder)
    try:
        names = sorted(entry.name for entry in path.iterdir())
    except OSError as error:
        raise InputError(
            "The folder {folder} cannot be read: {reason}.",
            folder=path,
            reason=error.strerror or error,
        ) from error
    paired = not set(IMAGE_FOLDERS).isdisjoint(names) and not set(MASK_FOLDERS).isdisjoint(names)
    if paired or any(list_file(path, subset).name in names for subset in SUBSETS):
        return "paddlex_seg"
    candidates = itertools.islice(_json_files(path), _LABELME_LOOKED_AT)
    return "labelme" if any(_is_labelme(file) for file in candidates) else "images"


def find_images(folder: Path | str, *, check: Callable[[], object] | None = None) -> list[Path]:
    """Return the image files in a folder and its subfolders, in natural order.

    Hidden folders and links to folders are left out; ``check`` is called once a folder, and what
    it raises ends the search.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        if check is not None:
            check()
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(place, name)
            for name in names
            if Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")
        ]
    return natsorted(found, key=str)


def _json_files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if name.lower().endswith(".json"))


def _is_labelme(path: Path) -> bool:
    """Labelme writes ``shapes`` before the image data, so the head of the file is enough."""
    try:
        with path.open("rb") as file:
            return _SHAPES_KEY in file.read(_LABELME_HEAD_BYTES)
    except OSError:
        return False
