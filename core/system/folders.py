"""Walking through folders of people: what systems and tools hide in them does not count."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import platformdirs

_HIDDEN = frozenset(
    {
        "__macosx",  # archives made on a Mac
        "@eadir",  # Synology's thumbnails
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "desktop.ini",
        "thumbs.db",
        "ehthumbs.db",
    }
)


def user_settings_folder() -> Path:
    """Return the folder of what the user prefers; it may not exist yet."""
    return platformdirs.user_config_path("maskwright", appauthor=False)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is none of the user's: ``._a.png``, ``__MACOSX``."""
    return name.startswith(".") or name.lower() in _HIDDEN


def is_utf8(path: Path | str) -> bool:
    """Whether a path is text in UTF-8, as lists, databases and JSON need it."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def same_name(text: str) -> str:
    """Return what two names have in common that differ in Unicode's normal form or letter case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def common_end(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many parts of two paths are called alike (``same_name``), from the end on."""
    count = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if same_name(one) != same_name(other):
            break
        count += 1
    return count


def walk_visible(
    folder: Path | str,
    *,
    check: Callable[[], object] | None = None,
    on_skipped_link: Callable[[Path], object] | None = None,
) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield (folder, its folders, its files) as ``os.walk`` does, without what is hidden.

    Links to folders are followed where they lie in ``folder`` itself, which the user chose, and
    lead out of it: what they show inside it comes without them. No folder comes twice.

    Args:
        folder: where to begin.
        check: called once a folder; what it raises ends the walk.
        on_skipped_link: told the links that lead out and are not followed.
    """
    root = os.path.realpath(folder)
    seen = {root}
    pending = [str(folder)]
    while pending:
        top = pending.pop()
        for place, folders, names in os.walk(top):
            if check is not None:
                check()
            folders[:] = sorted(name for name in folders if not is_hidden(name))
            for name in [one for one in folders if _is_link(place, one)]:
                folders.remove(name)
                path = Path(place, name)
                target = os.path.realpath(path)
                if _is_inside(target, root) or _is_inside(root, target):
                    continue
                if place != str(folder):
                    if on_skipped_link is not None:
                        on_skipped_link(path)
                elif not any(_is_inside(target, one) for one in seen):
                    seen.add(target)
                    pending.append(str(path))
            yield Path(place), folders, [name for name in names if not is_hidden(name)]


def _is_link(place: str, name: str) -> bool:
    return Path(place, name).is_symlink()


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
