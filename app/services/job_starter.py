"""Starting jobs by buttons: one at a time is prepared, so that a double click starts one."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.services.context import AppContext


class JobStarter(QObject):
    """Knows what was asked for and has not started yet.

    Args:
        context: starts the runs.
        parent: owner.
    """

    changed = Signal()
    """``preparing`` changed."""

    def __init__(self, context: AppContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._asked = 0
        context.run_started.connect(self._on_run_started)
        context.error_occurred.connect(self._on_error)

    @property
    def preparing(self) -> bool:
        """Whether a job was asked for that has not started yet."""
        return self._asked > 0

    def forget(self) -> None:
        """Another project was opened: what was asked for is not."""
        self._asked = 0

    def _start(self, fields: dict[str, Any]) -> None:
        """Start a run with the fields of its spec."""
        self._asked += 1
        self.changed.emit()
        self._context.start_run(fields)

    @Slot(str)
    def _on_run_started(self, _run_id: str) -> None:
        self._asked = max(0, self._asked - 1)
        self.changed.emit()

    @Slot(object)
    def _on_error(self, _error: object) -> None:
        self._asked = 0
        self.changed.emit()
