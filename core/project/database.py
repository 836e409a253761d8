"""One SQLite file, one connection a thread."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.system.errors import InputError

_BUSY_TIMEOUT_S = 10


class _Connection(sqlite3.Connection):
    """A connection that a ``WeakSet`` can hold."""


class Database:
    """Access to ``project.db`` from any thread of this process.

    Each thread gets a connection of its own, closed with the thread or by ``close``. WAL lets
    them read while one writes; writers of this process take turns at ``transaction``, those of
    other processes at SQLite's own lock. ``synchronous=FULL`` flushes the journal at each commit:
    what was acknowledged survives ``kill -9`` and a power cut.

    Args:
        path: the database file, which exists.
        read_only: refuse to write.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._local = threading.local()
        self._write_lock = threading.RLock()
        self._connections: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._guard = threading.Lock()
        self._closed = False

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection (autocommit)."""
        existing: _Connection | None = getattr(self._local, "connection", None)
        if existing is not None and not self._closed:
            return existing
        if self._closed:
            raise RuntimeError("the project is closed")
        uri = f"{self.path.absolute().as_uri()}?mode={'ro' if self.read_only else 'rw'}"
        if self.read_only and self._cannot_change():
            uri += "&immutable=1"  # or SQLite wants to write its shared memory beside the file
        # Closed by `close`, which may run in another thread; used by its own thread only.
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        for pragma in (
            "foreign_keys = ON",
            "synchronous = FULL",
            "fullfsync = ON",
            "temp_store = MEMORY",
            "cache_size = -32768",
        ):
            connection.execute(f"PRAGMA {pragma}")
        with self._guard:
            self._connections.add(connection)
        self._local.connection = connection
        return connection

    def _cannot_change(self) -> bool:
        """Whether nobody here can write the folder, and no journal waits in it."""
        journal = self.path.with_name(f"{self.path.name}-wal")
        waiting = journal.exists() and journal.stat().st_size > 0
        return not waiting and not os.access(self.path.parent, os.W_OK)

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return every row of a query."""
        with self._sentences():
            return self.connection().execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        with self._sentences():
            row: tuple[Any, ...] | None = self.connection().execute(sql, parameters).fetchone()
            return row

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row, or None."""
        row = self.one(sql, parameters)
        return None if row is None else row[0]

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit everything or nothing; inside another transaction, be part of it.

        Raises:
            InputError: opened read-only, the disk is full, or another program keeps it locked.
        """
        self.require_writable()
        with self._write_lock, self._sentences():
            connection = self.connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def require_writable(self) -> None:
        """Raise ``InputError`` if the project is open for reading only."""
        if self.read_only:
            raise InputError(
                "The project {file} is open for reading only; close the window that has it open "
                "for writing and open it again.",
                file=self.path.parent,
            )

    def close(self) -> None:
        """Close the connections of all threads; no thread may be using one."""
        with self._write_lock, self._guard:
            self._closed = True
            for connection in list(self._connections):
                connection.close()

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            translated = input_error(error, self.path.parent)
            if translated is None:
                raise
            raise translated from error


def input_error(error: sqlite3.Error, folder: Path) -> InputError | None:
    """Return the sentence for a failure that is not a bug of ours, or None for one that is."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return InputError(
            "The project file {file} is damaged; the masks beside it are not touched: restore "
            "project.db from a backup.",
            file=folder / "project.db",
        )
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return InputError(
            "Another program is writing to the project {file}; try again in a moment.", file=folder
        )
    if primary == sqlite3.SQLITE_FULL:
        return InputError(
            "The disk that holds the project {file} is full; free some space and try again.",
            file=folder,
        )
    if primary in (
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
    ):
        return InputError(
            "The project {file} cannot be read or written ({reason}); check its permissions and "
            "that its disk is there.",
            file=folder,
            reason=error,
        )
    return None
