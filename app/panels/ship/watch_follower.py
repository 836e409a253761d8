"""Starts the watching of a folder and reads its log while it goes on."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.look.translation import tr, translated
from app.panels.ship.outcomes import JudgedImage, Outcome
from app.panels.ship.watch_page import WatchPage
from app.services.background import BackgroundTasks
from core.jobs.watch_process import WatchProcess
from core.project import Project
from core.system.errors import InputError
from core.system.messages import message
from core.watch import DayCounts, Judged, WatchLog, WatchSettings
from core.watch.label_queue import deliver_to_project

_LOOK_MS = 1000
_SHOWN = 120
_WATCHED = "watched"
_OUTCOMES = {"broken": Outcome.FAILED}


@dataclass(frozen=True, slots=True)
class _Look:
    """What the log said."""

    days: list[DayCounts]
    images: list[JudgedImage]
    waiting: int


class WatchFollower(QObject):
    """One folder at a time; ``detach`` and ``attach`` hand it from one window to the next."""

    failed = Signal(object)
    """(Exception): something the user must be told."""
    delivered = Signal(int)
    """Images were added to the project."""

    def __init__(self, page: WatchPage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._page = page
        self._tasks = BackgroundTasks(self, max_threads=1)
        self._project: Project | None = None
        self._process: WatchProcess | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._on_look)

    def set_project(self, project: Project | None) -> None:
        """Another project was opened: the watching ends."""
        self._tasks.cancel_and_wait()
        self._project = project
        self._end()
        self._page.show_folder("", "", runs=False)
        self._page.show_results([], [], 0)

    def start(self, export: Path, folder: Path, project: Project) -> None:
        """Watch a folder with an export; its results go into the project's folder.

        Raises:
            InputError: the folders are in each other's way.
        """
        self._end()
        self._project = project
        out = results_folder(project, folder)
        settings = WatchSettings(folder=folder, out=out)
        settings.check()
        self._process = WatchProcess(export, settings)
        self._page.show_problem("")
        self._timer.start()
        self._on_look()

    @property
    def runs(self) -> bool:
        """Whether a folder is being watched."""
        return self._process is not None and self._process.state in ("starting", "watching")

    @Slot()
    def stop(self) -> None:
        """End the watching after the image in hand."""
        if self._process is not None:
            self._process.stop()

    def deliver(self) -> None:
        """Add the images that wait to the project."""
        process, project = self._process, self._project
        if process is None or project is None:
            return
        out = process.settings.out
        self._tasks.start(
            lambda _progress: deliver_to_project(out, project),
            on_done=self._on_delivered,
            on_failed=self.failed.emit,
        )

    def detach(self) -> WatchProcess | None:
        """Hand the process over: whoever gets it goes on with it."""
        process, self._process = self._process, None
        self._timer.stop()
        return process

    def attach(self, process: WatchProcess, project: Project | None) -> None:
        """Go on with a process of another window."""
        self._process, self._project = process, project
        self._timer.start()
        self._on_look()

    @property
    def busy(self) -> bool:
        """Whether the log is being read."""
        return self._tasks.busy

    def shut_down(self) -> None:
        """End the watching and wait for the thread."""
        self._timer.stop()
        self._tasks.shut_down()
        self._end()

    def _end(self) -> None:
        self._timer.stop()
        process, self._process = self._process, None
        if process is not None:
            process.close()

    @Slot()
    def _on_look(self) -> None:
        process = self._process
        if process is None:
            return
        state = process.poll()
        words = {
            "starting": tr("starting…"),
            "watching": tr("watching"),
            "ended": tr("stopped"),
            "failed": tr("stopped"),
        }
        runs = state in ("starting", "watching")
        self._page.show_folder(str(process.settings.folder), words[state], runs=runs)
        told = process.problem if state == "failed" else process.notice
        if state == "failed" and told is None:
            told = message("The watching ended unexpectedly; start it again.")
        self._page.show_problem("" if told is None else translated(told))
        if not runs:
            self._timer.stop()
        if not self._tasks.busy:
            settings = process.settings
            self._tasks.start(
                lambda _progress: _read(settings),
                on_done=self._on_read,
                on_failed=self.failed.emit,
                key="read",
            )

    def _on_read(self, look: _Look | None) -> None:
        if look is not None:
            self._page.show_results(look.days, look.images, look.waiting)

    def _on_delivered(self, count: int) -> None:
        self.delivered.emit(count)
        self._on_look()


def results_folder(project: Project, folder: Path) -> Path:
    """Return where the results of a watched folder are; the same folder goes on where it was."""
    digest = hashlib.sha256(str(folder.absolute()).encode("utf-8", "surrogateescape"))
    return project.folder / _WATCHED / f"{folder.name or 'folder'}-{digest.hexdigest()[:8]}"


def _read(settings: WatchSettings) -> _Look | None:
    """Read the log; None while there is none yet. For the thread pool."""
    try:
        log = WatchLog(settings.out, read_only=True)
    except (InputError, sqlite3.OperationalError):
        return None
    try:
        with log:
            images = [_image(one, settings) for one in log.recent(_SHOWN)]
            return _Look(log.counts_by_day(), images, len(log.to_label()))
    except sqlite3.OperationalError:  # it is being made, or its disk is away for a moment
        return None


def _image(one: Judged, settings: WatchSettings) -> JudgedImage:
    overlay = None if one.overlay is None else settings.out / one.overlay
    image = settings.folder / one.path
    return JudgedImage(
        image,
        outcome=_OUTCOMES.get(one.outcome) or Outcome(one.outcome),
        reasons=(*one.reasons, *one.oddities),
        note=time.strftime("%H:%M:%S", time.localtime(one.judged)),
        picture=overlay if overlay is not None and overlay.is_file() else None,
    )
