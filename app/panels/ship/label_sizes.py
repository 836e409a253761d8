"""Says when least areas would leave out objects that people labelled."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot

from app.services.background import BackgroundTasks
from app.services.timers import single_shot
from core.advice.label_counts import LabelCounter
from core.advice.least_areas import ignored_objects
from core.portable.settings import Settings
from core.project import Project

_DELAY_MS = 200


class LabelSizes(QObject):
    """Looks at the labels in one thread of its own, where a least area is set at all."""

    found = Signal(object)
    """(tuple[IgnoredObjects]): by the settings of now."""
    failed = Signal(object)
    """(Exception)."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self, max_threads=1)  # the counter is not for several
        self._project: Project | None = None
        self._counter = LabelCounter()
        self._least: dict[str, float] = {}
        self._changed = single_shot(self, _DELAY_MS, self._on_due)

    def set_project(self, project: Project | None) -> None:
        """Look at the labels of this project from now on."""
        self._changed.stop()
        self._tasks.cancel_and_wait()  # the old project is closed next
        self._project, self._counter, self._least = project, LabelCounter(), {}
        self.found.emit(())

    def set_settings(
        self, settings: Settings, labels: Sequence[str], background: int | None
    ) -> None:
        """Compare with these from now on; several within a moment are one.

        Args:
            settings: of which the least areas count.
            labels: the model's class names.
            background: class id of which no objects are made, or None.
        """
        areas = settings.areas_px(settings.minimum_area, labels)
        self._least = {
            name: area
            for place, (name, area) in enumerate(zip(labels, areas, strict=True))
            if area and place != background
        }
        self._changed.start()

    @property
    def busy(self) -> bool:
        """Whether labels are being looked at."""
        return self._tasks.busy or self._changed.isActive()

    def shut_down(self) -> None:
        """Wait for the thread."""
        self._changed.stop()
        self._tasks.shut_down()

    @Slot()
    def _on_due(self) -> None:
        project, counter, least = self._project, self._counter, self._least
        if project is None or not least:
            self._tasks.cancel("sizes")
            self.found.emit(())
            return
        self._tasks.start(
            lambda progress: ignored_objects(project, least, counter, check=progress.check),
            on_done=self.found.emit,
            on_failed=self.failed.emit,
            key="sizes",
        )
