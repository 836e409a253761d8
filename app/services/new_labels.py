"""Gives new labels a subset in the background, and says so in one line that can be undone."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from app.look.translation import tr
from app.services.background import BackgroundTasks
from app.services.notices import Notice
from app.services.timers import single_shot
from core.project import Project
from core.project.split import Division

_DELAY_MS = 250
#: So many images at once are worth a line; one that was just labelled is not.
_WORTH_TELLING = 5


class NewLabels(QObject):
    """Divides what ``look`` finds to be new; see ``Project.divide_new_labels``."""

    subsets_changed = Signal()
    """Images have other subsets."""
    counts_changed = Signal(object)
    """(ImageCounts): the project's, after that."""
    notice_requested = Signal(object)
    """(Notice): say it in one line."""
    failed = Signal(object)
    """(Exception)."""

    def __init__(self, project: Callable[[], Project | None], parent: QObject) -> None:
        super().__init__(parent)
        self._project = project
        self._tasks = BackgroundTasks(self)
        self._delay = single_shot(self, _DELAY_MS, self._divide)
        self._again = False

    @property
    def busy(self) -> bool:
        """Whether images are being divided, or soon will."""
        return self._tasks.busy or self._delay.isActive()

    def forget(self) -> None:
        """The project is about to be closed: cancel and wait."""
        self._delay.stop()
        self._again = False
        self._tasks.cancel_and_wait()

    def shut_down(self) -> None:
        """Cancel and wait, for good."""
        self._delay.stop()
        self._tasks.shut_down()

    def tell(self, division: Division, *, by_itself: bool = False) -> None:
        """Say what was divided, and offer to take it back; other parts hear of it.

        Args:
            division: what was done.
            by_itself: nobody asked for it; once undone, it is not done again.
        """
        project = self._project()
        if project is None:
            return
        self._tell_change(project)
        self.notice_requested.emit(
            Notice(
                _told(division),
                tr("Undo"),
                lambda: self._undo(project, division, by_itself=by_itself),
            )
        )

    @Slot()
    def look(self) -> None:
        """Images, masks or states changed: see whether there is something to divide."""
        self._delay.start()

    @Slot()
    def _divide(self) -> None:
        project = self._project()
        if project is None or project.read_only:
            return
        if self._tasks.busy:
            self._again = True
            return
        self._tasks.start(
            lambda progress: project.divide_new_labels(check=progress.check),
            on_done=self._on_divided,
            on_failed=self.failed.emit,
        )

    def _on_divided(self, division: Division | None) -> None:
        project = self._project()
        if division is not None and project is not None:
            if len(division.after) >= _WORTH_TELLING:
                self.tell(division, by_itself=True)
            else:
                self._tell_change(project)
        if self._again:
            self._again = False
            self._delay.start()

    def _tell_change(self, project: Project) -> None:
        self.subsets_changed.emit()
        self.counts_changed.emit(project.counts())

    def _undo(self, project: Project, division: Division, *, by_itself: bool) -> None:
        if project is not self._project():
            return
        try:
            project.undo_division(division)
            if by_itself:
                project.set_divides_itself(False)  # or it would be done again at once
        except Exception as error:
            self.failed.emit(error)
            return
        self._tell_change(project)
        if not by_itself:
            return
        self.notice_requested.emit(
            Notice(
                tr("Undone. New labels get no subset by themselves any more: see Split in Data."),
                tr("Let them"),
                lambda: self._let_again(project),
            )
        )

    def _let_again(self, project: Project) -> None:
        if project is self._project():
            project.set_divides_itself(True)
            self.subsets_changed.emit()
            self._delay.start()


def _told(division: Division) -> str:
    counts = {subset: f"{count:,}" for subset, count in division.counts.items()}
    if not division.counts["test"]:
        return tr(
            "Divided: {train} {train:image|images} to train on, {val} to validate. They stay where "
            "they are; later labels join them.",
            train=counts["train"],
            val=counts["val"],
        )
    return tr(
        "Divided: {train} {train:image|images} to train on, {val} to validate, {test} "
        "to test. They stay where they are; later labels join them.",
        train=counts["train"],
        val=counts["val"],
        test=counts["test"],
    )
