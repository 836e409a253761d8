"""Creating and opening the folder of a project."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from core.project import schema
from core.project.database import Database, input_error
from core.system.errors import InputError, ReadOnlyError
from core.system.messages import message

DATABASE = "project.db"
LOCK = "project.lock"
_BEING_CREATED = "project.db.new"


def absolute(folder: Path | str) -> Path:
    """Return the absolute path without following links."""
    return Path(os.path.abspath(folder))  # noqa: PTH100 - resolves "..", not links


def is_project(folder: Path | str) -> bool:
    """Tell whether the folder holds a project file; opens nothing."""
    return (Path(folder) / DATABASE).is_file()


def create_folder(folder: Path, settings: Mapping[str, str]) -> None:
    """Make a project without images; a crash on the way leaves nothing that looks like one.

    Raises:
        InputError: there is a project already, other files, or no permission.
    """
    if is_project(folder):
        raise InputError(
            "There is a project in {folder} already; open it, or choose another folder.",
            folder=folder,
        )
    try:
        _require_room(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("masks", "runs"):
            (folder / name).mkdir(exist_ok=True)
        temporary = folder / _BEING_CREATED
        for leftover in folder.glob(f"{_BEING_CREATED}*"):
            leftover.unlink()
        with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            schema.migrate(connection, temporary)
            values = {**settings, "created": str(time.time()), "location": str(folder)}
            connection.executemany("INSERT INTO setting VALUES (?, ?)", values.items())
            # Kept in the file: every later connection uses the write-ahead log.
            connection.execute("PRAGMA journal_mode = WAL")
        temporary.replace(folder / DATABASE)
    except OSError as error:
        raise InputError(
            "A project cannot be created in {folder}: {reason}.",
            folder=folder,
            reason=error.strerror or error,
        ) from error


def _require_room(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir() or not all(_left_by_a_crash(path) for path in folder.iterdir()):
        raise InputError(
            "{folder} is not empty and no project; choose a new or an empty folder.",
            folder=folder,
        )


def _left_by_a_crash(path: Path) -> bool:
    if path.name in ("masks", "runs"):
        return path.is_dir() and not any(path.iterdir())
    return path.name.startswith(_BEING_CREATED)


def lock_folder(folder: Path) -> FileLock:
    """Become the one writer of a project; the system lets go when the process ends.

    Raises:
        InputError: another window has it, or the folder may not be written to.
    """
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ReadOnlyError(
            "The project {folder} is open in another window; close it there, or open it for "
            "reading only.",
            folder=folder,
            why=message("Open for reading only, as another window has the project open."),
        ) from error
    except OSError as error:
        raise ReadOnlyError(
            "The project {folder} cannot be written to ({reason}); open it for reading only.",
            folder=folder,
            reason=error.strerror or error,
            why=message(
                "Open for reading only, as its folder cannot be written to ({reason}).",
                reason=error.strerror or error,
            ),
        ) from error
    return lock


def require_project(folder: Path) -> Path:
    """Return the database file of a project.

    Raises:
        InputError: there is no project.
    """
    if not is_project(folder):
        raise InputError(
            "{folder} is not a project: it has no project.db; choose another folder or create a "
            "project.",
            folder=folder,
        )
    return folder / DATABASE


def open_database(folder: Path, *, read_only: bool) -> Database:
    """Open the project file and bring it to this program's version.

    Raises:
        InputError: no project, damaged, or from a newer version.
    """
    path = require_project(folder)
    database = Database(path, read_only=read_only)
    try:
        connection = database.connection()
        version = schema.check(connection, folder)
        if version < len(schema.MIGRATIONS):
            if read_only:
                raise InputError(
                    "The project {folder} was written by an older version of this program; open "
                    "it for writing once.",
                    folder=folder,
                )
            schema.migrate(connection, path)
        connection.execute("SELECT count(*) FROM setting").fetchone()
    except sqlite3.Error as error:
        database.close()
        translated = input_error(error, folder)
        if translated is None:
            raise
        raise translated from error
    except BaseException:
        database.close()
        raise
    return database


def remember_move(database: Database, folder: Path) -> bool:
    """Return whether the project was ever somewhere else than where it was created."""
    if database.value("SELECT value FROM setting WHERE key = 'moved'") is not None:
        return True
    location = database.value("SELECT value FROM setting WHERE key = 'location'")
    if location == str(folder):
        return False
    if not database.read_only:
        with database.transaction() as connection:
            connection.execute("INSERT INTO setting VALUES ('moved', '1')")
    return True
