"""The loop: look at the folder, judge what has arrived, note it, tell it.

An image is identified by its path and what it holds: its size, when it was changed, and the hash
of its content. Size and time only say whether the content has to be read again: clocks of shares
shift, and a file that is copied anew with the same bytes is no other image. Each image is claimed
in the log before it is judged, so that one that ends the program is noticed, and its result is one
transaction. Pictures and copies are written before it, under names that follow from the claim, so
that a program that was killed in between writes the same ones again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from core.images.io import decode_image
from core.project.project_folder import require_project
from core.system.errors import InputError
from core.system.files import make_folder, open_regular, storage_problem
from core.system.messages import message, printable
from core.watch.arrivals import Arrival, Arrivals, Earlier
from core.watch.assessment import LEARNED, Assessment, Assessor, ImageArray, OddityCheck
from core.watch.folder_scan import scan_images, stamp_of
from core.watch.housekeeping import Housekeeping
from core.watch.kept_pictures import KeptPictures
from core.watch.label_queue import LabelQueue
from core.watch.log_rows import Result
from core.watch.notice_board import NoticeBoard
from core.watch.patience import Patience, Stopped, no_room
from core.watch.reports import Judged, Notice, WatchStatus
from core.watch.watch_log import WatchLog
from core.watch.watch_settings import WatchSettings

_LOG = logging.getLogger(__name__)
_LOCK = "watch.lock"
_LOCK_WAIT_S = 2.0  # a process that was killed needs a moment to be gone
_LONGEST_WAIT_S = 0.5
_MOST_FAILURES = 5
_MOST_ATTEMPTS = 5
_MOST_BYTES = 2**31
_TAIL = bytes(512)
_TAIL_SETTLE_S = 5.0
_KEPT = ("warn", "inconclusive", "reject")


class _Unreadable(Exception):  # noqa: N818 - the file's, told in its result
    """A file will not be read, however long one waits."""


class _Failed(Exception):  # noqa: N818 - the image's, told in its result
    """The model failed at one image."""


class Watcher:
    """Judges each image that arrives in a folder once.

    Makes no threads: ``run`` is an iterator, and whoever reads it decides when it goes on. A
    result counts as told once the iterator is asked for the next one. A context manager.

    Args:
        assessor: the model with its rules.
        settings: what is watched.
        on_turn: called between images and twice a second; what it raises ends ``run``.
        on_notice: told at once what people should know.

    Raises:
        InputError: the folders cannot be used, or another watcher works on ``out``.
    """

    def __init__(
        self,
        assessor: Assessor,
        settings: WatchSettings,
        *,
        on_turn: Callable[[], object] = lambda: None,
        on_notice: Callable[[Notice], object] = lambda _notice: None,
    ) -> None:
        settings.check()
        if settings.project is not None:
            require_project(settings.project)
        self._assessor = assessor
        self._settings = settings
        self._on_turn = on_turn
        self._board = NoticeBoard(on_notice)
        self._stop = threading.Event()
        self._out = make_folder(settings.out)
        self._lock = _lock(self._out)
        try:
            self._log = self._open_log()
        except BaseException:
            self._lock.release()
            raise
        self._patience = Patience(
            self._out, self._log, self._board, stop=self._stop, on_turn=on_turn
        )
        self._pictures = KeptPictures(
            self._out, self._log, keep_days=settings.keep_days, max_bytes=settings.max_bytes
        )
        self._queue = LabelQueue(self._out, self._log, settings.folder)
        self._odd = OddityCheck(
            assessor.statistics,
            self._log.setting(LEARNED),
            learn_from=settings.learn_from,
            min_confidence=settings.min_confidence,
            limit=settings.odd_limit,
        )
        self._arrivals = Arrivals(settings.settle_s, self._look_up)
        self._real_paths: dict[str, str] = {}
        self._housekeeping = Housekeeping(
            settings,
            self._log,
            pictures=self._pictures,
            queue=self._queue,
            arrivals=self._arrivals,
            board=self._board,
        )
        self._failed: set[str] = set()
        self._status = self._log.status()
        self._once = False

    def _open_log(self) -> WatchLog:
        try:
            log = WatchLog(self._out, create=True)
            try:
                self._bind(log)
            except BaseException:
                log.close()
                raise
            return log
        except (OSError, sqlite3.Error) as error:
            text = no_room(error, self._out)
            raise InputError(text.template, **text.params) from error

    def _bind(self, log: WatchLog) -> None:
        """Remember which folder the log is about; refuse another one."""
        folder = printable(str(self._settings.folder.resolve()))
        known = log.setting("folder")
        if known is None:
            if not self._settings.folder.is_dir():
                raise InputError(
                    "{folder} is not a folder; choose one that exists.",
                    folder=self._settings.folder,
                )
            log.write_settings({"folder": folder})
        elif known != folder:
            raise InputError(
                "{out} holds results of the folder {folder}; choose another --out.",
                out=self._out,
                folder=known,
            )

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Say that nobody watches any more, and let others use the output folder."""
        try:
            self._write_status("ended")
        finally:
            self._log.close()
            self._lock.release()

    def stop(self) -> None:
        """End ``run`` after the image in hand; may be called from a signal or another thread."""
        self._stop.set()

    @property
    def log(self) -> WatchLog:
        """The log, for questions."""
        return self._log

    @property
    def waiting(self) -> int:
        """How many images have arrived and are not judged yet."""
        return len(self._arrivals)

    def run(self, *, once: bool = False) -> Iterator[Judged]:
        """Judge images as they arrive.

        Args:
            once: end when all that is there is judged, or known to be broken.

        Yields:
            Each result; a result is logged before, and counts as told afterwards.

        Raises:
            InputError: the log is damaged; with ``once`` also where the folder cannot be read or
                nothing can be written.
        """
        self._once = self._patience.gives_up = once
        try:
            self._patience.do(self._remove_leftovers)
            for judged in self._patience.do(self._log.unannounced):
                yield dataclasses.replace(judged, again=True)
                self._tell_done(judged)
            yield from self._loop(once=once)
        except Stopped:
            pass

    def _loop(self, *, once: bool) -> Iterator[Judged]:
        next_look = 0.0
        while not self._stop.is_set():
            self._on_turn()
            now = time.monotonic()
            if now >= next_look:
                self._look()
                took = time.monotonic() - now
                next_look = now + max(self._settings.interval_s, 3 * took)
                self._housekeeping.tidy()
            arrival = self._arrivals.next_ready()
            if arrival is not None:
                judged = self._judge(arrival)
                if judged is not None:
                    yield judged
                    self._tell_done(judged)
            elif once and not len(self._arrivals):
                self._housekeeping.tidy(at_once=True)
                return
            else:
                self._stop.wait(max(0.0, min(_LONGEST_WAIT_S, next_look - time.monotonic())))

    def _tell_done(self, judged: Judged) -> None:
        self._patience.do(lambda: self._log.mark_announced(judged.id))

    def _remove_leftovers(self) -> None:
        self._pictures.remove_leftovers(self._log.unfinished())
        self._queue.remove_leftovers()

    # Looking

    def _look(self) -> None:
        settings = self._settings
        own = (self._out, settings.project)
        skip = frozenset(os.path.realpath(one) for one in own if one is not None)
        try:
            listing = scan_images(
                settings.folder,
                subfolders=settings.subfolders,
                skip=skip,
                on_unreadable=self._tell_unreadable,
            )
        except OSError as error:
            self._folder_gone(error)
            return
        self._board.over("folder_gone", ("folder_back", message("The folder is there again.")))
        # Names that are no Unicode are logged as they are shown; the real one opens the file.
        self._real_paths = {printable(path): path for path in listing}
        shown = {name: listing[path] for name, path in self._real_paths.items()}
        self._patience.do(
            lambda: self._arrivals.update(shown, now=time.monotonic(), clock=time.time())
        )
        self._write_status("watching")

    def _folder_gone(self, error: OSError) -> None:
        if self._once:
            raise InputError(
                "The folder {folder} cannot be read: {reason}.",
                folder=self._settings.folder,
                reason=error.strerror or error,
            ) from error
        self._board.tell(
            "folder_gone",
            message(
                "The folder {folder} cannot be read ({reason}); waiting for it.",
                folder=self._settings.folder,
                reason=error.strerror or error,
            ),
        )
        self._write_status("folder_gone")

    def _tell_unreadable(self, folder: Path, error: OSError) -> None:
        self._board.tell(
            "subfolder",
            message(
                "The folder {folder} cannot be read ({reason}); it is passed over.",
                folder=folder,
                reason=error.strerror or error,
            ),
        )

    def _look_up(self, path: str) -> Earlier | None:
        last = self._log.last(path)
        if last is None:
            return None
        return Earlier(last.stamp, last.is_done, last.arrived, last.attempts)

    # Judging

    def _judge(self, arrival: Arrival) -> Judged | None:
        """Judge one image; None where it is not ready, known already, or gone."""
        started = time.perf_counter()
        try:
            data = self._read(arrival)
        except _Unreadable as error:
            id_, _ = self._claim(arrival, "")
            return self._finish_broken(arrival, id_, f"it cannot be read: {error}")
        if data is None:
            return None
        content = hashlib.sha256(data).hexdigest()
        last = self._patience.do(lambda: self._log.last(arrival.path))
        if last is not None and last.is_judged and last.hash == content:
            self._patience.do(lambda: self._log.restamp(last.id, arrival.stamp))
            self._arrivals.finish(arrival)
            return None
        id_, attempts = self._claim(arrival, content)
        if attempts > _MOST_ATTEMPTS:
            reason = f"the program ended {attempts - 1} times while it was judged"
            return self._finish_broken(arrival, id_, reason)
        try:
            image = decode_image(arrival.path, data)
            assessment = self._assess(arrival, image)
        except InputError as error:
            return self._retry_or_give_up(arrival, id_, str(error))
        except _Failed as failed:
            return self._retry_or_give_up(arrival, id_, str(failed))
        milliseconds = (time.perf_counter() - started) * 1000
        return self._finish(arrival, id_, data, image, assessment, content, milliseconds)

    def _claim(self, arrival: Arrival, content: str) -> tuple[int, int]:
        return self._patience.do(
            lambda: self._log.claim(arrival.path, arrival.stamp, content, arrived=arrival.arrived)
        )

    def _assess(self, arrival: Arrival, image: ImageArray) -> Assessment:
        """Judge an image; where a model fails at one after the other, it is not the images."""
        try:
            assessment = self._assessor.assess(image)
        except InputError:
            raise
        except Exception as error:
            self._failed.add(arrival.path)
            if len(self._failed) >= _MOST_FAILURES:
                raise
            _LOG.exception("%s could not be judged", arrival.path)
            raise _Failed(f"it could not be judged: {type(error).__name__}: {error}") from error
        self._failed.clear()
        return assessment

    def _read(self, arrival: Arrival) -> bytes | None:
        """Return the bytes of a file that stayed as it is; None where it has to wait."""
        file = self._settings.folder / self._real_paths[arrival.path]
        now = time.monotonic()
        try:
            with open_regular(file) as stream:
                before = stamp_of(os.fstat(stream.fileno()))
                if before.size > _MOST_BYTES:
                    raise _Unreadable(f"it is larger than {_MOST_BYTES >> 30} GiB")
                data = stream.read(_MOST_BYTES + 1)
                after = stamp_of(os.fstat(stream.fileno()))
        except FileNotFoundError:
            self._arrivals.forget(arrival)
            return None
        except OSError as error:  # locked by who writes it, or the share is going away
            self._arrivals.postpone(arrival, now=now)
            is_certain = isinstance(error, PermissionError) or self._once
            if is_certain and now - arrival.since >= self._settings.broken_after_s:
                raise _Unreadable(error.strerror or str(error)) from error
            return None
        if before != arrival.stamp or after != before or len(data) != after.size:
            self._arrivals.change(arrival, after, now=now)
            return None
        # Programs that reserve room first leave zeros at the end until they are done.
        if data.endswith(_TAIL) and now - arrival.since < _TAIL_SETTLE_S:
            return None
        return data

    def _retry_or_give_up(self, arrival: Arrival, id_: int, reason: str) -> Judged | None:
        now = time.monotonic()
        if now - arrival.since >= self._settings.broken_after_s:
            return self._finish_broken(arrival, id_, reason)
        self._patience.do(lambda: self._log.release(id_))
        self._arrivals.postpone(arrival, now=now)
        return None

    def _finish_broken(self, arrival: Arrival, id_: int, reason: str) -> Judged:
        return self._finish_with(
            arrival, id_, lambda: Result(outcome="broken", judged=time.time(), reasons=(reason,))
        )

    def _finish(
        self,
        arrival: Arrival,
        id_: int,
        data: bytes,
        image: ImageArray,
        assessment: Assessment,
        content: str,
        milliseconds: float,
    ) -> Judged:
        oddities = self._odd.look(image, assessment.confidence)
        is_wanted = assessment.outcome == "inconclusive" or bool(oddities)

        def result() -> Result:
            judged = time.time()
            overlay, mask, size = None, None, 0
            if assessment.outcome in _KEPT:
                overlay, mask, size = self._pictures.write(
                    id_, arrival.path, assessment, judged=judged, palette=self._assessor.palette
                )
            copy = None
            if is_wanted and self._may_choose(judged):
                copy = self._queue.put(arrival.path, content, data)
            return Result(
                outcome=assessment.outcome,
                judged=judged,
                reasons=assessment.reasons,
                objects=assessment.objects,
                milliseconds=milliseconds,
                confidence=assessment.confidence,
                oddities=oddities,
                model=self._assessor.model,
                revision=self._assessor.revision,
                overlay=overlay,
                mask=mask,
                picture_bytes=size,
                to_label=copy,
            )

        return self._finish_with(arrival, id_, result)

    def _finish_with(self, arrival: Arrival, id_: int, make_result: Callable[[], Result]) -> Judged:
        """Write pictures and the result, however long the disk is full."""

        def write() -> None:
            self._log.finish(id_, make_result(), settings=self._odd.learned())

        self._patience.do(write)
        self._arrivals.finish(arrival)
        return self._patience.do(lambda: self._log.judged(id_))

    def _may_choose(self, judged: float) -> bool:
        day = time.strftime("%Y-%m-%d", time.localtime(judged))
        most = self._settings.most_to_label
        if self._log.chosen_to_label_on(day) < most:
            self._board.over("label_limit")
            return True
        self._board.tell(
            "label_limit",
            message(
                "{count} {count:image is|images are} to be labelled today; no more are chosen.",
                count=most,
            ),
        )
        return False

    def _write_status(self, state: Literal["watching", "folder_gone", "ended"]) -> None:
        """Tell other processes what is done here, where that has changed."""
        known = self._status
        if (known.state, known.waiting) == (state, self.waiting):
            return
        since = known.since if known.state == state else time.time()
        self._status = WatchStatus(state=state, waiting=self.waiting, since=since)
        with contextlib.suppress(OSError, sqlite3.Error):  # a result that finds no room says so
            self._log.write_status(self._status)


def _lock(out: Path) -> FileLock:
    lock = FileLock(out / _LOCK, thread_local=False)
    try:
        lock.acquire(timeout=_LOCK_WAIT_S)
    except Timeout as error:
        raise InputError(
            "Another watcher works on {out}; end it, or choose another --out.", out=out
        ) from error
    except OSError as error:
        raise storage_problem(error) or error from error
    return lock
