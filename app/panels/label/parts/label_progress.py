"""How many labels each class has and about how many are enough, while one labels."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from app.look.translation import tr, translated, trn
from app.panels.label.widgets.class_palette import ShownCount
from app.panels.label.workspace import Workspace
from app.services.background import BackgroundTasks, Progress
from core.advice.label_needs import LabelAdviser, LabelNeed
from core.project import ImageQuery, Project


@dataclass(frozen=True, slots=True)
class _Counted:
    """``set_aside``: images that measure with a class instead of teaching it, by its name."""

    needs: tuple[LabelNeed, ...]
    set_aside: dict[str, int]


class LabelProgress(QObject):
    """Counts anew in the background whenever something was saved.

    Attributes:
        needs: what each class needs, what lacks most first; empty until it is known.
    """

    changed = Signal()

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._palette = workspace.inspector.classes
        self._tasks = BackgroundTasks(self)  # one thread: the adviser is not for several
        self._adviser = LabelAdviser()
        self.needs: tuple[LabelNeed, ...] = ()
        workspace.context.run_state_changed.connect(self._on_run_state_changed)
        workspace.context.subsets_changed.connect(self.refresh)

    @property
    def busy(self) -> bool:
        """Whether masks are being counted."""
        return self._tasks.busy

    def show_project(self) -> None:
        """Another project is labelled."""
        self._tasks.cancel_and_wait()
        self._adviser = LabelAdviser()
        self.needs = ()
        self._palette.show_counts({})

    @Slot()
    def refresh(self) -> None:
        """Count again."""
        project, adviser = self._workspace.project, self._adviser
        if project is None:
            return
        self._tasks.start(
            lambda progress: _count(project, adviser, progress),
            on_done=self._on_counted,
            on_failed=self._workspace.context.error_occurred.emit,
            key="needs",
        )

    def shut_down(self) -> None:
        """Cancel and wait."""
        self._tasks.shut_down()

    def _on_counted(self, counted: _Counted) -> None:
        self.needs = counted.needs
        aside = counted.set_aside
        self._palette.show_counts(
            {need.name: _shown(need, aside.get(need.name, 0)) for need in counted.needs}
        )
        self.changed.emit()

    @Slot(str, str)
    def _on_run_state_changed(self, _run_id: str, state: str) -> None:
        if state == "done":  # a training may have said what is missed
            self.refresh()


def _count(project: Project, adviser: LabelAdviser, progress: Progress) -> _Counted:
    needs = adviser.needs(project, check=progress.check)
    aside: dict[int, int] = {}
    for subset in ("val", "test"):
        query = ImageQuery(subset=subset)
        for class_id, images in project.class_counts(query, check=progress.check).items():
            aside[class_id] = aside.get(class_id, 0) + images
    return _Counted(needs, {one.name: aside.get(one.id, 0) for one in project.labels()})


def _shown(need: LabelNeed, set_aside: int) -> ShownCount:
    have, wanted = f"{need.have:,}", f"{need.wanted:,}"
    line = tr("{have} of about {wanted}", have=have, wanted=wanted)
    short = f"{have}/{wanted}" if need.missing else have
    parts = [f"{need.name}: {line}. {translated(need.reason)}"]
    if set_aside:
        parts.append(
            trn(
                "{count} more image with it is set aside to measure with.",
                "{count} more images with it are set aside to measure with.",
                set_aside,
            )
        )
        line = tr("{line} · {count} set aside", line=line, count=set_aside)
        short = f"{short} +{set_aside}"
    return ShownCount(short, line, " ".join(parts))
