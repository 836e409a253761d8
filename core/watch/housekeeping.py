"""What a watcher does now and then: deliver what is to be labelled, delete what is old."""

from __future__ import annotations

import logging
import sqlite3
import time
from typing import Final

from core.project import Project
from core.system.errors import InputError
from core.system.messages import message
from core.watch.arrivals import Arrivals
from core.watch.kept_pictures import DAY_S, KeptPictures
from core.watch.label_queue import LabelQueue
from core.watch.notice_board import NoticeBoard
from core.watch.watch_log import WatchLog
from core.watch.watch_settings import WatchSettings

_LOG = logging.getLogger(__name__)
_DELIVERY_S: Final = 30.0
_ROTATION_S: Final = 60.0
_CLOCK_JUMP_S: Final = DAY_S


class Housekeeping:
    """Of one output folder. Where something fails it is tried again later.

    Args:
        settings: how long and how much is kept.
        log: the log.
        pictures: those that are kept.
        queue: images to label.
        arrivals: what lies in the watched folder.
        board: told what people should know.
    """

    def __init__(
        self,
        settings: WatchSettings,
        log: WatchLog,
        *,
        pictures: KeptPictures,
        queue: LabelQueue,
        arrivals: Arrivals,
        board: NoticeBoard,
    ) -> None:
        self._settings = settings
        self._log = log
        self._pictures = pictures
        self._queue = queue
        self._arrivals = arrivals
        self._board = board
        self._clock_offset = time.time() - time.monotonic()
        self._next_rotation = 0.0
        self._next_delivery = 0.0

    def tidy(self, *, at_once: bool = False) -> None:
        """Do what is due; ``at_once``: all of it."""
        offset = time.time() - time.monotonic()
        if abs(offset - self._clock_offset) > _CLOCK_JUMP_S:
            self._board.tell(
                "clock",
                message("The computer's clock was changed; nothing is deleted for its age now."),
            )
        now = time.monotonic()
        if at_once or now >= self._next_delivery:
            self._next_delivery = now + _DELIVERY_S
            self._deliver()
        if at_once or now >= self._next_rotation:
            self._next_rotation = now + _ROTATION_S
            try:
                self._rotate()
            except (OSError, sqlite3.Error) as error:
                _LOG.warning("nothing old was deleted: %s", error)

    def _rotate(self) -> None:
        clock = time.time()
        is_clock_sound = not self._board.is_up("clock")
        self._pictures.rotate(clock, by_age=is_clock_sound)
        if not is_clock_sound or self._arrivals.is_folder_empty:  # perhaps its share is away
            return
        # What still lies in the folder must be known, or it would be judged again.
        old = self._log.older_than(clock - self._settings.log_days * DAY_S)
        self._log.remove([id_ for id_, path in old if path not in self._arrivals])

    def _deliver(self) -> None:
        folder = self._settings.project
        if folder is None:
            return
        try:
            if self._queue.waiting():
                with Project.open(folder) as project:
                    self._queue.deliver(project)
        except InputError as error:
            self._board.tell("project", error.message)
        except (OSError, sqlite3.Error) as error:
            self._board.tell("project", message("{problem}", problem=error))
        else:
            self._board.over("project")
