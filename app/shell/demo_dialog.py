"""Makes the demo's images and project while the window stays alive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QProgressBar, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.services.background import BackgroundTasks, Progress
from app.widgets.layout import label
from core.demo import open_workspace
from core.system.messages import Message

_WIDTH = GRID * 52
_BAR_STEPS = 1000


@dataclass(frozen=True, slots=True)
class ReadyDemo:
    """``run_fields`` are those of the training to start, None where it has been trained."""

    project_dir: Path
    run_fields: Mapping[str, Any] | None


class DemoDialog(QDialog):
    """Emits ``demo_made`` when the project is there; closing the dialog cancels."""

    demo_made = Signal(object)
    """(ReadyDemo)."""
    failed = Signal(object)
    """(Exception): it could not be made; the dialog is closed."""

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Demo"))
        self.setFixedWidth(_WIDTH)
        self._tasks = BackgroundTasks(self)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _BAR_STEPS)
        self.bar.setAccessibleName(tr("Progress"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(label(tr("Making images of metal parts with defects …"), "heading"))
        layout.addWidget(label(tr("They are kept in {folder}", folder=folder), "muted", wrap=True))
        layout.addWidget(self.bar)
        layout.addWidget(buttons)
        self._tasks.start(
            lambda progress: _make(folder, progress),
            on_done=self._on_made,
            on_failed=self._on_failed,
            on_progress=self._on_progress,
        )

    def done(self, result: int) -> None:
        """Cancel what runs, then close."""
        self._tasks.shut_down()
        super().done(result)

    def _on_made(self, ready: ReadyDemo) -> None:
        self.accept()
        self.demo_made.emit(ready)

    def _on_failed(self, error: Exception) -> None:
        self.reject()
        self.failed.emit(error)

    def _on_progress(self, fraction: float, _text: Message | None) -> None:
        self.bar.setValue(round(fraction * _BAR_STEPS))


def _make(folder: Path, progress: Progress) -> ReadyDemo:
    workspace = open_workspace(folder, images=None, epochs=None, seed=None)
    workspace.make_data(progress=lambda done, total: progress.report(done / max(total, 1)))
    workspace.make_project()
    trained = workspace.newest_run("train") is not None
    return ReadyDemo(workspace.project_dir, None if trained else workspace.training_fields())
