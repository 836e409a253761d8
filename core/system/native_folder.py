"""Temporary folders for libraries that open files by names of one byte a letter.

On Windows the C++ side of paddle takes a name in the code page of the system.
A temporary folder lies below the user's name, which may have letters that this code page lacks.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_SHARED = ("PUBLIC", "ProgramData", "SystemDrive")
"""Variables with folders in which every user of Windows may make one."""


@contextlib.contextmanager
def native_folder(prefix: str) -> Iterator[Path]:
    """Make a folder with an ASCII path where the system can have one; removed at the end."""
    with tempfile.TemporaryDirectory(prefix=prefix, dir=_place()) as folder:
        yield Path(folder)


def _place() -> str | None:
    usual = tempfile.gettempdir()
    if sys.platform != "win32" or usual.isascii():
        return None
    shared = [os.environ[name] + os.sep for name in _SHARED if os.environ.get(name)]
    return first_usable([_short(usual), *shared])


def first_usable(candidates: Iterable[str]) -> str | None:
    """Return the first folder with an ASCII path that a folder can be made in; None if none is."""
    for candidate in candidates:
        if not candidate.isascii():
            continue
        with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=candidate):
            return candidate
    return None


def _short(path: str) -> str:
    """Return Windows' short form of a path (``ZHANG~1``), or the path where it has none."""
    if sys.platform != "win32":
        return path
    import ctypes

    buffer = ctypes.create_unicode_buffer(32768)
    length = ctypes.windll.kernel32.GetShortPathNameW(path, buffer, len(buffer))
    return buffer.value if 0 < length < len(buffer) else path
