"""Work off the UI thread: functions in a thread pool whose results arrive as ordinary calls."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot

from core.system.messages import Message

_log = logging.getLogger(__name__)


class TaskCancelled(Exception):  # noqa: N818 - a request, not an error
    """Raised by ``Progress.check`` inside a function whose result nobody wants any more."""


class Progress:
    """Given to the function: reports how far it is, and asks whether to go on."""

    def __init__(self, report: Callable[[float, Message | None], None]) -> None:
        self._report = report
        self._cancelled = threading.Event()

    def check(self) -> None:
        """Raise ``TaskCancelled`` if the task was cancelled."""
        if self._cancelled.is_set():
            raise TaskCancelled

    def report(self, fraction: float, text: Message | None = None) -> None:
        """``fraction`` (0 … 1; negative: unknown) is done; also checks for cancellation."""
        self.check()
        self._report(fraction, text)

    @property
    def cancelled(self) -> bool:
        """Whether the result is still wanted."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the function to end."""
        self._cancelled.set()


@dataclass(eq=False, slots=True)
class Task:
    """One running function; ``cancel`` also keeps its result from being delivered."""

    progress: Progress
    on_done: Callable[[Any], None]
    on_failed: Callable[[Exception], None]
    on_progress: Callable[[float, Message | None], None] | None = None
    key: str = ""
    done: bool = field(default=False)

    def cancel(self) -> None:
        """End the function at its next check and drop what it returns."""
        self.progress.cancel()


class BackgroundTasks(QObject):
    """A small thread pool of one owner.

    Callbacks run on the owner's thread. ``shut_down`` must be called before the owner goes away.
    """

    became_idle = Signal()
    _told = Signal(object, str, object)

    def __init__(self, parent: QObject | None = None, *, max_threads: int = 1) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(max_threads)
        self._tasks: set[Task] = set()
        self._closed = False
        self._told.connect(self._on_told)

    def start(
        self,
        function: Callable[[Progress], Any],
        *,
        on_done: Callable[[Any], None],
        on_failed: Callable[[Exception], None],
        on_progress: Callable[[float, Message | None], None] | None = None,
        key: str = "",
    ) -> Task:
        """Run ``function(progress)`` in the pool.

        A ``key`` other than "" cancels the older task with the same key: its result is stale.
        After ``shut_down`` nothing is run any more and no callback is called.
        """
        if key:
            self.cancel(key)
        task = Task(
            Progress(lambda fraction, text: self._told.emit(task, "progress", (fraction, text))),
            on_done,
            on_failed,
            on_progress,
            key,
        )
        if self._closed:
            task.cancel()
            return task
        self._tasks.add(task)
        self._pool.start(_Runnable(function, task, self._told.emit))
        return task

    def cancel(self, key: str) -> None:
        """Cancel the tasks with ``key``."""
        for task in self._tasks:
            if task.key == key:
                task.cancel()

    def cancel_all(self) -> None:
        """Cancel everything; functions end at their next check."""
        for task in self._tasks:
            task.cancel()

    @property
    def busy(self) -> bool:
        """Whether a function runs or waits."""
        return bool(self._tasks)

    def shut_down(self) -> None:
        """Cancel everything for good and wait for the threads to end."""
        self._closed = True
        self.cancel_and_wait()

    def cancel_and_wait(self) -> None:
        """Cancel everything and wait for the threads to end; new work may follow."""
        self.cancel_all()
        self._pool.clear()
        self._pool.waitForDone()
        self._tasks.clear()

    @Slot(object, str, object)
    def _on_told(self, task: Task, what: str, value: Any) -> None:
        if what == "progress":
            if task.on_progress is not None and not task.progress.cancelled and not task.done:
                task.on_progress(*value)
            return
        self._tasks.discard(task)
        task.done = True
        if not task.progress.cancelled:
            if what == "done":
                task.on_done(value)
            elif what == "failed":
                task.on_failed(value)
        if not self._tasks:
            self.became_idle.emit()


class _Runnable(QRunnable):
    def __init__(
        self,
        function: Callable[[Progress], Any],
        task: Task,
        tell: Callable[[Task, str, Any], None],
    ) -> None:
        super().__init__()
        self._function = function
        self._task = task
        self._tell = tell

    def run(self) -> None:
        """Runs in the pool's thread."""
        try:
            self._task.progress.check()
            result = self._function(self._task.progress)
        except TaskCancelled:
            self._tell(self._task, "cancelled", None)
        except Exception as error:
            _log.debug("background task failed", exc_info=True)
            self._tell(self._task, "failed", error)
        else:
            self._tell(self._task, "done", result)
