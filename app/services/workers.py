"""The window's side of jobs: one QThread per job, each owning one worker process.

Training never happens in these threads: it would share the interpreter lock with the window and
could not be killed. A thread only waits for its process and turns events into signals.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal, Slot

from core.jobs.failures import classify
from core.jobs.process import JobProcess
from core.runs.event_log import EventWriter
from core.runs.events import Cancelled, Event, Failed, Heartbeat, MaskPreview, Paused, Progress
from core.runs.kind_lookup import job_kind
from core.runs.run_folder import FINAL_STATES, RunFolder, final_state
from core.system.errors import InputError

_LOG = logging.getLogger(__name__)
_EMIT_INTERVAL_S = 0.05
_WATCH_INTERVAL_MS = 200
_KILL_WAIT_S = 10.0


class JobThread(QThread):
    """Runs one job to its end.

    Args:
        run_id: handed back with every signal.
        process: not started yet; its poll belongs to this thread from now on.
    """

    events_received = Signal(str, object)
    """(run_id, list of events): at most 20 times a second; superseded progress, heartbeats and
    previews are left out, metrics never."""
    finished_with = Signal(str, object)
    """(run_id, Done | Cancelled | Failed): emitted once, last."""

    def __init__(self, run_id: str, process: JobProcess, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"job {run_id}")
        self.run_id = run_id
        self.process = process

    def run(self) -> None:
        """The thread's body; see ``QThread``."""
        try:
            self.process.start()
            outcome = self._supervise()
        except Exception as error:
            if not isinstance(error, InputError):
                _LOG.exception("supervising %s failed", self.run_id)
            self.process.kill()
            outcome = classify(error, spec=None, run_dir=self.process.run.path)
            self.events_received.emit(self.run_id, [outcome])
        self.finished_with.emit(self.run_id, outcome)

    def _supervise(self) -> Event:
        batch: list[Event] = []
        emitted_at = 0.0
        while not self.process.is_finished:
            event = self.process.poll(_EMIT_INTERVAL_S)
            if event is not None:
                batch.append(event)
            if batch and time.monotonic() - emitted_at >= _EMIT_INTERVAL_S:
                self.events_received.emit(self.run_id, without_superseded(batch))
                batch, emitted_at = [], time.monotonic()
        if batch:
            self.events_received.emit(self.run_id, without_superseded(batch))
        return self.process.wait()


