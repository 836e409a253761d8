"""Requests that wait are computed together: one thread computes, what waits is bounded."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class QueueFullError(Exception):
    """As many items wait as may."""


class ClosedError(Exception):
    """Nothing is taken any more."""


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    key: Hashable
    future: Future[Result] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


class Batcher(Generic[Item, Result]):
    """A bounded queue, and a thread that computes what waits in it in batches of one key.

    The oldest item is always in the next batch, so none waits for ever. A batch that fails is
    computed again one by one: an item that cannot be computed fails alone.

    Args:
        compute: items of one key → their results, in order.
        key: what must be equal for items to be computed together.
        most: how many items like this one make the largest batch.
        capacity: how many items may wait.
        wait_seconds: how long an item waits for others that were announced (``on_the_way``).
        on_batch: told the size and the seconds of each batch.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        key: Callable[[Item], Hashable],
        most: Callable[[Item], int],
        capacity: int,
        wait_seconds: float,
        on_batch: Callable[[int, float], None] = lambda size, seconds: None,
    ) -> None:
        self._compute = compute
        self._key = key
        self._most = most
        self._capacity = capacity
        self._wait_seconds = wait_seconds
        self._on_batch = on_batch
        self._waiting: list[_Waiting[Item, Result]] = []
        self._announced = 0
        self._is_closed = False
        self._busy_since: float | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="compute", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    @property
    def is_alive(self) -> bool:
        """Whether items are taken and computed."""
        return self._thread.is_alive() and not self._is_closed

    @property
    def busy_seconds(self) -> float:
        """How long the present batch has been computed; 0 between batches."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    @contextlib.contextmanager
    def on_the_way(self) -> Iterator[None]:
        """Announce an item: those that wait give it the time to be in their batch."""
        with self._changed:
            self._announced += 1
        try:
            yield
        finally:
            with self._changed:
                self._announced -= 1
                self._changed.notify()

    def submit(self, item: Item) -> Future[Result]:
        """Let an item wait for its turn; a cancelled future gives its place up.

        Raises:
            QueueFullError: too many wait.
            ClosedError: ``close`` was called.
        """
        waiting: _Waiting[Item, Result] = _Waiting(item, self._key(item))
        with self._changed:
            if self._is_closed:
                raise ClosedError
            if len(self._waiting) >= self._capacity:
                self._waiting = [one for one in self._waiting if not one.future.cancelled()]
            if len(self._waiting) >= self._capacity:
                raise QueueFullError
            self._waiting.append(waiting)
            self._changed.notify()
        return waiting.future

    def close(self) -> None:
        """Take nothing more, compute what waits, and end the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            if not batch:
                continue
            self._busy_since = started = time.monotonic()
            self._answer(batch)
            self._busy_since = None
            self._on_batch(len(batch), time.monotonic() - started)

    def _next_batch(self) -> list[_Waiting[Item, Result]] | None:
        """Wait for items; None once closed and empty, an empty list if all were given up."""
        with self._changed:
            while not self._waiting:
                if self._is_closed:
                    return None
                self._changed.wait()
            first = self._waiting[0]
            most = max(1, self._most(first.item))
            while (
                sum(one.key == first.key for one in self._waiting) < most
                and self._announced
                and not self._is_closed
                and (left := first.since + self._wait_seconds - time.monotonic()) > 0
            ):
                self._changed.wait(left)
            batch = [one for one in self._waiting if one.key == first.key][:most]
            taken = {id(one) for one in batch}
            self._waiting = [one for one in self._waiting if id(one) not in taken]
        return [one for one in batch if one.future.set_running_or_notify_cancel()]

    def _answer(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results = self._compute([one.item for one in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"{len(batch)} items gave {len(results)} results")
        except Exception as error:
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            for one in batch:
                self._answer([one])
            return
        for one, result in zip(batch, results, strict=True):
            one.future.set_result(result)
