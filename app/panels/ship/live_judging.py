"""Judges what was tried, again whenever more is tried or the rules change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, SignalInstance, Slot

from app.look.translation import tr
from app.panels.ship.outcomes import JudgedImage, Outcome
from app.panels.ship.ship_runs import Trial
from app.services.background import BackgroundTasks, Progress
from app.services.timers import single_shot
from core.portable.cleaning import InspectedArea
from core.portable.deciding import Reason
from core.portable.settings import Settings
from core.project import Project
from core.project.trial_judging import JudgedRecord, LabelledDefects, TrialJudge

_MORE_MS = 700
_RULES_MS = 120


class LiveJudging(QObject):
    """Works in one thread of its own; what is out of date is never told."""

    own_judged = Signal(object)
    """(list[JudgedImage]): the user's images."""
    validation_judged = Signal(object)
    """(list[JudgedImage]): those of the project, with what their labels say."""
    failed = Signal(object)
    """(Exception)."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self, max_threads=1)
        self._project: Project | None = None
        self._labels: tuple[str, ...] = ()
        self._background: int | None = None
        self._settings = Settings()
        self._defects: LabelledDefects | None = None
        self._judges: dict[str, TrialJudge | None] = {"own": None, "validation": None}
        self._folders: dict[str, Path | None] = {"own": None, "validation": None}
        self._more = single_shot(self, _MORE_MS, self._on_due)
        self._changed = single_shot(self, _RULES_MS, self._on_due)

    def set_project(self, project: Project | None) -> None:
        """Judge images of this project from now on."""
        self._tasks.cancel_and_wait()  # the old project is closed next
        self._project = project
        self._judges = dict.fromkeys(self._judges)
        self._folders = dict.fromkeys(self._folders)
        self._defects = None

    def set_trials(
        self,
        own: Trial | None,
        validation: Trial | None,
        labels: Sequence[str],
        background: int | None,
    ) -> None:
        """Judge what these runs left; the same ones again are only looked at anew."""
        same_classes = (tuple(labels), background) == (self._labels, self._background)
        self._labels, self._background = tuple(labels), background
        if self._project is not None and (self._defects is None or not same_classes):
            name = None if background is None else labels[background]
            self._defects = LabelledDefects(self._project, name)
        for name, trial in (("own", own), ("validation", validation)):
            folder = None if trial is None else trial.run.folder
            if folder == self._folders[name] and same_classes:
                continue
            self._folders[name] = folder
            self._judges[name] = None if folder is None else TrialJudge(folder, labels, background)
        self._on_due()

    def set_settings(self, settings: Settings) -> None:
        """Judge by these from now on; several within a moment are one."""
        self._settings = settings
        self._changed.start()

    def notify(self) -> None:
        """More was tried."""
        if not self._more.isActive():
            self._more.start()

    @property
    def busy(self) -> bool:
        """Whether something is being judged."""
        return self._tasks.busy or self._changed.isActive() or self._more.isActive()

    def shut_down(self) -> None:
        """Wait for the thread."""
        self._more.stop()
        self._changed.stop()
        self._tasks.shut_down()

    @Slot()
    def _on_due(self) -> None:
        self._judge("own", self.own_judged, None)
        self._judge("validation", self.validation_judged, self._defects)

    def _judge(self, name: str, told: SignalInstance, labelled: LabelledDefects | None) -> None:
        judge, settings = self._judges[name], self._settings
        if judge is None or self._project is None:
            self._tasks.cancel(name)
            told.emit([])
            return
        least = settings.areas_px(settings.minimum_area, self._labels)
        self._tasks.start(
            lambda progress: _judged(judge, settings, labelled, least, progress),
            on_done=told.emit,
            on_failed=self.failed.emit,
            key=name,
        )


def _judged(
    judge: TrialJudge,
    settings: Settings,
    labelled: LabelledDefects | None,
    least: tuple[float, ...],
    progress: Progress,
) -> list[JudgedImage]:
    """Judge every image; for the thread pool."""
    defects = {} if labelled is None else labelled.find(settings.area, progress.check)
    limits = least if any(least) else ()
    return [
        _image(one, defects, limits, settings.area) for one in judge.judge(settings, progress.check)
    ]


def _image(
    one: JudgedRecord, defects: Mapping[Path, bool], least: tuple[float, ...], area: InspectedArea
) -> JudgedImage:
    decision = one.decision
    if decision is None:
        return JudgedImage(one.record.image, outcome=Outcome.FAILED, problem=one.problem)
    return JudgedImage(
        one.record.image,
        one.label_map,
        Outcome(decision.outcome),
        tuple(reason_text(reason) for reason in decision.reasons),
        one.objects,
        defects.get(one.record.image),
        least=least,
        area=area,
    )


def reason_text(reason: Reason) -> str:
    """Return a reason in the current language."""
    sentence = tr(reason.template, **reason.params)
    return tr("{reason} (low score)", reason=sentence) if reason.is_doubtful else sentence