class WatchThread(QThread):
    """Follows a run that another process works on, until that ends; reads only.

    Args:
        run_id: handed back with every signal.
        run_dir: the run folder.
        start: byte offset in ``events.jsonl`` to begin at.
    """

    events_received = Signal(str, object)
    """(run_id, list of events)."""
    state_changed = Signal(str, str)
    """(run_id, state)."""

    def __init__(
        self, run_id: str, run_dir: Path, *, start: int, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(f"watch {run_id}")
        self.run_id = run_id
        self._run = RunFolder(run_dir)
        self._offset = start

    def run(self) -> None:
        """The thread's body; see ``QThread``."""
        state = ""
        while not self.isInterruptionRequested():
            newest = self._run.state  # before reading, so that nothing behind the end is missed
            batch: list[Event] = []
            for end, event in self._run.events(self._offset):
                self._offset = end
                batch.append(event)
            if batch:
                self.events_received.emit(self.run_id, without_superseded(batch))
            if newest != state:
                state = newest
                self.state_changed.emit(self.run_id, state)
            if state in FINAL_STATES:
                return
            self.msleep(_WATCH_INTERVAL_MS)


class JobController(QObject):
    """Runs jobs one after the other, in the order they were started.

    Jobs of every kind stand in one queue: two would only take each other's cores and memory. Those
    that wait for nobody's turn, as their kind says, run beside the others.
    All methods are for the thread this object lives in, and return at once but ``shutdown``.
    """

    job_event = Signal(str, object)
    """(run_id, Event): every event of every job, those superseded within 50 ms left out."""
    job_events = Signal(str, object)
    """(run_id, list of Event): the same in batches, emitted just before their ``job_event``."""
    run_state_changed = Signal(str, str)
    """(run_id, state), states as in ``RunFolder.state``."""
    active_changed = Signal()
    """``running`` or ``queued`` changed."""
    stop_asked = Signal(str)
    """(run_id): a running job was asked to end, which it does at its next step boundary."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: deque[tuple[str, Path]] = deque()
        self._threads: dict[str, JobThread] = {}
        self._beside: set[str] = set()
        self._stopping: set[str] = set()
        self._watchers: dict[str, WatchThread] = {}
        self._shut_down = False
        self._is_held = False

    @property
    def running(self) -> list[str]:
        """Ids of the runs whose process is at work (or paused), those beside the queue last."""
        return sorted(self._threads, key=self._beside.__contains__)

    @property
    def queued(self) -> list[str]:
        """Ids of the runs that wait for their turn, in their order."""
        return [run_id for run_id, _ in self._queue]

    @property
    def is_busy(self) -> bool:
        """Whether a job that is started now has to wait for its turn."""
        return bool(self._queue) or self._is_held or bool(self._threads.keys() - self._beside)

    @property
    def watched(self) -> list[str]:
        """Ids of the runs that another process works on."""
        return list(self._watchers)

    def start(self, run_id: str, run_dir: str | Path, *, first: bool = False) -> None:
        """Queue the job in ``run_dir``; an interrupted one goes on from its last checkpoint.

        Args:
            run_id: its id.
            run_dir: its run folder.
            first: let it be the next one.

        Raises:
            InputError: the folder holds no run.
            ValueError: this run is running or queued already.
        """
        if self._shut_down or run_id in self._threads or run_id in self.queued:
            raise ValueError(f"run {run_id} cannot be started now")
        if not job_kind(RunFolder(run_dir).spec).waits_turn:
            self._beside.add(run_id)
        if first:
            self._queue.appendleft((run_id, Path(run_dir)))
        else:
            self._queue.append((run_id, Path(run_dir)))
        self.run_state_changed.emit(run_id, "queued")
        self._start_next()
        self.active_changed.emit()

    def move(self, run_id: str, places: int) -> None:
        """Let a waiting job begin so many places later (negative: earlier)."""
        ids = self.queued
        if run_id not in ids:
            return
        place = ids.index(run_id)
        entry = self._queue[place]
        del self._queue[place]
        self._queue.insert(max(0, min(len(self._queue), place + places)), entry)
        self.active_changed.emit()

    def hold(self, held: bool) -> None:
        """Let no waiting job begin until this is called with False: a more urgent one may come."""
        self._is_held = held
        if not held:
            self._start_next()

    @Slot(str, result=bool)
    def pause(self, run_id: str) -> bool:
        """Let it wait at its next step boundary; False: not a job of this window."""
        if thread := self._threads.get(run_id):
            thread.process.pause()
        return thread is not None

    @Slot(str, result=bool)
    def resume(self, run_id: str) -> bool:
        """Go on after ``pause``; False: not a job of this window."""
        if thread := self._threads.get(run_id):
            thread.process.resume()
        return thread is not None

    @Slot(str, result=bool)
    def request_preview(self, run_id: str) -> bool:
        """Have the previews redrawn soon; False: not a job of this window."""
        if thread := self._threads.get(run_id):
            thread.process.request_preview()
        return thread is not None

    @Slot(str, result=bool)
    def stop(self, run_id: str) -> bool:
        """End it at its next step boundary, or take it out of the queue; False: not ours."""
        if thread := self._threads.get(run_id):
            thread.process.stop()
            self._stopping.add(run_id)
            self.stop_asked.emit(run_id)
            return True
        for entry in self._queue:
            if entry[0] == run_id:
                self._queue.remove(entry)
                self._note_cancelled(*entry)
                self.active_changed.emit()
                return True
        return False

    def is_stopping(self, run_id: str) -> bool:
        """Whether it was asked to end and has not ended yet."""
        return run_id in self._stopping

    def watch(self, run_id: str, run_dir: str | Path, *, start: int | None = None) -> None:
        """Follow a run that another process works on, with the same signals; reads only.

        Args:
            run_id: its id.
            run_dir: its folder.
            start: offset in ``events.jsonl`` to begin at; None for its present end.
        """
        if run_id in self._watchers or run_id in self._threads:
            return
        offset = RunFolder(run_dir).end_offset() if start is None else start
        watcher = WatchThread(run_id, Path(run_dir), start=offset, parent=self)
        watcher.events_received.connect(self._on_events_received)
        watcher.state_changed.connect(self._on_watched_state_changed)
        self._watchers[run_id] = watcher
        watcher.start()

    @Slot(str)
    def unwatch(self, run_id: str) -> None:
        """Stop following it."""
        if watcher := self._watchers.pop(run_id, None):
            watcher.requestInterruption()
            watcher.wait()
            watcher.deleteLater()

    def leave_all(self) -> None:
        """Ask every running job to stop, as interrupted; returns at once.

        Those that wait stay queued in their folders.
        """
        self._queue.clear()
        self._is_held = False
        for thread in self._threads.values():
            thread.process.stop(closing=True)
        self.active_changed.emit()

    def begin_shutdown(self) -> None:
        """As ``leave_all``, and start nothing any more."""
        self._shut_down = True
        self.leave_all()

    def shutdown(self, wait_s: float = 60.0) -> bool:
        """Stop everything and wait; no thread and no process is left afterwards.

        Queued runs stay queued in their folders. Blocks up to ``wait_s`` seconds for jobs to
        reach a step boundary and save, then kills.

        Returns:
            Whether every job ended by itself.
        """
        self.begin_shutdown()
        for run_id in self.watched:
            self.unwatch(run_id)
        in_order = True
        deadline = time.monotonic() + wait_s
        for thread in self._threads.values():
            if not thread.wait(max(0, int((deadline - time.monotonic()) * 1000))):
                in_order = False
                thread.process.kill()
                thread.wait(int(_KILL_WAIT_S * 1000))
        return in_order

    def _start_next(self) -> None:
        if self._shut_down:
            return
        for entry in [entry for entry in self._queue if entry[0] in self._beside]:
            self._queue.remove(entry)
            self._begin(*entry)
        if self._queue and not self._is_held and not self._threads.keys() - self._beside:
            self._begin(*self._queue.popleft())

    def _begin(self, run_id: str, run_dir: Path) -> None:
        self.unwatch(run_id)
        thread = JobThread(run_id, JobProcess(run_dir), parent=self)
        thread.events_received.connect(self._on_events_received)
        thread.finished_with.connect(self._on_finished_with)
        self._threads[run_id] = thread
        thread.start()
        self.run_state_changed.emit(run_id, "running")

    def _note_cancelled(self, run_id: str, run_dir: Path) -> None:
        note_cancelled(run_dir)
        self.run_state_changed.emit(run_id, "cancelled")

    @Slot(str, object)
    def _on_events_received(self, run_id: str, events: list[Event]) -> None:
        self.job_events.emit(run_id, events)
        for event in events:
            self.job_event.emit(run_id, event)
            if isinstance(event, Paused) and run_id in self._threads:
                self.run_state_changed.emit(run_id, "paused" if event.paused else "running")

    @Slot(str, object)
    def _on_finished_with(self, run_id: str, outcome: Event) -> None:
        thread = self._threads.pop(run_id)
        self._stopping.discard(run_id)
        self._beside.discard(run_id)
        thread.wait()
        thread.deleteLater()
        if isinstance(outcome, Failed):
            _LOG.warning("run %s: %s", run_id, outcome.message)
        self.run_state_changed.emit(run_id, final_state(outcome))  # somebody may hold the queue
        self._start_next()
        self.active_changed.emit()

    @Slot(str, str)
    def _on_watched_state_changed(self, run_id: str, state: str) -> None:
        if run_id not in self._watchers:
            return
        if state in FINAL_STATES:
            self.unwatch(run_id)
        self.run_state_changed.emit(run_id, state)


def note_cancelled(run_dir: Path) -> None:
    """Write into a run folder that the job was called off before it began."""
    writer = EventWriter(RunFolder(run_dir).events_path)
    writer.append(Cancelled("user"))
    writer.close()


def without_superseded(events: Iterable[Event]) -> list[Event]:
    """Drop what a later event of the same batch replaces: progress, heartbeats, previews."""
    kept: list[Event] = []
    seen: set[tuple[type[Event], int]] = set()
    for event in reversed(list(events)):
        if isinstance(event, (Progress, Heartbeat, MaskPreview)):
            key = (type(event), event.index if isinstance(event, MaskPreview) else 0)
            if key in seen:
                continue
            seen.add(key)
        kept.append(event)
    return kept[::-1]
