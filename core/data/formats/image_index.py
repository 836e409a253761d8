"""The images that annotation files name: where they are, and whether they are the ones meant."""

from __future__ import annotations

import functools
import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import numpy as np
from natsort import natsorted

from core.data.formats.conversion_report import ConversionReport
from core.data.formats.parsing import subset_of_path
from core.images.decoding import turned
from core.images.headers import stored_orientation, too_large
from core.images.io import IMAGE_SUFFIXES, ImageArray, image_size
from core.portable.picture_headers import MAX_PIXELS
from core.system.errors import InputError
from core.system.folders import common_end, same_name, walk_visible
from core.system.messages import message

_DRIVE = re.compile(r"[A-Za-z]:/")
_TURNED = (5, 6, 7, 8)


def require_folder(folder: Path | str) -> Path:
    """Return the absolute folder without ``..``; raises ``InputError`` where there is none."""
    root = absolute(folder)
    if not root.is_dir():
        raise InputError("The folder {folder} does not exist.", folder=root)
    return root


def absolute(path: Path | str) -> Path:
    """Return an absolute path without ``..``; links stay."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links


def find_images(folder: Path | str, *, check: Callable[[], object] | None = None) -> list[Path]:
    """Return the image files in a folder and its subfolders, in natural order.

    What is hidden is left out, and links to nothing; links to folders are followed as
    ``walk_visible`` says. ``check`` is called once a folder, and what it raises ends the search.
    """
    return find_files(folder, IMAGE_SUFFIXES, check=check)


def find_files(
    folder: Path | str, suffixes: Collection[str], *, check: Callable[[], object] | None = None
) -> list[Path]:
    """Return the files with one of ``suffixes`` (".json" …) as ``find_images`` does."""
    found = [
        place / name
        for place, _, names in walk_visible(folder, check=check)
        for name in names
        if Path(name).suffix.lower() in suffixes and not leads_nowhere(place / name)
    ]
    return natsorted(found, key=str)


def leads_nowhere(path: Path) -> bool:
    """Whether a path is a link to something that is not there."""
    return path.is_symlink() and not path.exists()


def is_file(path: Path) -> bool:
    """Whether there is such a file; there is none where the name is longer than any can be."""
    try:
        return path.is_file()
    except OSError:
        return False


def _place_of(name: str) -> tuple[str, bool]:
    """Return the path that a name of another tool means, and whether it is one of another place.

    URLs, drives and absolute paths are; a time such as ``12:30`` in a name is part of it.
    """
    if "://" in name:
        parts = urlsplit(name)
        return unquote(parts.path).lstrip("/"), True
    place = name.replace("\\", "/")  # files written on Windows
    if _DRIVE.match(place):
        return place[3:], True
    return place.lstrip("/"), place.startswith("/")


class ImageIndex:
    """The images of a folder by the names that annotation files use for them.

    Args:
        root: the folder; nothing outside it is ever found.
        report: told which images were found by a guess.
    """

    def __init__(self, root: Path, report: ConversionReport | None = None) -> None:
        self._root = root
        self._report = report

    @functools.cached_property
    def images(self) -> list[Path]:
        """All images, in natural order."""
        return find_images(self._root)

    @functools.cached_property
    def _known(self) -> dict[str, Path]:
        return {str(path): path for path in self.images}

    @functools.cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        return _grouped(self.images, lambda path: same_name(path.name))

    @functools.cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        return _grouped(self.images, lambda path: same_name(path.stem))

    def at(self, name: str, *, file: Path) -> Path | None:
        """Return the image of exactly this ``name``, beside ``file`` or from the root."""
        place, is_elsewhere = _place_of(name)
        if is_elsewhere:
            return self._at(Path("/", place))
        for start in (file.parent, self._root):
            if (found := self._at(start / place)) is not None:
                return found
        return None

    def _at(self, path: Path) -> Path | None:
        text = os.path.normpath(path)
        if (found := self._known.get(text)) is not None:
            return found
        if not is_file(Path(text)):
            return None
        # A link inside the folder to what is inside it.
        real, root = os.path.realpath(text), os.path.realpath(self._root)
        if not real.startswith(root + os.sep):
            return None
        return self._known.get(os.path.join(self._root, os.path.relpath(real, root)))  # noqa: PTH118

    def find(self, name: str, *, file: Path, subset: str = "", least: int = 1) -> Path:
        """Return the image called ``name`` in ``file``: beside it, from the root, or anywhere.

        What lies elsewhere by its name (absolute, a URL, above the root) is looked for by as much
        of the end of its path as there is. Unicode's normal form never counts, letter case only
        where it tells several images apart.

        Args:
            name: as the file says it.
            file: who says so.
            subset: folder that is meant where several images fit.
            least: how many parts of the path must agree at its end, as far as it has them.

        Raises:
            InputError: it does not exist inside the root, or several images fit.
        """
        if (found := self.at(name, file=file)) is not None:
            return found
        place, is_elsewhere = _place_of(name)
        inside = os.path.normpath(file.parent / place).startswith(str(self._root) + os.sep)
        is_elsewhere = is_elsewhere or not inside
        wanted = [part for part in PurePosixPath(place).parts if part not in ("..", ".")]
        fitting = self._by_ending(wanted, subset, least)
        if len(fitting) == 1:
            is_guess = is_elsewhere or common_end(fitting[0].parts, wanted) < len(wanted)
            self._note(fitting[0], wanted[-1], is_guess=is_guess)
            return fitting[0]
        if fitting:
            raise InputError(
                "{file} says {image}, and several images are called so; keep the folders that it"
                " names.",
                file=file,
                image=name,
            )
        if is_elsewhere or not name or "\0" in name:
            raise InputError(
                "{file} names an image outside its folder ({image}); put the image beside it.",
                file=file,
                image=name.replace("\0", "?"),
            )
        raise InputError("The image {image} of {file} does not exist.", image=name, file=file)

    def _by_ending(self, wanted: Sequence[str], subset: str, least: int) -> list[Path]:
        """Return the images whose paths end most like ``wanted``, of no other subset."""
        if not wanted:
            return []
        places = self._by_name.get(same_name(wanted[-1]), [])
        said = subset_of_path(Path(*wanted), Path())
        places = [
            path
            for path in places
            if common_end(path.parts, wanted) >= min(least, len(wanted))
            and said in (None, subset_of_path(path, self._root) or said)
        ]
        best = max((common_end(path.parts, wanted) for path in places), default=0)
        fitting = [path for path in places if common_end(path.parts, wanted) == best]
        if len(fitting) > 1 and subset:
            called = same_name(subset)
            fitting = [p for p in fitting if called in map(same_name, p.parts[:-1])] or fitting
        if len(fitting) > 1:
            fitting = [path for path in fitting if path.name == wanted[-1]] or fitting
        return fitting

    def _note(self, image: Path, name: str, *, is_guess: bool) -> None:
        if self._report is None:
            return
        if is_guess:
            self._report.alike(
                "assumed",
                message(
                    "{count} {count:image is|images are} not where the annotations say; those of "
                    "the same name elsewhere in the folder are taken (the first is {file})."
                ),
                image,
            )
        if not _same_case(image.name, name):
            self._report.alike(
                "assumed",
                message(
                    "{count} {count:image is|images are} named in another letter case; those that "
                    "differ in nothing else are taken (the first is {file})."
                ),
                image,
            )

    def with_stem(self, stem: str, *, file: Path, without: Collection[Path] = ()) -> Path:
        """Return the image of this name without its suffix, which is none of ``without``.

        Raises:
            InputError: it does not exist, or several images fit.
        """
        places = [p for p in self._by_stem.get(same_name(stem), []) if p not in without]
        exact = [path for path in places if path.stem == stem]
        beside = [path for path in exact or places if path.parent == file.parent]
        places = beside if len(exact or places) > 1 and len(beside) == 1 else exact or places
        if len(places) == 1:
            return places[0]
        if places:
            raise InputError(
                "{file} says {image}, and several images are called so; keep the folders that it"
                " names.",
                file=file,
                image=stem,
            )
        raise InputError("The image {image} of {file} does not exist.", image=stem, file=file)


def _same_case(first: str, second: str) -> bool:
    """Whether two names that ``same_name`` equates agree in letter case, too."""
    return unicodedata.normalize("NFC", first) == unicodedata.normalize("NFC", second)


def _grouped(paths: Iterable[Path], key: Callable[[Path], str]) -> dict[str, list[Path]]:
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


@dataclass(frozen=True, slots=True)
class Canvas:
    """What an annotation was drawn on: ``size`` (width, height) of the image, perhaps as stored.

    ``orientation`` is EXIF's, 1 where the annotation is upright as its image.
    """

    size: tuple[int, int]
    orientation: int = 1

    def upright(self, mask: ImageArray) -> ImageArray:
        """Return a label map (height, width) that was drawn on it as the image is seen."""
        return np.ascontiguousarray(turned(mask, self.orientation))


def canvas_of(
    image: Path, said: tuple[int, int] | None, *, file: Path, report: ConversionReport | None
) -> Canvas:
    """Return what the annotation of an image was drawn on.

    Many tools show photographs as they are stored, without the camera's orientation; their sizes
    tell where it turns the image to its side.

    Args:
        image: the image.
        said: (width, height) that ``file`` gives, None where it gives none.
        file: the annotation's.
        report: told that an annotation is turned; None refuses such ones.

    Raises:
        InputError: as ``checked_size``.
    """
    if report is not None and said is not None and said[0] != said[1]:
        orientation = stored_orientation(image)
        if orientation in _TURNED and said == image_size(image)[::-1]:
            checked_size(image, None, file=file)
            report.alike(
                "changed",
                message(
                    "{count} {count:annotation was|annotations were} drawn on photographs as they "
                    "are stored, and {count:is|are} turned upright as the camera says (EXIF "
                    "orientation; the first is of {file})."
                ),
                image,
            )
            return Canvas(said, orientation)
    return Canvas(checked_size(image, said, file=file))
