"""Reading other tools' files without trusting them: JSON, numbers, and the images they name."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from natsort import natsorted

from core.datasets import Subset
from core.images.headers import MAX_PIXELS
from core.images.io import IMAGE_SUFFIXES, image_size
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
BACKGROUND_NAMES = ("background", "_background_", "背景")
IGNORE_NAME = "__ignore__"
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


def find_images(folder: Path | str, *, check: Callable[[], object] | None = None) -> list[Path]:
    """Return the image files in a folder and its subfolders, in natural order.

    Hidden folders and links to folders are left out; ``check`` is called once a folder, and what
    it raises ends the search.
    """
    return find_files(folder, IMAGE_SUFFIXES, check=check)


def find_files(
    folder: Path | str, suffixes: frozenset[str], *, check: Callable[[], object] | None = None
) -> list[Path]:
    """Return the files with one of ``suffixes`` as ``find_images`` does."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        if check is not None:
            check()
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(place, name)
            for name in names
            if Path(name).suffix.lower() in suffixes and not name.startswith(".")
        ]
    return natsorted(found, key=str)


def path_inside(root: Path, folder: Path, name: str, *, file: Path) -> Path:
    """Return the path that a foreign file means by ``name``, never one outside ``root``.

    Raises:
        InputError: the name is absolute or leads out of ``root``; ``file`` is who says so.
    """
    name = name.replace("\\", "/")  # files written on Windows
    path = Path(os.path.normpath(folder / name))
    if (
        not path.is_relative_to(root)
        or name.startswith("/")
        or ":" in name
        or not name
        or "\0" in name
    ):
        raise InputError(
            "{file} names an image outside its folder ({image}); put the image beside it.",
            file=file,
            image=name.replace("\0", "?"),
        )
    return path


def is_file(path: Path) -> bool:
    """Whether there is such a file; there is none where the name is longer than any can be."""
    try:
        return path.is_file()
    except OSError:
        return False


class ImageIndex:
    """The images of a folder by the names that annotation files use for them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for path in find_images(root):
            self._by_name.setdefault(path.name, []).append(path)
            self._by_stem.setdefault(path.stem, []).append(path)

    def find(self, name: str, *, file: Path) -> Path:
        """Return the image called ``name`` in ``file``: beside it, from the root, or anywhere.

        Raises:
            InputError: it leads outside, does not exist, or several images fit.
        """
        beside = Path(os.path.normpath(file.parent / name.replace("\\", "/")))
        # A name such as ../images/a.jpg makes sense from the file's folder only.
        starts = [file.parent] if beside.is_relative_to(self._root) else []
        if not starts or ".." not in name:
            starts.append(self._root)
        for start in starts:
            path = path_inside(self._root, start, name, file=file)
            if path in self._by_name.get(path.name, ()):
                return path
        wanted = Path(os.path.normpath(name.replace("\\", "/")))
        places = self._by_name.get(wanted.name, [])
        endings = [path for path in places if path.parts[-len(wanted.parts) :] == wanted.parts]
        return self._single(endings or places, name, file)

    def with_stem(self, stem: str, *, file: Path, without: Collection[Path] = ()) -> Path:
        """Return the image of this name without its suffix, which is none of ``without``.

        Raises:
            InputError: it does not exist, or several images fit.
        """
        places = [path for path in self._by_stem.get(stem, []) if path not in without]
        return self._single(places, stem, file)

    def _single(self, places: list[Path], name: str, file: Path) -> Path:
        if len(places) == 1:
            return places[0]
        if places:
            raise InputError(
                "{file} says {image}, and several images are called so; keep the folders that it"
                " names.",
                file=file,
                image=name,
            )
        raise InputError("The image {image} of {file} does not exist.", image=name, file=file)


def said_size(width: Any, height: Any) -> tuple[int, int] | None:
    """Return the size that a file gives for its image; None where it gives none."""
    return (width, height) if type(width) is int and type(height) is int else None


def checked_size(image: Path, size: tuple[int, int] | None, *, file: Path) -> tuple[int, int]:
    """Return an image's (width, height), which must be what ``file`` says, if it says anything.

    Raises:
        InputError: it is unreadable, of another size, or claims to be larger than any that opens.
    """
    width, height = image_size(image)
    if width * height > MAX_PIXELS:
        raise InputError(
            "{file} has more than {count} million pixels, too many to open at once; cut it into"
            " tiles.",
            file=image,
            count=MAX_PIXELS // 1_000_000,
        )
    if size is not None and size != (width, height):
        raise InputError(
            "{file} was drawn on {size} pixels but its image {image} has {width}×{height}.",
            file=file,
            size="×".join(map(str, size)),
            image=image.name,
            width=width,
            height=height,
        )
    return width, height


def require_folder(folder: Path | str) -> Path:
    """Return the absolute folder; raises ``InputError`` where there is none."""
    root = Path(folder).absolute()
    if not root.is_dir():
        raise InputError("The folder {folder} does not exist.", folder=root)
    return root
