"""Where an image is, also after the project has moved."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class StoredPath:
    """A path as a row keeps it: see the table ``image``."""

    path: str
    inside: bool
    relative: str | None


@dataclass(frozen=True, slots=True)
class PathResolver:
    """Turns file paths into stored ones and back.

    Images inside the project follow it. Those outside stay where they are; once the project has
    ``moved``, one that is not there any more is looked for at the same place relative to the
    project, so that a tree moved as a whole still opens.
    """

    folder: Path
    moved: bool

    def store(self, path: Path) -> StoredPath:
        """Return how to keep ``path``."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolves "..", not links
        try:
            inside = absolute.relative_to(self.folder).as_posix()
        except ValueError:
            return StoredPath(str(absolute), False, _relative(absolute, self.folder))
        return StoredPath(inside, True, None)

    def resolve(self, path: str, inside: bool, relative: str | None) -> Path:
        """Return the absolute path, whether or not a file is there."""
        if inside:
            return self.folder / path
        absolute = Path(path)
        if self.moved and relative is not None and not absolute.exists():
            candidate = Path(os.path.normpath(self.folder / relative))
            if candidate.exists():
                return candidate
        return absolute


def _relative(path: Path, folder: Path) -> str | None:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return None


def sort_key(name: str) -> str:
    """Return a text that orders names as people do: ``2.png`` before ``10.png``.

    Each number is preceded by its length, so that plain comparison, which is all that a database
    index does, orders numbers by value.
    """
    return _DIGITS.sub(_padded, name.casefold())


def _padded(match: re.Match[str]) -> str:
    digits = match.group().lstrip("0") or "0"
    return f"{len(digits):03d}{digits}"
