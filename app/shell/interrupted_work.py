"""The start page offers to go on with what the window of the last project had to leave."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from app.services.context import AppContext
from app.services.targets import ShowTraining
from app.shell.home import HomePage
from core.project import RunRow
from core.project.interrupted_runs import interrupted_in

_log = logging.getLogger(__name__)


class InterruptedWork(QObject):
    """Looks into the project that was open last, without opening it.

    Args:
        context: the runs.
        home: the start page.
        open_project: opens a folder, then calls a function.
        parent: owner.
    """

    def __init__(
        self,
        context: AppContext,
        home: HomePage,
        open_project: Callable[[Path, Callable[[], None]], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._context, self._home, self._open = context, home, open_project
        home.resume_requested.connect(self._on_resume_requested)

    def look(self) -> None:
        """Look whether there is something to go on with."""
        recent = self._context.settings.recent_projects
        if not recent:
            return
        folder = recent[0]

        def offer(run: RunRow | None) -> None:
            if run is not None:
                self._home.offer_resume(folder, run.name)

        self._context.tasks.start(
            lambda _progress: interrupted_in(folder),
            on_done=offer,
            on_failed=lambda error: _log.warning("the last project: %s", error),
            key="interrupted",
        )

    @Slot(object)
    def _on_resume_requested(self, folder: Path) -> None:
        self._open(folder, self._resume)

    def _resume(self) -> None:
        run = self._context.interrupted_training()
        if run is not None:
            self._context.resume_run(str(run.id))
            self._context.navigate(ShowTraining(run.id))
