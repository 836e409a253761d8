"""The part of a project that is its runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core.project import runs
from core.project.revision import Revision
from core.project.rows import RunRow, RunState
from core.project.storage import ProjectPart
from core.system.errors import InputError


class RunList(ProjectPart):
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
        return runs.add(
            self._database,
            self.folder,
            kind=kind,
            model=model,
            revision_id=None if revision is None else revision.id,
            parent_id=parent,
            name=name,
        )

    def runs(self, kind: str | None = None) -> list[RunRow]:
        """Return the runs, newest first."""
        return runs.select(self._database, self.folder, kind=kind)

    def run(self, run_id: int) -> RunRow:
        """Return one run; raises ``KeyError``."""
        return runs.get(self._database, self.folder, run_id)

    def find_run(self, folder: Path | str) -> RunRow | None:
        """Return the run whose folder this is."""
        return runs.find(self._database, self.folder, Path(folder))

    def rename_run(self, run_id: int, name: str) -> None:
        """Give a run another name; its folder keeps its own."""
        if not name.strip():
            raise InputError("A run needs a name.")
        with self._database.transaction() as connection:
            connection.execute("UPDATE run SET name = ? WHERE id = ?", (name.strip(), run_id))

    def set_run_state(
        self, run_id: int, state: RunState, *, best_miou: float | None = None
    ) -> None:
        """Remember a run's state, and its best mIoU (0 … 1) unless None."""
        with self._database.transaction() as connection:
            runs.set_state(connection, run_id, state, best_miou)

    def refresh_run_states(self) -> list[RunRow]:
        """Look at the folders of runs that were not over and remember their state.

        Returns:
            The runs whose state changed, such as those interrupted with the last window.
        """
        changed = []
        for run in runs.unfinished(self.runs()):
            state, best = runs.observe(run)
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
        return runs.delete(self._database, self.folder, [self.run(id_) for id_ in run_ids])
