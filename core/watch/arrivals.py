"""Which images have arrived and wait, and which of them are whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from natsort import natsort_keygen

from core.watch.folder_scan import Stamp

_LONGEST_PAUSE_S = 5.0
_natural_key = natsort_keygen()


@dataclass(slots=True)
class Arrival:
    """An image that waits.

    Attributes:
        path: below the watched folder.
        stamp: as last seen.
        since: when it was first seen with this stamp, by the monotonic clock.
        arrived: when it was first seen, seconds since the epoch.
        attempts: how often it was tried by programs that ended meanwhile.
        failures: how often it could not be read since it changed last.
        not_before: when to try next, by the monotonic clock.
        order: place in the queue.
    """

    path: str
    stamp: Stamp
    since: float
    arrived: float
    attempts: int
    order: int
    failures: int = 0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the log knows of an image that lies in the folder.

    Attributes:
        stamp: with which it was looked at last.
        is_done: whether it is judged, or known to be broken.
        arrived: when it was first seen.
        attempts: how often it was begun.
    """

    stamp: Stamp
    is_done: bool
    arrived: float
    attempts: int


class Arrivals:
    """The images of the folder: done ones, and those that wait. Times are monotonic.

    Args:
        settle_s: how long a file must stay as it is before it is read.
        look_up: asked once for each image: what the log knows of it, None for a new one.
    """

    def __init__(self, settle_s: float, look_up: Callable[[str], Earlier | None]) -> None:
        self._settle_s = settle_s
        self._look_up = look_up
        self._waiting: dict[str, Arrival] = {}
        self._done: dict[str, Stamp] = {}
        self._ready: deque[Arrival] = deque()
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, path: str) -> bool:
        return path in self._waiting or path in self._done

    @property
    def is_folder_empty(self) -> bool:
        """Whether no image lies in the folder."""
        return not self._waiting and not self._done

    def update(self, listing: Mapping[str, Stamp], *, now: float, clock: float) -> None:
        """Take note of what lies in the folder.

        Args:
            listing: all of it; what is missing is gone, and forgotten.
            now: monotonic seconds.
            clock: seconds since the epoch.
        """
        self._done = {path: stamp for path, stamp in self._done.items() if path in listing}
        for path in [path for path in self._waiting if path not in listing]:
            del self._waiting[path]
        fresh = [path for path, stamp in listing.items() if self._done.get(path) != stamp]
        new = [path for path in fresh if path not in self._waiting]
        for path in sorted(new, key=_natural_key):
            self._arrive(path, listing[path], now=now, clock=clock)
        for path in fresh:
            waiting = self._waiting.get(path)
            if waiting is not None and waiting.stamp != listing[path]:
                self.change(waiting, listing[path], now=now)
        ready = [one for one in self._waiting.values() if self._is_ready(one, now)]
        # What a program ended at more than once may be the reason: everything else goes first.
        self._ready = deque(sorted(ready, key=lambda one: (max(0, one.attempts - 1), one.order)))

    def _arrive(self, path: str, stamp: Stamp, *, now: float, clock: float) -> None:
        earlier = self._look_up(path)
        if earlier is not None and earlier.is_done and earlier.stamp == stamp:
            self._done[path] = stamp
            return
        goes_on = earlier is not None and not earlier.is_done
        self._count += 1
        self._done.pop(path, None)
        self._waiting[path] = Arrival(
            path,
            stamp,
            since=now,
            arrived=earlier.arrived if earlier is not None and goes_on else clock,
            attempts=earlier.attempts if earlier is not None and goes_on else 0,
            order=self._count,
        )

    def next_ready(self) -> Arrival | None:
        """Take the next image that can be read, as of the last ``update``; it goes on waiting."""
        while self._ready:
            arrival = self._ready.popleft()
            if self._waiting.get(arrival.path) is arrival:
                return arrival
        return None

    def change(self, arrival: Arrival, stamp: Stamp, *, now: float) -> None:
        """A file has changed: its time begins anew."""
        arrival.stamp, arrival.since = stamp, now
        arrival.failures, arrival.not_before = 0, 0.0

    def postpone(self, arrival: Arrival, *, now: float) -> None:
        """A file could not be read: try again, later each time."""
        arrival.failures += 1
        arrival.not_before = now + min(_LONGEST_PAUSE_S, 0.25 * 2**arrival.failures)

    def finish(self, arrival: Arrival) -> None:
        """An image is judged, or known to be broken, until it changes."""
        self._waiting.pop(arrival.path, None)
        self._done[arrival.path] = arrival.stamp

    def forget(self, arrival: Arrival) -> None:
        """An image is gone."""
        self._waiting.pop(arrival.path, None)

    def _is_ready(self, arrival: Arrival, now: float) -> bool:
        return now - arrival.since >= self._settle_s and now >= arrival.not_before
