"""A run that has been prepared for one of the open projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.project import Project, RunRow, run_start


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run whose folder is complete; ``project`` is the one it belongs to."""

    project: Project
    row: RunRow


def prepare_run(project: Project, fields: Mapping[str, Any]) -> StartedRun:
    """Freeze the dataset, reserve a run and write its folder; see ``core.project.run_start``."""
    return StartedRun(project, run_start.prepare_run(project, fields))
