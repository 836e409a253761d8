"""Both ends of the pipe that events go through.

On it go JSON objects ``{"start": …, "end": …, "line": …}``: an event and the bytes of
``events.jsonl`` that hold it and what could not be written before it (null: not written).
"""

from __future__ import annotations

import collections
import json
import threading
import time

from core.runs.event_log import EventWriter
from core.runs.events import TERMINAL, Event, from_json, to_json
from core.runs.run_folder import RunFolder
from core.system.child_processes import PipeEnd

_FLUSH_S = 5.0
_QUEUE_LINES = 2000
_BATCH = 1000


class EventStream:
    """Appends every event to the run's file, then sends it without ever holding up the job.

    If the parent reads too slowly, events that stand in the file are not sent; the parent sees the
    gap and reads them there.
    """

    def __init__(self, writer: EventWriter, pipe: PipeEnd) -> None:
        self._writer = writer
        self._pipe = pipe
        self._queue: collections.deque[tuple[bool, bytes]] = collections.deque()
        self._changed = threading.Condition()
        self._order = threading.Lock()
        self._finished = False
        self._idle = True
        self._thread = threading.Thread(target=self._send, name="events", daemon=True)
        self._thread.start()

    def emit(self, event: Event) -> None:
        """Write and send one event; after the last one they are ignored."""
        with self._order:  # the pipe's order must be the file's
            if self._finished:
                return
            self._finished = isinstance(event, TERMINAL)
            place = self._writer.append(event)
            offsets = (place.start, place.end) if place else None
            with self._changed:
                if len(self._queue) >= _QUEUE_LINES:
                    self._queue = collections.deque(e for e in self._queue if not e[0])
                self._queue.append((place is not None, envelope(offsets, to_json(event))))
                self._changed.notify_all()

    def finish(self, last: Event) -> None:
        """Send the last event, give the parent a moment to take everything, close the file."""
        self.emit(last)
        end = time.monotonic() + _FLUSH_S
        with self._changed:
            while (self._queue or not self._idle) and time.monotonic() < end:
                self._changed.wait(0.1)
        self._writer.close()

    def _send(self) -> None:
        while True:
            with self._changed:
                self._idle = True
                self._changed.notify_all()
                while not self._queue:
                    self._changed.wait()
                _, data = self._queue.popleft()
                self._idle = False
            try:
                self._pipe.send_bytes(data)
            except OSError:  # the parent is gone; the file goes on
                return


def envelope(offsets: tuple[int, int] | None, line: str) -> bytes:
    """One message of the pipe."""
    start, end = offsets or (None, None)
    return json.dumps({"start": start, "end": end, "line": line}).encode()


class EventReader:
    """The parent's end: every event once and in order, from the pipe or, over gaps, the file.

    Attributes:
        unwritten: the newest event that could not be written to the file, or None.
    """

    def __init__(self, run: RunFolder, pipe: PipeEnd) -> None:
        self._run = run
        self._pipe = pipe
        self._offset = run.end_offset()
        self.unwritten: Event | None = None

    def receive(self, timeout_s: float) -> list[Event]:
        """Wait up to ``timeout_s`` for events, then return those that are there.

        Raises:
            EOFError: the other end is closed; ``receive_rest`` gets what is left.
        """
        events: list[Event] = []
        try:
            while len(events) < _BATCH and self._pipe.poll(0.0 if events else timeout_s):
                events += self._open(self._pipe.recv_bytes())
        except (EOFError, OSError) as error:
            if not events:
                raise EOFError from error
        return events

    def receive_rest(self) -> list[Event]:
        """Everything that is left once the worker has ended."""
        events: list[Event] = []
        try:
            while more := self.receive(0.0):
                events += more
        except EOFError:
            pass
        return events + self._read_file(until=None)

    def close(self) -> None:
        """Close the pipe."""
        self._pipe.close()

    def _open(self, data: bytes) -> list[Event]:
        message = json.loads(data)
        start, end, event = message["start"], message["end"], from_json(message["line"])
        if start is None:
            self.unwritten = event
            return [event]
        if end <= self._offset:  # already read from the file
            return []
        missed = self._read_file(until=start)
        self._offset = end
        self.unwritten = None
        return [*missed, event]

    def _read_file(self, *, until: int | None) -> list[Event]:
        events: list[Event] = []
        if until is not None and until <= self._offset:
            return events
        for end, event in self._run.events(self._offset):
            if until is not None and end > until:
                break
            self._offset = end
            events.append(event)
        return events
