"""List files: lines ``image mask``, and the files that they name."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from core.system.errors import InputError, MissingFilesError, named
from core.system.files import read_text_that_fits
from core.system.folders import same_name
from core.system.messages import Message, message

_TOKEN = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'(?=\s|$)|(\S+))")


class Item(NamedTuple):
    """One image and its mask, both absolute."""

    image: Path
    mask: Path


@dataclass(frozen=True, slots=True)
class FileList:
    """What a list file says.

    Attributes:
        items: what it names, as it is spelt on the disk.
        problems: its faulty lines, in order.
        respelt: files that it spells otherwise, in letter case or in Unicode's normal form.
    """

    items: tuple[Item, ...]
    problems: tuple[InputError, ...] = ()
    respelt: tuple[Path, ...] = ()


def list_text(pairs: Iterable[tuple[Path | str, Path | str]]) -> str:
    """Return the lines of a list, tab-separated so that paths may hold spaces.

    Raises:
        InputError: a path holds a tab or a line break.
    """
    return "".join(f"{_posix(image)}\t{_posix(mask)}\n" for image, mask in pairs)


def _posix(path: Path | str) -> str:
    text = Path(path).as_posix()
    if any(character in text for character in "\t\r\n"):
        raise InputError("The path {file} holds a tab or a line break; rename it.", file=repr(text))
    return text


def read_list(path: Path | str, data_dir: Path | str) -> FileList:
    """Read the lines ``image mask`` of a list; they may name files that do not exist.

    Paths with spaces are separated by a tab or quoted; relative ones start at ``data_dir`` and
    stay inside it. Where there is only one file that differs in nothing but letter case or
    Unicode's normal form, it is meant.

    Raises:
        InputError: the list itself is missing or no text.
    """
    folder = str(Path(data_dir).absolute())
    items: list[Item] = []
    problems: list[InputError] = []
    spelling = _Spelling()
    for number, tokens in list_lines(path):
        try:
            if isinstance(tokens, InputError):
                raise tokens
            if len(tokens) < 2:
                raise InputError(
                    "Line {line} of {file} names an image but no mask.", line=number, file=path
                )
            image, mask = (
                spelling.on_disk(resolve_listed(name, folder, path, number)) for name in tokens
            )
        except InputError as error:
            problems.append(error)
        else:
            items.append(Item(image, mask))
    return FileList(tuple(items), tuple(problems), tuple(spelling.changed))


class _Spelling:
    """Finds files by names that differ from theirs in letter case or Unicode's normal form."""

    def __init__(self) -> None:
        self.changed: dict[Path, None] = {}
        self._folders: dict[Path, dict[str, list[str]]] = {}

    def on_disk(self, path: Path) -> Path:
        """Return a path as it is spelt; unchanged where it exists, or not one file is meant."""
        if os.path.exists(path):  # noqa: PTH110 - Path.exists raises for names that are too long
            return path
        found = self._find(path)
        if found is None:
            return path
        self.changed[found] = None
        return found

    def _find(self, path: Path) -> Path | None:
        if os.path.exists(path) or path.parent == path:  # noqa: PTH110
            return path
        folder = self._find(path.parent)
        if folder is None:
            return None
        names = self._names(folder).get(same_name(path.name), [])
        return folder / names[0] if len(names) == 1 else None

    def _names(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._folders:
            names: dict[str, list[str]] = {}
            with contextlib.suppress(OSError):
                for entry in folder.iterdir():
                    names.setdefault(same_name(entry.name), []).append(entry.name)
            self._folders[folder] = names
        return self._folders[folder]


def respelt_remark(files: Sequence[Path], file_list: Path | str) -> Message:
    """Say that files were taken though a list spells them otherwise; at least one."""
    return message(
        "{count} {count:file|files} of {list} {count:is|are} spelt otherwise on the disk, in "
        "letter case or accents; they are taken as they differ in nothing else (the first is "
        "{file}).",
        count=len(files),
        list=file_list,
        file=files[0],
    )


def list_lines(path: Path | str) -> Iterator[tuple[int, tuple[str, ...] | InputError]]:
    """Yield the number of each line of a list with the one or two names on it, or its fault.

    Raises:
        InputError: the list itself is missing or no text.
    """
    text = read_text_that_fits(path, lambda text: _names_files(text, Path(path)))
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, _split_line(line, path, number)
            except InputError as error:
                yield number, error


def _names_files(text: str, path: Path) -> bool:
    """Whether the first name of a list with anything but ASCII is that of a file beside it."""
    for line in text.split("\n"):
        if line.strip() and not line.isascii():
            with contextlib.suppress(InputError, OSError, ValueError):
                name = _split_line(line, path, 0)[0].replace("\\", "/")
                return (path.parent / name).is_file()
            return False
    return True


def _split_line(line: str, path: Path | str, number: int) -> tuple[str, ...]:
    if "\t" in line.strip():
        tokens = [part.strip().strip('"') for part in line.strip().split("\t") if part.strip()]
    else:
        tokens = [next(filter(None, groups)) for groups in _TOKEN.findall(line.strip())]
    if len(tokens) > 2:
        raise InputError(
            "Line {line} of {file} has {count} {count:part|parts} where an image and a mask "
            "belong; separate paths that hold spaces by a tab or put them in quotes.",
            line=number,
            file=path,
            count=len(tokens),
        )
    return tuple(tokens)


def resolve_listed(name: str, data_dir: str, path: Path | str, number: int) -> Path:
    """Return the absolute path that a line of a list names.

    Args:
        name: as the line has it.
        data_dir: absolute folder; a relative name may not climb out of it.
        path: the list.
        number: of the line.

    Raises:
        InputError: the name leads outside.
    """
    if os.sep == "/" and "\\" in name:
        name = name.replace("\\", "/")  # lists written on Windows
    # Strings, because a list may have 100 000 lines and every Path costs microseconds.
    inside = os.path.normpath(name)
    if os.path.isabs(inside):  # noqa: PTH117
        return Path(inside)
    if inside.split(os.sep, 1)[0] == os.pardir or os.path.splitdrive(inside)[0]:
        raise InputError(
            "Line {line} of {file} leaves the data folder with {path}; name files inside it, or"
            " write the whole path.",
            line=number,
            file=path,
            path=name,
        )
    return Path(os.path.join(data_dir, inside))  # noqa: PTH118


def check_exist(items: Sequence[Item], file_list: Path | str) -> None:
    """Raise ``MissingFilesError`` naming all images and masks of a list that are missing."""
    missing = [item for item in items if not (item.image.is_file() and item.mask.is_file())]
    if len(missing) > 1:
        files = [file for item in missing for file in item if not file.is_file()]
        raise MissingFilesError(
            "Files of {list} do not exist ({count}): {names}.",
            count=len(files),
            list=file_list,
            names=named(files),
            files=[item.image for item in missing],
        )
    for item in missing:
        check_exists(item, file_list)


def check_exists(item: Item, file_list: Path | str) -> None:
    """Raise ``InputError`` when the image or the mask of a list's line is missing."""
    if not item.image.is_file():
        if (other := _called_alike(item.image)) is not None:
            raise _alike_error(item.image, other, file_list)
        raise MissingFilesError(
            "The image {file} of {list} does not exist.",
            file=item.image,
            list=file_list,
            files=[item.image],
        )
    if not item.mask.is_file():
        if (other := _called_alike(item.mask)) is not None:
            raise _alike_error(item.mask, other, file_list)
        raise MissingFilesError(
            "The mask {file} of {list} does not exist.",
            file=item.mask,
            list=file_list,
            files=[item.image],
        )


def _alike_error(path: Path, other: str, file_list: Path | str) -> InputError:
    return InputError(
        "The file {file} of {list} does not exist, but {other} does; letter case and the spelling"
        " of accents must agree.",
        file=path,
        list=file_list,
        other=other,
    )


def _called_alike(path: Path) -> str | None:
    """Return the name of a file that differs in letter case or Unicode's normal form only."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return None
    return next((name for name in names if same_name(name) == same_name(path.name)), None)
