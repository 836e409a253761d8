"""Bytes that requests hold together: what would be too much is refused, not swapped."""

from __future__ import annotations

import threading

from core.serve.refusals import Refusal
from core.system.messages import message


class MemoryBudget:
    """Counts the bytes that all requests hold.

    Args:
        total: bytes that they may hold together.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._held = 0
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes that are held."""
        return self._held

    def take(self, count: int) -> None:
        """Hold more bytes.

        Raises:
            Refusal: there is no room (503).
        """
        with self._lock:
            if self._held + count > self._total:
                raise Refusal(
                    503,
                    message("The service has too many images in its memory; try again soon."),
                    headers={"Retry-After": "1"},
                )
            self._held += count

    def give_back(self, count: int) -> None:
        """Hold fewer bytes."""
        with self._lock:
            self._held -= count


class Held:
    """What one request holds, given back at the end of the ``with`` block."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._count = 0

    def __enter__(self) -> Held:
        """Begin with nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give everything back."""
        self._budget.give_back(self._count)
        self._count = 0

    def add(self, count: int) -> None:
        """Hold more bytes; raises ``Refusal`` where there is no room."""
        self._budget.take(count)
        self._count += count
