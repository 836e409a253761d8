"""The lists of what an installer lays down: by them, and by nothing else, things are removed.

Setup compares the list of an earlier version with its own in step, line by line, so the order is
part of the format: by ``sort_key``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LONGEST_PATH = 259
"""What Windows allows a whole path where long paths are not switched on, without its end mark."""

_ALLOWED = re.compile(r"[A-Za-z0-9 !#$%&'()+,;=@_{}~.\[\]^/-]+")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileLists:
    """What is laid down, relative to the installation's folder, by ``/``.

    Attributes:
        files: sorted by ``sort_key``.
        directories: each before its parent, so that they can be removed in this order.
    """

    files: tuple[str, ...]
    directories: tuple[str, ...]

    @property
    def longest(self) -> int:
        """Characters of the longest path."""
        return max(len(path) for path in self.files)

    def files_text(self) -> str:
        """What setup reads: one path a line, as Windows writes them."""
        return _lines(self.files)

    def directories_text(self) -> str:
        """What setup reads: one path a line, as Windows writes them."""
        return _lines(self.directories)


def sort_key(path: str) -> str:
    """Return what paths are ordered by: as ``_wcsicmp`` of Windows' C library compares them."""
    return path.replace("/", "\\").lower()


def list_tree(root: Path, *, more: Iterable[str] = ()) -> FileLists:
    """Return the lists for all that lies in a folder.

    Args:
        root: the tree that is to be installed.
        more: paths that setup itself writes, by ``/``.

    Raises:
        ValueError: a name that Windows does not allow or that is not ASCII, a link, two names that
            differ in case only, or nothing at all.
    """
    files = list(more)
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            raise ValueError(f"{name} is a link: Windows' users may not make them")
        if path.is_file():
            files.append(name)
    return make_lists(files)


def make_lists(files: Iterable[str]) -> FileLists:
    """Return the lists of these files and the folders that they lie in; raises ``ValueError``."""
    ordered = sorted(files, key=sort_key)
    if not ordered:
        raise ValueError("there is nothing to install")
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for name in ordered:
        _check(name)
        for one in (PurePosixPath(name), *PurePosixPath(name).parents[:-1]):
            earlier = seen.setdefault(sort_key(str(one)), str(one))
            if earlier != str(one):
                raise ValueError(f"{earlier} and {one} differ in case only")
        folders.update(str(parent) for parent in PurePosixPath(name).parents[:-1])
    if len(set(ordered)) != len(ordered):
        raise ValueError("a file is named twice")
    both = folders & set(ordered)
    if both:
        raise ValueError(f"{min(both)} is a file and a folder")
    # A folder's name is a beginning of its subfolders' names: turned round, they come first.
    return FileLists(tuple(ordered), tuple(sorted(folders, key=sort_key, reverse=True)))


def _check(name: str) -> None:
    if not _ALLOWED.fullmatch(name):
        raise ValueError(f"{name!r}: setup's lists are plain ASCII")
    for part in name.split("/"):
        if part in ("", ".", "..") or part[-1] in " ." or part[0] == " " or _DEVICE.fullmatch(part):
            raise ValueError(f"{name!r}: Windows does not allow that name")


def _lines(paths: Iterable[str]) -> str:
    return "".join(path.replace("/", "\\") + "\r\n" for path in paths)
