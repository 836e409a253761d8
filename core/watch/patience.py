"""Writing into an output folder whose disk may be full, or away, for as long as that lasts."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core.system.errors import InputError
from core.system.files import is_disk_full
from core.system.messages import Message, message
from core.watch.notice_board import NoticeBoard
from core.watch.watch_log import WatchLog, is_passing

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_RETRY_S = 2.0


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """The end was asked for while something had to wait."""


class Patience:
    """Does work again until it succeeds.

    Args:
        out: the output folder, for the sentence.
        log: is opened anew before each try, as a share that was gone needs it.
        board: told when there is no room, and when there is again.
        stop: ends the waiting.
        on_turn: called before each wait; what it raises ends it.
    """

    def __init__(
        self,
        out: Path,
        log: WatchLog,
        board: NoticeBoard,
        *,
        stop: threading.Event,
        on_turn: Callable[[], object],
    ) -> None:
        self._out = out
        self._log = log
        self._board = board
        self._stop = stop
        self._on_turn = on_turn
        self.gives_up = False
        """Whether the first failure is the last one."""

    def do(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns; it is called again while it raises what may pass.

        Raises:
            Stopped: the end was asked for meanwhile.
            InputError: nothing can be written, and it gives up.
        """
        while True:
            try:
                result = work()
            except (OSError, sqlite3.Error) as error:
                self._wait(error)
                continue
            self._board.over("no_room", ("room_again", message("Results can be written again.")))
            return result

    def _wait(self, error: OSError | sqlite3.Error) -> None:
        if isinstance(error, sqlite3.Error) and not is_passing(error):
            raise error
        text = no_room(error, self._out)
        if self.gives_up:
            raise InputError(text.template, **text.params) from error
        if not self._board.is_up("no_room"):
            _LOG.warning("results cannot be written: %s", error)
            self._board.tell("no_room", text)
        self._log.close()
        self._on_turn()
        if self._stop.wait(_RETRY_S):
            raise Stopped


def no_room(error: OSError | sqlite3.Error, out: Path) -> Message:
    """Say why nothing can be written into an output folder."""
    if is_disk_full(error) or _is_full(error):
        return message(
            "The disk of {out} is full; make room: the images wait, and none is lost.", out=out
        )
    reason = getattr(error, "strerror", None) or str(error)
    return message(
        "{out} cannot be written to ({reason}); the images wait.", out=out, reason=reason
    )


def _is_full(error: OSError | sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) == sqlite3.SQLITE_FULL
