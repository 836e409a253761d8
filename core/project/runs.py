"""The part of a project that is its runs, and their folders."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from core.project.revision import Revision
from core.project.rows import RunRow, RunState
from core.project.storage import ProjectPart
from core.runs.kinds import names_ever, present_name
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

_COLUMNS = (
    "id, name, folder, kind, model, state, best_miou, created, revision_id, parent_id FROM run"
)
_ALIVE: tuple[RunState, ...] = ("queued", "running", "paused")


class ProjectRuns(ProjectPart):
    """Runs and their folders."""

    def new_run(
        self,
        kind: str,
        model: str,
        *,
        revision: Revision | None = None,
        parent: int | None = None,
        name: str | None = None,
    ) -> RunRow:
        """Reserve a run and its folder, such as ``runs/0001-FastSCNN``; state ``queued``.

        Args:
            kind: the spec's kind, such as ``train``.
            model: the network's name.
            revision: what it learns from or is measured on.
            parent: the id of the run that it goes on from.
            name: what people call it; the folder's name by default.
        """
        revision_id = None if revision is None else revision.id
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO run (name, folder, kind, model, state, created, revision_id,"
                " parent_id) VALUES (?, hex(randomblob(16)), ?, ?, 'queued', ?, ?, ?)",
                (name or "", kind, model, time.time(), revision_id, parent),
            )
            id_ = cursor.lastrowid
            if id_ is None:
                raise RuntimeError("the database gave no row id")
            folder = _new_folder(self.folder / "runs", f"{id_:04d}-{_safe(model or kind)}")
            connection.execute(
                "UPDATE run SET folder = ?, name = ? WHERE id = ?",
                (folder.relative_to(self.folder).as_posix(), name or folder.name, id_),
            )
        return self.run(id_)

    def runs(self, kind: str | None = None) -> list[RunRow]:
        """Return the runs, newest first."""
        if kind is None:
            rows = self._database.all(f"SELECT {_COLUMNS} ORDER BY id DESC")
        else:
            names = names_ever(kind)
            places = ", ".join("?" * len(names))
            rows = self._database.all(
                f"SELECT {_COLUMNS} WHERE kind IN ({places}) ORDER BY id DESC", names
            )
        return [_run_row(row, self.folder) for row in rows]

    def run(self, run_id: int) -> RunRow:
        """Return one run; raises ``KeyError``."""
        row = self._database.one(f"SELECT {_COLUMNS} WHERE id = ?", (run_id,))
        if row is None:
            raise KeyError(f"no run {run_id}")
        return _run_row(row, self.folder)

    def set_run_state(
        self, run_id: int, state: RunState, *, best_miou: float | None = None
    ) -> None:
        """Remember a run's state, and its best mIoU (0 … 1) unless None."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE run SET state = ?, best_miou = coalesce(?, best_miou) WHERE id = ?",
                (state, best_miou, run_id),
            )

    def refresh_run_states(self) -> list[RunRow]:
        """Look at the folders of runs that were not over and remember their state.

        Returns:
            The runs whose state changed, such as those interrupted with the last window.
        """
        changed = []
        for run in self.runs():
            if run.state not in _ALIVE:
                continue
            state, best = _observe(run)
            if (state, best) != (run.state, run.best_miou):
                self.set_run_state(run.id, state, best_miou=best)
                changed.append(self.run(run.id))
        return changed

    def delete_runs(self, run_ids: Iterable[int]) -> list[Path]:
        """Take runs off the list and move their folders into the project's ``trash/``.

        Returns:
            Where the folders are now.

        Raises:
            InputError: one of them is still working.
        """
        runs = [self.run(id_) for id_ in run_ids]
        for run in runs:
            if (run.folder / "spec.json").exists() and RunFolder(run.folder).is_running:
                raise InputError("The run {name} is still working; stop it first.", name=run.name)
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM run WHERE id = ?", [(run.id,) for run in runs])
        return [
            _move_into(run.folder, self.folder / "trash") for run in runs if run.folder.exists()
        ]


def best_miou(folder: RunFolder) -> float | None:
    """Return the highest validation mIoU of a run, or an evaluation's only one."""
    _, values = folder.metrics().get("val/miou", (None, np.empty(0)))
    defined = values[~np.isnan(values)]
    if defined.size:
        return float(defined.max())
    result = folder.result or {}
    miou = result.get("miou")
    return float(miou) if isinstance(miou, (int, float)) else None


def _observe(run: RunRow) -> tuple[RunState, float | None]:
    """Read a run's state and best mIoU from its folder."""
    folder = RunFolder(run.folder)
    if not folder.spec_path.exists():
        # Nothing to resume: the folder was lost, or the window died before the job was described.
        return "failed", run.best_miou
    return folder.state, best_miou(folder)


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
