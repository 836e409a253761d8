"""What a format's module says of it: names, reader, writer, and how its files are told."""

from __future__ import annotations

import codecs
import functools
import itertools
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Literal

from core.data.formats.conversion_report import ConversionReport
from core.data.formats.import_result import ImportResult
from core.images.palette import Color
from core.system.errors import InputError
from core.system.files import open_regular
from core.system.folders import is_hidden, walk_visible
from core.system.messages import Message

HEAD_BYTES = 65536
LOOKED_AT = 50
"""Files of a folder that are looked into: the first ones."""

Crowd = Literal["ignore", "class"]
Option = Literal["extract_to", "crowd", "colors"]
"""A field of ``ReadOptions``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What a reader is told besides the path; ``Format.options`` says what it heeds.

    Attributes:
        extract_to: where images go that exist only inside annotation files; None leaves them out.
        crowd: whether pixels of COCO's crowds are ignored or of their class.
        colors: class of each colour of masks in colours, ``__ignore__`` for 255; None leaves it
            to the files of the folder.
    """

    extract_to: Path | None = None
    crowd: Crowd = "ignore"
    colors: Mapping[Color, str] | None = None


Reader = Callable[[Path, ReadOptions], ImportResult]
Writer = Callable[[ImportResult, Path], ConversionReport]


class Evidence(IntEnum):
    """How surely a folder is of a format; the surest counts, of equals the first registered."""

    MASK_NAMES = 1
    """Images that are named like masks of others."""
    FOLDER_NAMES = 2
    """Folders that are called as the format calls them, among other possible names."""
    COLORS = 3
    """Masks of images that are in colours."""
    TEXT_FILES = 4
    """Text files where the format has its labels."""
    FILE_PER_IMAGE = 5
    """An annotation file of a single image."""
    FILE_OF_MANY = 6
    """An annotation file of many images."""
    TOOL_FILES = 7
    """What one tool writes, perhaps beside files of other formats."""
    LAYOUT = 8
    """File and folder names that together are the format's own."""


@dataclass(frozen=True, slots=True)
class FileHead:
    """The beginning of a file: ``data`` without a mark of its encoding, UTF-16 as UTF-8."""

    path: Path
    data: bytes

    @classmethod
    def of(cls, path: Path) -> FileHead | None:
        """Read the beginning of a file; None where it cannot be read."""
        try:
            with open_regular(path) as file:
                return cls(path, _as_utf8(file.read(HEAD_BYTES)))
        except OSError:
            return None

    def tail(self) -> bytes:
        """Return the end of the file without the zeros of UTF-16; raises ``OSError``."""
        with open_regular(self.path) as file:
            file.seek(-min(HEAD_BYTES, self.path.stat().st_size), os.SEEK_END)
            return file.read().replace(b"\0", b"")


def _as_utf8(head: bytes) -> bytes:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "ignore").encode()
    return head.removeprefix(codecs.BOM_UTF8)


class FolderOverview:
    """A folder as detection looks at it; what costs a walk is found out when it is asked for.

    Attributes:
        root: the folder.
        names: of the files and folders directly in it.

    Raises:
        InputError: it does not exist or cannot be listed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            self.names = frozenset(one.name for one in root.iterdir() if not is_hidden(one.name))
        except OSError as error:
            raise InputError(
                "The folder {folder} cannot be read: {reason}.",
                folder=root,
                reason=error.strerror or error,
            ) from error

    @functools.cached_property
    def folders(self) -> frozenset[str]:
        """Names of the folders directly in it."""
        return frozenset(name for name in self.names if (self.root / name).is_dir())

    def files(self, suffixes: Collection[str], *, below: str = "") -> Iterator[Path]:
        """Yield the first files with one of ``suffixes``, in it or in its folder ``below``."""
        return itertools.islice(_walk(self.root / below, tuple(suffixes)), LOOKED_AT)


def _walk(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for place, _, names in walk_visible(folder):
        yield from (place / name for name in sorted(names) if name.lower().endswith(suffixes))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationFile:
    """A format's annotation files.

    Attributes:
        suffixes: ".json" …, in small letters.
        is_one: whether a file with such a suffix is one.
        evidence: what a folder shows that holds one.
        is_source: whether a file alone, without its folder, can be read.
    """

    suffixes: tuple[str, ...]
    is_one: Callable[[FileHead], bool]
    evidence: Evidence
    is_source: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format.

    Attributes:
        key: its name on the command line.
        title: what people read.
        read: reader, None where there is only a writer.
        write: writer to a new or empty folder, None where there is only a reader.
        options: what the reader heeds of ``ReadOptions``.
        file: its annotation files, None where it has none that could be told by their content.
        folder: what else shows that a folder is of this format: a test for each kind of evidence.
    """

    key: str
    title: Message
    read: Reader | None = None
    write: Writer | None = None
    options: frozenset[Option] = frozenset()
    file: AnnotationFile | None = None
    folder: Mapping[Evidence, Callable[[FolderOverview], bool]] = field(default_factory=dict)
