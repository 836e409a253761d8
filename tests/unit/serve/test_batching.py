"""What waits is computed together, in order, and nothing of it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.serve.batching import Batcher, ClosedError, QueueFullError


class Doubler:
    """Doubles numbers once it may; remembers its batches."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.has_begun = threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.has_begun.set()
        assert self.may_go_on.wait(20)
        self.batches.append(list(items))
        if any(item < 0 for item in items):
            raise ValueError("below zero")
        return [2 * item for item in items]


@pytest.fixture
def doubler():
    return Doubler()


@pytest.fixture
def batcher(doubler):
    made = Batcher(
        doubler, key=lambda item: item % 2, most=lambda item: 3, capacity=6, wait_seconds=0.5
    )
    yield made
    doubler.may_go_on.set()
    made.close()


def occupied(batcher: Batcher[int, int], doubler: Doubler) -> None:
    """Let the thread compute something, so that all else waits."""
    batcher.submit(100)
    assert doubler.has_begun.wait(20)


def test_what_waits_is_computed_in_batches_of_one_key(batcher, doubler):
    occupied(batcher, doubler)
    futures = [batcher.submit(item) for item in (2, 1, 4, 6, 8, 3)]
    assert len(batcher) == 6
    doubler.may_go_on.set()
    assert [future.result(20) for future in futures] == [4, 2, 8, 12, 16, 6]
    assert doubler.batches == [[100], [2, 4, 6], [1, 3], [8]]


def test_a_full_queue_refuses_until_places_are_given_up(batcher, doubler):
    occupied(batcher, doubler)
    futures = [batcher.submit(item) for item in range(6)]
    with pytest.raises(QueueFullError):
        batcher.submit(7)
    assert futures[3].cancel()
    last = batcher.submit(7)
    doubler.may_go_on.set()
    assert last.result(20) == 14
    assert 3 not in [item for batch in doubler.batches for item in batch]


def test_one_that_fails_fails_alone(batcher, doubler):
    occupied(batcher, doubler)
    futures = [batcher.submit(item) for item in (2, -4, 6)]
    doubler.may_go_on.set()
    assert futures[0].result(20) == 4
    with pytest.raises(ValueError, match="below zero"):
        futures[1].result(20)
    assert futures[2].result(20) == 12
    assert batcher.submit(5).result(20) == 10


def test_an_item_waits_for_those_on_the_way(batcher, doubler):
    doubler.may_go_on.set()
    with batcher.on_the_way():
        first = batcher.submit(2)
        time.sleep(0.05)
        assert not doubler.batches
        second = batcher.submit(4)
    assert (first.result(20), second.result(20)) == (4, 8)
    assert doubler.batches == [[2, 4]]


def test_without_others_on_the_way_it_does_not_wait(batcher, doubler):
    doubler.may_go_on.set()
    start = time.monotonic()
    assert batcher.submit(2).result(20) == 4
    assert time.monotonic() - start < 0.4


def test_closing_computes_what_waits_and_takes_no_more(batcher, doubler):
    occupied(batcher, doubler)
    futures = [batcher.submit(item) for item in range(6)]
    closing = threading.Thread(target=batcher.close)
    closing.start()
    while batcher.is_alive:
        time.sleep(0.01)
    with pytest.raises(ClosedError):
        batcher.submit(1)
    doubler.may_go_on.set()
    closing.join(20)
    assert [future.result(0) for future in futures] == [0, 2, 4, 6, 8, 10]


def test_it_says_how_long_it_is_busy(batcher, doubler):
    assert batcher.busy_seconds == 0
    occupied(batcher, doubler)
    time.sleep(0.05)
    assert batcher.busy_seconds >= 0.05


def test_many_threads_get_their_own_results():
    sizes = []
    batcher = Batcher(
        lambda items: [item * item for item in items],
        key=lambda item: item % 3,
        most=lambda item: 8,
        capacity=1000,
        wait_seconds=0.001,
        on_batch=lambda size, seconds: sizes.append(size),
    )
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda item: batcher.submit(item).result(20), range(600)))
    batcher.close()
    assert results == [item * item for item in range(600)]
    assert sum(sizes) == 600
