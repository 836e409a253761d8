"""Trainings that can be gone on with, in a project that is open or in one that is not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core.project import Project, RunRow
from core.project.runs import ALIVE
from core.runs.run_folder import RunFolder
from core.system.errors import InputError


def interrupted_training(runs: Iterable[RunRow]) -> RunRow | None:
    """Return the newest training that was interrupted, unless one was finished after it.

    Args:
        runs: trainings, newest first, as ``Project.runs`` gives them.
    """
    for run in runs:
        state = RunFolder(run.folder).state if run.state in ALIVE else run.state
        if state in ("done", "running", "paused"):
            return None
        if state == "interrupted":
            return run
    return None


def interrupted_in(folder: Path) -> RunRow | None:
    """Return ``interrupted_training`` of the project in a folder, which is only read.

    None where there is no project, or none that can be read.
    """
    try:
        with Project.open(folder, read_only=True) as project:
            return interrupted_training(project.runs("train"))
    except (InputError, OSError):
        return None
