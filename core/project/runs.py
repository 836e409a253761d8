"""The runs of a project and their folders."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.project.database import Database
from core.project.rows import RunRow, RunState
from core.runs.kinds import names_ever, present_name
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

_COLUMNS = (
    "id, name, folder, kind, model, state, best_miou, created, revision_id, parent_id FROM run"
)
_ALIVE: tuple[RunState, ...] = ("queued", "running", "paused")


def add(
    database: Database,
    root: Path,
    *,
    kind: str,
    model: str,
    revision_id: int | None,
    parent_id: int | None,
    name: str | None,
) -> RunRow:
    """Reserve a number and make the run's folder, such as ``runs/0001-FastSCNN``."""
    with database.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO run (name, folder, kind, model, state, created, revision_id, parent_id)"
            " VALUES (?, hex(randomblob(16)), ?, ?, 'queued', ?, ?, ?)",
            (name or "", kind, model, time.time(), revision_id, parent_id),
        )
        id_ = cursor.lastrowid
        if id_ is None:
            raise RuntimeError("the database gave no row id")
        folder = _new_folder(root / "runs", f"{id_:04d}-{_safe(model or kind)}")
        connection.execute(
            "UPDATE run SET folder = ?, name = ? WHERE id = ?",
            (folder.relative_to(root).as_posix(), name or folder.name, id_),
        )
    return get(database, root, id_)


def get(database: Database, root: Path, run_id: int) -> RunRow:
    """Return one run.

    Raises:
        KeyError: there is none with this id.
    """
    row = database.one(f"SELECT {_COLUMNS} WHERE id = ?", (run_id,))
    if row is None:
        raise KeyError(f"no run {run_id}")
    return _run_row(row, root)


def select(database: Database, root: Path, *, kind: str | None) -> list[RunRow]:
    """Return the runs, newest first."""
    if kind is None:
        rows = database.all(f"SELECT {_COLUMNS} ORDER BY id DESC")
    else:
        names = names_ever(kind)
        places = ", ".join("?" * len(names))
        rows = database.all(
            f"SELECT {_COLUMNS} WHERE kind IN ({places}) ORDER BY id DESC",
            names,
        )
    return [_run_row(row, root) for row in rows]


def find(database: Database, root: Path, folder: Path) -> RunRow | None:
    """Return the run with this folder."""
    try:
        relative = folder.absolute().relative_to(root).as_posix()
    except ValueError:
        return None
    row = database.one(f"SELECT {_COLUMNS} WHERE folder = ?", (relative,))
    return None if row is None else _run_row(row, root)


def set_state(
    connection: sqlite3.Connection, run_id: int, state: RunState, best_miou: float | None
) -> None:
    """Remember the state, and the best mIoU unless it is None."""
    connection.execute(
        "UPDATE run SET state = ?, best_miou = coalesce(?, best_miou) WHERE id = ?",
        (state, best_miou, run_id),
    )


def observe(run: RunRow) -> tuple[RunState, float | None]:
    """Read a run's state and best mIoU from its folder."""
    folder = RunFolder(run.folder)
    if not folder.spec_path.exists():
        # Nothing to resume: the folder was lost, or the window died before the job was described.
        return "failed", run.best_miou
    return folder.state, best_miou(folder)


def best_miou(folder: RunFolder) -> float | None:
    """Return the highest validation mIoU of a run, or an evaluation's only one."""
    _, values = folder.metrics().get("val/miou", (None, np.empty(0)))
    defined = values[~np.isnan(values)]
    if defined.size:
        return float(defined.max())
    result = folder.result or {}
    miou = result.get("miou")
    return float(miou) if isinstance(miou, (int, float)) else None


def delete(database: Database, root: Path, runs: Sequence[RunRow]) -> list[Path]:
    """Drop runs from the list and move their folders to the project's ``trash/``.

    Raises:
        InputError: one of them is still alive.
    """
    for run in runs:
        if (run.folder / "spec.json").exists() and RunFolder(run.folder).is_running:
            raise InputError("The run {name} is still working; stop it first.", name=run.name)
    with database.transaction() as connection:
        connection.executemany("DELETE FROM run WHERE id = ?", [(run.id,) for run in runs])
    trashed = []
    for run in runs:
        if run.folder.exists():
            trashed.append(_move_into(run.folder, root / "trash"))
    return trashed


def unfinished(runs: Sequence[RunRow]) -> list[RunRow]:
    """Return the runs whose remembered state may have changed without us."""
    return [run for run in runs if run.state in _ALIVE]


def _new_folder(parent: Path, name: str) -> Path:
    parent.mkdir(exist_ok=True)
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def _move_into(folder: Path, parent: Path) -> Path:
    parent.mkdir(exist_ok=True)
    target, number = parent / folder.name, 1
    while target.exists():
        number += 1
        target = parent / f"{folder.name}-{number}"
    return folder.rename(target)


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "run"


def _run_row(row: tuple[Any, ...], root: Path) -> RunRow:
    id_, name, folder, kind, model, state, miou, created, revision_id, parent_id = row
    return RunRow(
        id=id_,
        name=name,
        folder=root / folder,
        kind=present_name(kind),
        model=model,
        state=state,
        best_miou=miou,
        created=created,
        revision_id=revision_id,
        parent_id=parent_id,
    )
