"""What all panels share: the open project, the jobs, the settings, and ways to reach each other."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.background import BackgroundTasks
from app.settings import Settings, SettingsStore
from app.workers import JobController
from core.project import Project

_log = logging.getLogger(__name__)


class AppContext(QObject):
    """The window's state, without widgets.

    Attributes:
        project: the open project or None.
        jobs: starts, pauses and stops the worker processes.
        store: the settings file; ``settings`` are its values.
    """

    project_changed = Signal(object)
    """(Project | None): another project was opened, or it was closed."""
    dataset_changed = Signal()
    """Images, masks, labels or subsets of the project changed."""
    runs_changed = Signal()
    """The list of runs or the state of one changed."""
    run_started = Signal(str)
    """(run_id): a run was created and handed to ``jobs``."""
    run_state_changed = Signal(str, str)
    """(run_id, state), states as in ``RunFolder.state``."""
    job_event = Signal(str, object)
    """(run_id, Event)."""
    navigate_requested = Signal(str, object)
    """(panel key, payload): show that panel; its ``navigate(payload)`` is called."""
    error_occurred = Signal(object)
    """(Exception): something the user must be told; the window shows one dialog."""

    def __init__(self, store: SettingsStore | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = store if store is not None else SettingsStore()
        self.project: Project | None = None
        self.jobs = JobController(self)
        self.tasks = BackgroundTasks(self)
        self.jobs.job_event.connect(self.job_event)
        self.jobs.run_state_changed.connect(self.run_state_changed)

    @property
    def settings(self) -> Settings:
        """The preferences in use; call ``store.save()`` after changing them."""
        return self.store.settings

    def navigate(self, key: str, payload: Any = None) -> None:
        """Bring panel ``key`` to the front and hand it ``payload``."""
        self.navigate_requested.emit(key, payload)

    def start_run(self, fields: Mapping[str, Any]) -> None:
        """Freeze the dataset and start a job on it; ``run_started`` tells its id.

        ``fields`` are those of ``TrainSpec``, ``EvaluateSpec`` or ``PredictSpec`` including
        ``kind`` but without ``data_dir``, which becomes the revision's folder. Writing the
        revision happens in the background; errors arrive through ``error_occurred``.
        """
        raise NotImplementedError

    def resume_run(self, run_id: str) -> None:
        """Go on from the last checkpoint of an interrupted or cancelled run, as a new run."""
        raise NotImplementedError

    def open_project(self, folder: Path) -> None:
        """Open the project in ``folder`` in place of the current one; raises ``InputError``."""
        raise NotImplementedError

    def close_project(self) -> None:
        """Close the project; its jobs must have ended."""
        raise NotImplementedError
