"""Looking at a folder: which images lie in it, how large, changed when.

By polling. Notices of the system (inotify and its like) do not come for what other machines write
to a network share, queues of them overflow in bursts, and a share that comes back needs a look at
everything anyway; one look costs a millisecond for some hundred files.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from core.images.io import IMAGE_SUFFIXES
from core.system.folders import is_hidden


class Stamp(NamedTuple):
    """What tells, without reading it, that a file is another than before.

    Attributes:
        size: bytes.
        modified_ns: as the file system has it; compared, never taken for a time.
    """

    size: int
    modified_ns: int


def stamp_of(status: os.stat_result) -> Stamp:
    """Return the stamp of a file."""
    return Stamp(status.st_size, status.st_mtime_ns)


def scan_images(
    folder: Path,
    *,
    subfolders: bool,
    skip: frozenset[str] = frozenset(),
    on_unreadable: Callable[[Path, OSError], object] = lambda _folder, _error: None,
) -> dict[str, Stamp]:
    """Return the images of a folder by their path below it, with ``/``.

    What is hidden, and what is named like no image (as files are while they are copied), is passed
    over. Links to files are followed, links to folders are not.

    Args:
        folder: where to look.
        subfolders: look into its folders, too.
        skip: folders that are not looked into, by their real paths.
        on_unreadable: told of folders below it that cannot be read.

    Raises:
        OSError: the folder itself cannot be read.
    """
    found: dict[str, Stamp] = {}
    pending = [(folder, "")]
    while pending:
        place, prefix = pending.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if is_hidden(entry.name):
                        continue
                    if subfolders and entry.is_dir(follow_symlinks=False):
                        if os.path.realpath(entry.path) not in skip:
                            pending.append((Path(entry.path), f"{prefix}{entry.name}/"))
                    elif os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES:  # noqa: PTH122 - many
                        stamp = _stamp(entry)
                        if stamp is not None:
                            found[prefix + entry.name] = stamp
        except FileNotFoundError:
            if place == folder:
                raise
        except OSError as error:
            if place == folder:
                raise
            on_unreadable(place, error)
    return found


def _stamp(entry: os.DirEntry[str]) -> Stamp | None:
    """Return the stamp of a file; None for anything else, and for what has just gone."""
    try:
        return stamp_of(entry.stat()) if entry.is_file() else None
    except OSError:
        return None
