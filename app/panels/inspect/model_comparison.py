"""The choice of a second model, whose measurement is laid beside the first one's."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QSignalBlocker, Signal, Slot

from app.look.translation import tr
from app.panels.inspect.error_viewer import ErrorViewer
from app.panels.inspect.evaluation_search import Found, find_evaluation
from app.services.background import BackgroundTasks
from app.widgets.name_box import NameBox
from core.prediction.inspection import Evaluation
from core.project import Project
from core.system.errors import InputError


class ModelComparison(QObject):
    """Reads the second measurement in the background and hands it to the viewer.

    Attributes:
        box: the models that were measured on the same images.
    """

    failed = Signal(object)
    """(Exception)."""

    def __init__(self, viewer: ErrorViewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._tasks = BackgroundTasks(self)
        self._project: Project | None = None
        self._evaluation: Evaluation | None = None
        self._name = ""
        self._compared: Path | None = None
        self.box = NameBox()
        self.box.setAccessibleName(tr("Compare with"))
        self.box.currentIndexChanged.connect(self._compare)

    def set_first(self, project: Project | None, evaluation: Evaluation | None, name: str) -> None:
        """Compare with this measurement, of a model of this name, from now on."""
        self._tasks.cancel_all()
        self._project, self._evaluation, self._name = project, evaluation, name
        self._compared = None
        self._viewer.compare(None)

    def offer(self, others: list[tuple[str, Path]]) -> None:
        """Offer models by name and folder; what was chosen stays if it is among them."""
        chosen = self.box.currentData()
        with QSignalBlocker(self.box):
            self.box.clear()
            self.box.addItem(tr("compare with …"), None)
            for name, folder in others:
                self.box.addItem(name, folder)
            self.box.setCurrentIndex(max(0, self.box.findData(chosen)))
        self.box.setEnabled(bool(others))
        self.box.setToolTip(
            tr("Another model on the same images; a divider is dragged between the two")
            if others
            else tr("Measure a second model on these images to compare the two")
        )
        self._compare()

    @property
    def busy(self) -> bool:
        """Whether a measurement is being read."""
        return self._tasks.busy

    def shut_down(self) -> None:
        """Wait for the thread."""
        self._project = None
        self._tasks.shut_down()

    @Slot()
    def _compare(self) -> None:
        """Read the other model's measurement and show both."""
        project, folder, shown = self._project, self.box.currentData(), self._evaluation
        if project is None or folder is None or shown is None:
            self._tasks.cancel_all()
            self._compared = None
            self._viewer.compare(None)
        elif folder != self._compared:
            self._tasks.start(
                lambda progress: find_evaluation(project, folder, shown.split, progress),
                on_done=lambda found: self._on_found(folder, found),
                on_failed=self.failed.emit,
                key="compare",
            )

    def _on_found(self, folder: Path, other: Found | None) -> None:
        shown = self._evaluation
        if shown is None or other is None or other.evaluation is None:
            return
        if other.evaluation.labels != shown.labels:
            self.failed.emit(
                InputError("The two models have other classes, so they cannot be compared.")
            )
            self.box.setCurrentIndex(0)
            return
        self._compared = folder
        self._viewer.compare(other.evaluation, (self._name, self.box.currentText()))
