"""``events.jsonl``: appending without tearing, reading by offset."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.runs.events import TERMINAL, Checkpoint, Event, to_json

_LOG = logging.getLogger(__name__)
_BACKLOG_LINES = 20_000
_FSYNCED = (*TERMINAL, Checkpoint)


@dataclass(frozen=True, slots=True)
class Appended:
    """Bytes ``start`` … ``end`` of the file hold the event and those it had to catch up with."""

    start: int
    end: int


class EventWriter:
    """Appends events, one line each; safe to use from several threads.

    A torn last line, left by a process that was killed while writing, is cut off first. Lines that
    could not be written (disk full) are kept in memory and written with the next that can be.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._backlog: list[bytes] = []
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        flags |= getattr(os, "O_CLOEXEC", 0)
        self._fd = os.open(path, flags, 0o644)
        self._end = complete_size(path)
        if self._end < os.fstat(self._fd).st_size:
            os.ftruncate(self._fd, self._end)
        os.lseek(self._fd, self._end, os.SEEK_SET)

    def append(self, event: Event) -> Appended | None:
        """Write ``event`` and return where it stands; None: kept for later, the disk is full."""
        line = to_json(event).encode() + b"\n"
        with self._lock:
            if self._fd < 0:
                return None
            start = self._end
            try:
                self._write(b"".join((*self._backlog, line)))
                if isinstance(event, _FSYNCED):
                    os.fsync(self._fd)
            except OSError as error:
                self._undo(start)
                if not self._backlog:
                    _LOG.error("cannot write the event log: %s", error)
                if len(self._backlog) < _BACKLOG_LINES:
                    self._backlog.append(line)
                return None
            self._backlog.clear()
            return Appended(start, self._end)

    def close(self) -> None:
        """Close the file; later events are ignored."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        written = 0
        while written < len(view):
            written += os.write(self._fd, view[written:])
        self._end += written

    def _undo(self, start: int) -> None:
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, start)
        os.lseek(self._fd, start, os.SEEK_SET)
        self._end = start


def complete_size(path: Path) -> int:
    """Bytes of ``path`` up to and including its last line end; 0 if there is no such file."""
    try:
        with path.open("rb") as file:
            position = file.seek(0, os.SEEK_END)
            while position > 0:
                block = min(position, 65536)
                file.seek(position - block)
                found = file.read(block).rfind(b"\n")
                if found >= 0:
                    return position - block + found + 1
                position -= block
    except FileNotFoundError:
        pass
    return 0


def read_lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield ``(offset behind the line, line)`` for each complete line from byte ``start`` on.

    Reads in blocks; a last line without its end (being written, or torn) is left out.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            if line != b"\n":
                yield start, line
