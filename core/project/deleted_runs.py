"""Runs that were deleted: moved aside inside the project, and gone when the trash is emptied."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.project.rows import GarbageReport, RunRow
from core.project.storage import Storage
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

TRASH = "trash"
_LAST_NUMBER = "last_run_number"


def check_unused(runs: Sequence[RunRow], alive: Iterable[RunRow]) -> None:
    """Refuse to move folders that a job works in or reads from.

    Args:
        runs: those to be moved.
        alive: runs of the project that are not over.

    Raises:
        InputError: one of ``runs`` is at work, or another one needs what is in its folder.
    """
    for run in runs:
        if RunFolder(run.folder).is_running:
            raise InputError("The run {name} is still working; stop it first.", name=run.name)
    ids = {run.id for run in runs}
    for other in alive:
        if other.id in ids:
            continue
        for run in runs:
            if _reads(other, run.folder):
                raise InputError(
                    "Another job needs the run {name} and is not over; stop that job or take it "
                    "out of the queue first.",
                    name=run.name,
                )


def set_aside(storage: Storage, runs: Sequence[RunRow]) -> None:
    """Take runs off the list and move their folders into ``trash/``.

    Raises:
        InputError: a folder cannot be moved, since another program has a file in it open.
    """
    for run in runs:
        target = _free_place(storage.folder / TRASH, run.folder.name)
        with storage.database.transaction() as connection:
            connection.execute(
                "UPDATE run SET deleted = ?, place = NULL WHERE id = ?",
                (target.relative_to(storage.folder).as_posix(), run.id),
            )
            if run.folder.exists():  # last: if it fails, the row stays as it was
                _move(run.folder, target, run.name)


def restore(storage: Storage, ids: Iterable[int]) -> None:
    """Put deleted runs back where they were; ids that are not deleted change nothing.

    Raises:
        InputError: a folder cannot be moved.
    """
    for id_ in ids:
        row = storage.database.one(
            "SELECT name, folder, deleted FROM run WHERE id = ? AND deleted IS NOT NULL", (id_,)
        )
        if row is None:
            continue
        name, folder, place = row
        with storage.database.transaction() as connection:
            connection.execute("UPDATE run SET deleted = NULL WHERE id = ?", (id_,))
            if (storage.folder / place).exists():
                _move(storage.folder / place, storage.folder / folder, name)


def empty_trash(storage: Storage) -> GarbageReport:
    """Delete what was set aside for good; numbers of trainings are not given again."""
    rows = storage.database.all("SELECT id, deleted FROM run WHERE deleted IS NOT NULL")
    files = size = 0
    gone = []
    for id_, place in rows:
        folder = storage.folder / place
        found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        sizes = [path.stat().st_size for path in found]
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():  # a file of it is open in another program: the next time, then
            continue
        gone.append((id_,))
        files += len(found)
        size += sum(sizes)
    with storage.database.transaction() as connection:
        connection.execute(
            "INSERT INTO setting (key, value) SELECT ?, coalesce(max(number), 0) FROM run WHERE 1"
            " ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER), excluded.value)",
            (_LAST_NUMBER,),
        )
        connection.executemany("DELETE FROM run WHERE id = ?", gone)
    return GarbageReport(files, size)


def next_number(storage: Storage) -> int:
    """Return the number of the next training: one more than any that was ever given."""
    last = storage.database.value(
        "SELECT max(coalesce((SELECT max(number) FROM run), 0),"
        " coalesce((SELECT CAST(value AS INTEGER) FROM setting WHERE key = ?), 0))",
        (_LAST_NUMBER,),
    )
    return int(last) + 1


def _reads(run: RunRow, folder: Path) -> bool:
    """Whether a job was asked to read something in a folder."""
    try:
        spec = RunFolder(run.folder).spec
    except InputError:
        return False
    return any(text.is_relative_to(folder) for text in _paths(spec.model_dump(mode="json")))


def _paths(content: object) -> Iterable[Path]:
    if isinstance(content, str):
        yield Path(content).absolute()
    elif isinstance(content, dict):
        for value in content.values():
            yield from _paths(value)
    elif isinstance(content, list):
        for value in content:
            yield from _paths(value)


def _free_place(parent: Path, name: str) -> Path:
    parent.mkdir(exist_ok=True)
    target, number = parent / name, 1
    while target.exists():
        number += 1
        target = parent / f"{name}-{number}"
    return target


def _move(source: Path, target: Path, name: str) -> None:
    try:
        source.rename(target)
    except OSError as error:
        raise InputError(
            "The folder of {name} cannot be moved: a file in it is open in another program. Close "
            "that and try again.",
            name=name,
        ) from error
