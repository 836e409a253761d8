"""Start, watch and stop a worker process."""

from __future__ import annotations

import atexit
import collections
import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import weakref
from multiprocessing.context import SpawnProcess
from pathlib import Path

import psutil

from core.jobs.event_stream import EventReader
from core.jobs.failures import oom_kill_count, worker_died
from core.jobs.worker import run_worker
from core.runs.event_log import EventWriter
from core.runs.events import TERMINAL, Cancelled, Event
from core.runs.run_folder import RunFolder
from core.system.child_processes import PipeEnd, interrupt_blocked
from core.system.errors import InputError

_LIVE: weakref.WeakSet[JobProcess] = weakref.WeakSet()


class JobProcess:
    """One job in a process of its own.

    ``poll`` must be called regularly (by one thread at a time): it delivers the events and drives
    the stop ladder. All other methods may be called from any thread. A run folder that holds an
    unfinished run is continued from its last checkpoint.

    Args:
        run_dir: a run folder made by ``RunFolder.create``.
        stop_timeout_s: how long a stop may take to reach a step boundary before the worker is
            terminated.
        terminate_timeout_s: how long after that its whole process group is killed.
    """

    def __init__(
        self,
        run_dir: str | Path,
        *,
        stop_timeout_s: float = 30.0,
        terminate_timeout_s: float = 15.0,
    ) -> None:
        self.run = RunFolder(run_dir)
        self._stop_timeout_s = stop_timeout_s
        self._terminate_timeout_s = terminate_timeout_s
        self._process: SpawnProcess | None = None
        self._control: PipeEnd | None = None
        self._early_commands: list[str] = []
        self._reader: EventReader | None = None
        # Reentrant: a signal handler may stop or kill while this thread is inside one.
        self._control_lock = threading.RLock()
        self._process_lock = threading.RLock()
        self._poll_lock = threading.Lock()
        self._ready: collections.deque[Event] = collections.deque()
        self._oom_kills = 0
        self._stopped_at: float | None = None
        self._closing = False
        self._ended_at: float | None = None
        self._terminated = False
        self._outcome: Event | None = None
        self._closed = False

    def start(self) -> None:
        """Start the worker; raises ``InputError`` if the run is bad or already being worked on."""
        if self._process is not None:
            raise RuntimeError("a JobProcess starts once")
        _ = self.run.spec  # before a process is spent on it
        if self.run.is_running:
            raise InputError(
                "The run in {folder} is already being worked on.", folder=self.run.path
            )
        self._oom_kills = oom_kill_count()
        context = multiprocessing.get_context("spawn")
        control_reader, control = context.Pipe(duplex=False)
        events_reader, events_writer = context.Pipe(duplex=False)
        self._reader = EventReader(self.run, events_reader)
        # Not a daemon: those may have no children, and the data loader needs some.
        self._process = context.Process(
            target=run_worker,
            args=(str(self.run.path), control_reader, events_writer),
            name=f"job {self.run.path.name}",
            daemon=False,
        )
        _LIVE.add(self)
        with interrupt_blocked():
            self._process.start()
        control_reader.close()
        events_writer.close()
        with self._control_lock:
            self._control = control
            for command in self._early_commands:
                self._command(command)

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._process.pid if self._process else None

    @property
    def is_alive(self) -> bool:
        """Whether the process runs (it may have delivered its last event already)."""
        with self._process_lock:
            return self._process is not None and self._process.is_alive()

    @property
    def is_finished(self) -> bool:
        """Whether the process has ended and every event was delivered."""
        return self._closed and not self._ready

    @property
    def exitcode(self) -> int | None:
        """None while it runs; ``-N`` if signal N ended it."""
        with self._process_lock:
            return self._process.exitcode if self._process else None

    @property
    def outcome(self) -> Event | None:
        """``Done``, ``Cancelled`` or ``Failed`` once known; never None when finished."""
        return self._outcome

    def pause(self) -> None:
        """Wait at the next step boundary; memory stays taken."""
        self._command("pause")

    def resume(self) -> None:
        """Go on after ``pause``."""
        self._command("resume")

    def request_preview(self) -> None:
        """Have the previews redrawn soon."""
        self._command("preview")

    def stop(self, *, closing: bool = False) -> None:
        """Ask for the end at the next step boundary; ``poll`` enforces it when that takes long.

        With ``closing`` nobody wanted this run to end: it counts as interrupted.
        """
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            self._closing = closing
            self._command("close" if closing else "stop")

    def kill(self) -> None:
        """End the worker and all its children at once."""
        process = self._process
        if process is None or process.pid is None:
            return
        with self._process_lock:
            if not process.is_alive():
                return
            _kill_tree(process.pid)

    def poll(self, timeout_s: float = 0.1) -> Event | None:
        """Return the next event, or None if none came within ``timeout_s``.

        When the worker has ended, the last event returned is always terminal: where the worker
        could not write one, this does.
        """
        with self._poll_lock:
            if not self._ready and not self._closed:
                self._receive(timeout_s)
                self._climb_ladder()
                if not self.is_alive:
                    self._conclude()
            return self._ready.popleft() if self._ready else None

    def wait(self) -> Event:
        """Poll until finished, dropping events; returns the outcome."""
        while not self.is_finished:
            self.poll(0.1)
        if self._outcome is None:
            raise RuntimeError("the job was not started")
        return self._outcome

    def _command(self, name: str) -> None:
        with self._control_lock:
            if self._control is None:
                self._early_commands.append(name)  # for ``start``; without effect after the end
                return
            with contextlib.suppress(OSError):  # it has just ended
                self._control.send_bytes(json.dumps({"command": name}).encode())

    def _receive(self, timeout_s: float) -> None:
        if self._reader is None:
            raise RuntimeError("the job was not started")
        try:
            self._deliver(self._reader.receive(timeout_s))
        except EOFError:
            time.sleep(min(timeout_s, 0.05))  # it closed its end and is about to exit

    def _deliver(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, TERMINAL):
                self._outcome = event
                self._ended_at = time.monotonic()
        self._ready.extend(events)

    def _climb_ladder(self) -> None:
        # A worker that hangs after its last event climbs the same ladder.
        since = self._stopped_at if self._stopped_at is not None else self._ended_at
        if since is None or self._process is None:
            return
        waited = time.monotonic() - since
        if waited > self._stop_timeout_s + self._terminate_timeout_s:
            self.kill()
        elif waited > self._stop_timeout_s and not self._terminated:
            self._terminated = True
            with self._process_lock:
                if self._process.is_alive():
                    self._process.terminate()

    def _conclude(self) -> None:
        """The process is gone: take what it left, make sure there is an end, clean up."""
        if self._process is None or self._reader is None:
            return
        if self._process.pid is not None:
            _kill_group(self._process.pid)  # children that outlived it
        self._deliver(self._reader.receive_rest())
        if self._outcome is None:
            outcome = self._judge()
            self._deliver([outcome])
            self._write(outcome)
        elif self._reader.unwritten is self._outcome:
            self._write(self._outcome)
        self._let_go()
        self._reader.close()
        self._closed = True

    def _judge(self) -> Event:
        if self._stopped_at is not None:
            return Cancelled("window_closed" if self._closing else "user")
        exitcode = self.exitcode
        return worker_died(
            0 if exitcode is None else exitcode,
            self.run,
            spec=self.run.spec,
            oom_kills=oom_kill_count() - self._oom_kills,
        )

    def _write(self, outcome: Event) -> None:
        if self.run.is_running:  # another worker's run: its log is not ours
            return
        with contextlib.suppress(OSError):  # still full: the run will count as interrupted
            writer = EventWriter(self.run.events_path)
            writer.append(outcome)
            writer.close()

    def _let_go(self) -> None:
        """Close the control pipe, which tells the worker to stop by itself."""
        with self._control_lock:
            if self._control is not None:
                self._control.close()
                self._control = None


@atexit.register
def _let_all_go() -> None:
    # Runs before multiprocessing waits for its children, or the program would never end.
    for process in list(_LIVE):
        process._let_go()


def _kill_tree(pid: int) -> None:
    with contextlib.suppress(psutil.Error):
        worker = psutil.Process(pid)
        children = worker.children(recursive=True)
        for process in (worker, *children):
            with contextlib.suppress(psutil.Error):
                process.kill()


def _kill_group(pid: int) -> None:
    """Kill what is left in the group that the worker led."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
