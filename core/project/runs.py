"""The part of a project that is its runs, and their folders."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.project.deleted_runs import check_unused, next_number, restore, set_aside
from core.project.revision import Revision
from core.project.rows import RunRow, RunState
from core.project.storage import ProjectPart
from core.runs.history import figure, was_adjusted
from core.runs.kind_lookup import names_ever, present_name
from core.runs.run_folder import RunFolder
from core.system.errors import InputError
from core.system.messages import message

_COLUMNS = (
    "id, name, folder, kind, model, state, best_miou, created, revision_id, parent_id, number,"
    " note, pinned FROM run"
)
_LISTED = f"SELECT {_COLUMNS} WHERE deleted IS NULL"
ALIVE: tuple[RunState, ...] = ("queued", "running", "paused")
_TRAIN = "train"
#: Kinds of jobs that only say something of a model: they go with it.
_ABOUT_A_MODEL = ("evaluate", "measure", "sensitivity")


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

        Trainings are numbered without gaps; their folders and names have the number.

        Args:
            kind: the spec's kind, such as ``train``.
            model: the network's name.
            revision: what it learns from or is measured on.
            parent: the id of the run that made the model it is about.
            name: what people call it; by default the number and the network, or the network.
        """
        revision_id = None if revision is None else revision.id
        with self._database.transaction() as connection:
            number = next_number(self._storage) if kind == _TRAIN else None
            cursor = connection.execute(
                "INSERT INTO run (name, folder, kind, model, state, created, revision_id,"
                " parent_id, number) VALUES (?, hex(randomblob(16)), ?, ?, 'queued', ?, ?, ?, ?)",
                ("", kind, model, time.time(), revision_id, parent, number),
            )
            id_ = cursor.lastrowid
            if id_ is None:
                raise RuntimeError("the database gave no row id")
            wanted = f"{kind}-{id_:04d}" + (f"-{model}" if model else "")
            if number is not None:
                wanted = f"{number:04d}-{model}"
            folder = self._new_folder(_safe(wanted))
            usual = (model or kind) if number is None else f"#{number} {model}"
            connection.execute(
                "UPDATE run SET folder = ?, name = ? WHERE id = ?",
                (folder.relative_to(self.folder).as_posix(), name or usual, id_),
            )
        run = self.run(id_)
        self.trail.note(message("Asked for: {run} ({kind}).", run=run.name, kind=kind))
        return run

    def runs(self, kind: str | None = None) -> list[RunRow]:
        """Return the runs, newest first, without deleted ones."""
        if kind is None:
            rows = self._database.all(f"{_LISTED} ORDER BY id DESC")
        else:
            names = names_ever(kind)
            places = ", ".join("?" * len(names))
            rows = self._database.all(f"{_LISTED} AND kind IN ({places}) ORDER BY id DESC", names)
        return [_run_row(row, self.folder) for row in rows]

    def run(self, run_id: int) -> RunRow:
        """Return one run; raises ``KeyError``, of a deleted one, too."""
        row = self._database.one(f"{_LISTED} AND id = ?", (run_id,))
        if row is None:
            raise KeyError(f"no run {run_id}")
        return _run_row(row, self.folder)

    def labelled_since(self, run: RunRow) -> int:
        """Return how many labelled images a training could learn from that ``run`` has not seen."""
        count = self._database.value(
            "SELECT count(*) FROM image WHERE mask_id IS NOT NULL"
            " AND state IN ('labelled', 'reviewed') AND subset IN ('train', 'val')"
            " AND path NOT IN (SELECT path FROM revision_item WHERE revision_id = ?)",
            (run.revision_id,),
        )
        return int(count or 0)

    def run_with(self, path: Path) -> RunRow | None:
        """Return the run in whose folder a file or folder lies, such as the one of a model."""
        try:
            inside = path.absolute().relative_to(self.folder / "runs").parts
        except ValueError:
            return None
        if not inside:
            return None
        row = self._database.one(f"{_LISTED} AND folder = ?", (f"runs/{inside[0]}",))
        return None if row is None else _run_row(row, self.folder)

    # What people say of runs

    def rename_run(self, run_id: int, name: str) -> None:
        """Call a run something else; jobs that are named after it follow.

        Raises:
            InputError: no name is left.
        """
        name = name.strip()
        if not name:
            raise InputError("A run needs a name.")
        before = self.run(run_id).name
        with self._database.transaction() as connection:
            connection.execute(
                "WITH RECURSIVE family (id) AS (SELECT ? UNION SELECT run.id FROM run, family"
                " WHERE run.parent_id = family.id AND run.name = ?)"
                " UPDATE run SET name = ? WHERE id IN family",
                (run_id, before, name),
            )

    def note_run(self, run_id: int, note: str) -> None:
        """Keep what somebody wrote about a run."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE run SET note = ? WHERE id = ?", (note.strip(), run_id))

    def pin_run(self, run_id: int, pinned: bool) -> None:
        """Let a run stand above the others, or not any more."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE run SET pinned = ? WHERE id = ?", (int(pinned), run_id))

    # The queue

    def set_queue(self, run_ids: Sequence[int]) -> None:
        """Remember in which order runs wait, for the next start of the window."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE run SET place = NULL WHERE place IS NOT NULL")
            connection.executemany(
                "UPDATE run SET place = ? WHERE id = ?",
                [(place, id_) for place, id_ in enumerate(run_ids)],
            )

    def queue(self) -> list[RunRow]:
        """Return the runs that were queued and have not begun, in their order."""
        rows = self._database.all(
            f"{_LISTED} AND state = 'queued' ORDER BY place IS NULL, place, id"
        )
        return [_run_row(row, self.folder) for row in rows]

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
            if run.state not in ALIVE:
                continue
            state, best = _observe(run)
            if (state, best) != (run.state, run.best_miou):
                self.set_run_state(run.id, state, best_miou=best)
                changed.append(self.run(run.id))
        return changed

    # Deleting

    def delete_runs(self, run_ids: Iterable[int]) -> list[RunRow]:
        """Take runs off the list and move their folders into the project's ``trash/``.

        What only says something of their models (evaluations, measurements, sensitivity) goes
        along; smaller models that were made from them stay.

        Returns:
            All that was deleted, for ``restore_runs``.

        Raises:
            InputError: one of them is still working, or a job that is not over needs it.
        """
        runs = [self.run(id_) for id_ in run_ids]
        known = {run.id for run in runs}
        listed = self.runs()
        runs += [
            run
            for run in listed
            if run.parent_id in known and run.kind in _ABOUT_A_MODEL and run.id not in known
        ]
        check_unused(runs, [run for run in listed if run.state in ALIVE])
        set_aside(self._storage, runs)
        names = ", ".join(run.name for run in runs)
        self.trail.note(message("Runs deleted: {names}.", names=names))
        return runs

    def restore_runs(self, run_ids: Iterable[int]) -> None:
        """Undo ``delete_runs``; ids that are not in the trash change nothing."""
        restore(self._storage, run_ids)
        self.trail.note(message("Deleted runs were brought back."))

    def deleted_runs(self) -> list[RunRow]:
        """Return the runs in the trash, newest first; their folders are where they would be."""
        rows = self._database.all(f"SELECT {_COLUMNS} WHERE deleted IS NOT NULL ORDER BY id DESC")
        return [_run_row(row, self.folder) for row in rows]

    def drop_run(self, run_id: int) -> None:
        """Forget a run that could not be prepared, with its folder and its number."""
        run = self.run(run_id)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM run WHERE id = ?", (run_id,))
        shutil.rmtree(run.folder, ignore_errors=True)

    def _new_folder(self, name: str) -> Path:
        """Make a folder in ``runs/`` that neither is there nor belongs to a deleted run."""
        parent = self.folder / "runs"
        parent.mkdir(exist_ok=True)
        number = 1
        while True:
            folder = parent / (name if number == 1 else f"{name}-{number}")
            number += 1
            relative = folder.relative_to(self.folder).as_posix()
            if self._database.one("SELECT 1 FROM run WHERE folder = ?", (relative,)) is not None:
                continue
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder


def best_miou(folder: RunFolder) -> float | None:
    """Return the mIoU of the model that a run leaves, or of what it measured.

    That is the highest of its validations, unless its scores were adjusted afterwards.
    """
    result = folder.result or {}
    told = figure(result, "miou")
    if told is not None and was_adjusted(result):
        return told
    _, values = folder.metrics().get("val/miou", (None, np.empty(0)))
    defined = values[~np.isnan(values)]
    if defined.size:
        return float(defined.max())
    return told


def _observe(run: RunRow) -> tuple[RunState, float | None]:
    """Read a run's state and best mIoU from its folder."""
    folder = RunFolder(run.folder)
    if not folder.spec_path.exists():
        # Nothing to resume: the folder was lost, or the window died before the job was described.
        return "failed", run.best_miou
    return folder.state, best_miou(folder)


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "run"


def _run_row(row: tuple[Any, ...], root: Path) -> RunRow:
    id_, name, folder, kind, model, state, miou, created, revision_id, parent_id, *rest = row
    number, note, pinned = rest
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
        number=number,
        note=note,
        pinned=bool(pinned),
    )
