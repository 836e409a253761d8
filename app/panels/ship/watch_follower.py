"""Reads the log of a folder that is watched while the job goes on."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.look.translation import tr, translated
from app.panels.ship.outcomes import JudgedImage, Outcome
from app.panels.ship.ship_runs import ALIVE, Watched
from app.panels.ship.watch_page import WatchPage
from app.services.background import BackgroundTasks
from core.project import Project
from core.runs.events import Event, Warned
from core.system.errors import InputError
from core.system.messages import Message
from core.watch import DayCounts, Judged, WatchLog
from core.watch.label_queue import deliver_to_project

_LOOK_MS = 1000
_SHOWN = 120
_WATCHED = "watched"


@dataclass(frozen=True, slots=True)
class _Look:
    """What the log said."""

    days: list[DayCounts]
    images: list[JudgedImage]
    waiting: int


class WatchFollower(QObject):
    """Follows the newest folder that was watched; what it came to is shown when it ended, too."""

    failed = Signal(object)
    """(Exception): something the user must be told."""
    delivered = Signal(int)
    """(count): so many images were added to the project."""

    def __init__(self, page: WatchPage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._page = page
        self._tasks = BackgroundTasks(self, max_threads=1)
        self._project: Project | None = None
        self._watched: Watched | None = None
        self._notice: Message | str = ""
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)

    def set_project(self, project: Project | None) -> None:
        """Follow what is watched for another project."""
        self._tasks.cancel_and_wait()  # the old project is closed next
        self._project = project
        self.follow(None)

    def follow(self, watched: Watched | None) -> None:
        """Follow a job, alive or over; None: there was none."""
        before, self._watched = self._watched, watched
        if watched is None:
            self._timer.stop()
            self._page.show_folder("", "", runs=False)
            self._page.show_results([], [], 0)
            return
        if before is None or before.run.id != watched.run.id:
            self._notice = ""
            self._page.show_problem("")
        words = {
            "queued": tr("starting…"),
            "running": tr("watching"),
            "failed": tr("ended by an error"),
        }
        runs = watched.run.state in ALIVE
        state = words.get(watched.run.state, tr("stopped"))
        self._page.show_folder(str(watched.spec.folder), state, runs=runs)
        if runs and not self._timer.isActive():
            self._timer.start()
        elif not runs:
            self._timer.stop()
        self._look()

    @property
    def run_id(self) -> str | None:
        """The job that is followed."""
        return None if self._watched is None else str(self._watched.run.id)

    def job_event(self, run_id: str, event: Event) -> None:
        """Say what the job warns of."""
        if run_id == self.run_id and isinstance(event, Warned):
            template = event.template
            self._notice = Message(template, event.params) if template else event.message
            self._page.show_problem(translated(self._notice))

    def deliver(self) -> None:
        """Add the images that wait to the project."""
        watched, project = self._watched, self._project
        if watched is None or project is None:
            return
        out = watched.spec.out_dir
        self._tasks.start(
            lambda _progress: deliver_to_project(out, project),
            on_done=self._on_delivered,
            on_failed=self.failed.emit,
        )

    @property
    def busy(self) -> bool:
        """Whether the log is being read."""
        return self._tasks.busy

    def shut_down(self) -> None:
        """Wait for the thread; the job belongs to the project."""
        self._timer.stop()
        self._tasks.shut_down()

    @Slot()
    def _look(self) -> None:
        watched = self._watched
        if watched is None or self._tasks.busy:
            return
        self._tasks.start(
            lambda _progress: _read(watched),
            on_done=self._on_read,
            on_failed=self.failed.emit,
        )

    def _on_read(self, look: _Look | None) -> None:
        if look is not None and self._watched is not None:
            self._page.show_results(look.days, look.images, look.waiting)

    def _on_delivered(self, count: int) -> None:
        self.delivered.emit(count)
        self._look()


def results_folder(project: Project, folder: Path) -> Path:
    """Return where the results of a watched folder are; the same folder goes on where it was."""
    digest = hashlib.sha256(str(folder.absolute()).encode("utf-8", "surrogateescape"))
    return project.folder / _WATCHED / f"{folder.name or 'folder'}-{digest.hexdigest()[:8]}"


def _read(watched: Watched) -> _Look | None:
    """Read the log; None while it cannot be read. For the thread pool."""
    try:
        with WatchLog(watched.spec.out_dir, read_only=True) as log:
            images = [_image(one, watched) for one in log.recent(_SHOWN)]
            return _Look(log.counts_by_day(), images, len(log.to_label()))
    except (InputError, sqlite3.OperationalError):  # being made, or its disk is away
        return None


def _image(one: Judged, watched: Watched) -> JudgedImage:
    out = watched.spec.out_dir
    image = watched.spec.folder / one.path
    mask = None if one.mask is None else out / one.mask
    overlay = None  # where the image was moved on, only this picture of it is left
    if not image.is_file() and one.overlay is not None:
        overlay, mask = out / one.overlay, None
    return JudgedImage(
        image,
        mask,
        outcome=Outcome.FAILED if one.outcome == "broken" else Outcome(one.outcome),
        reasons=(*one.reasons, *one.oddities),
        note=time.strftime("%H:%M:%S", time.localtime(one.judged)),
        picture=overlay,
    )
