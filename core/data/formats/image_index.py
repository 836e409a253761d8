"""The images that annotation files name: where they are, and whether they are the ones meant."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection
from pathlib import Path

from natsort import natsorted

from core.images.headers import MAX_PIXELS, too_large
from core.images.io import IMAGE_SUFFIXES, image_size
from core.system.errors import InputError


def require_folder(folder: Path | str) -> Path:
    """Return the absolute folder; raises ``InputError`` where there is none."""
    root = Path(folder).absolute()
    if not root.is_dir():
        raise InputError("The folder {folder} does not exist.", folder=root)
    return root


def find_images(folder: Path | str, *, check: Callable[[], object] | None = None) -> list[Path]:
    """Return the image files in a folder and its subfolders, in natural order.

    Hidden folders and links to folders are left out; ``check`` is called once a folder, and what
    it raises ends the search.
    """
    return find_files(folder, IMAGE_SUFFIXES, check=check)


def find_files(
    folder: Path | str, suffixes: Collection[str], *, check: Callable[[], object] | None = None
) -> list[Path]:
    """Return the files with one of ``suffixes`` (".json" …) as ``find_images`` does."""
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


def is_file(path: Path) -> bool:
    """Whether there is such a file; there is none where the name is longer than any can be."""
    try:
        return path.is_file()
    except OSError:
        return False


def path_inside(root: Path, folder: Path, name: str, *, file: Path) -> Path:
    """Return the path that ``name`` in the file of another tool means, never one outside ``root``.

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


class ImageIndex:
    """The images of a folder by the names that annotation files use for them."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @functools.cached_property
    def _images(self) -> list[Path]:
        return find_images(self._root)

    @functools.cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        return _grouped(self._images, lambda path: path.name)

    @functools.cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        return _grouped(self._images, lambda path: path.stem)

    def at(self, name: str, *, file: Path) -> Path | None:
        """Return the image ``name`` as ``file`` sees it from its own folder, None without one.

        Raises:
            InputError: it leads outside.
        """
        image = path_inside(self._root, file.parent, name, file=file)
        return image if image.suffix.lower() in IMAGE_SUFFIXES and is_file(image) else None

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


def _grouped(paths: list[Path], key: Callable[[Path], str]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(key(path), []).append(path)
    return groups


def checked_size(image: Path, size: tuple[int, int] | None, *, file: Path) -> tuple[int, int]:
    """Return an image's (width, height), which must be what ``file`` says, if it says anything.

    Raises:
        InputError: it is unreadable, of another size, or claims to be larger than any that opens.
    """
    width, height = image_size(image)
    if width * height > MAX_PIXELS:
        raise too_large(image)
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
