"""Cycles are collected in the window's thread and in no other."""

from __future__ import annotations

import gc
import threading

from app.shell.garbage import GarbageCollector


class _Cycle:
    """Notes in which thread it was destroyed."""

    def __init__(self, ends: list[int]) -> None:
        self.itself = self
        self._ends = ends

    def __del__(self) -> None:
        self._ends.append(threading.get_ident())


def test_cycles_end_in_the_thread_of_the_window(qapp, qtbot):
    ends: list[int] = []
    collector = GarbageCollector(qapp)
    collector.start()
    try:
        for _ in range(gc.get_threshold()[0] + 10):
            _Cycle(ends)
        thread = threading.Thread(target=lambda: [_Cycle(ends) for _ in range(5000)])
        thread.start()
        thread.join()
        assert ends == []
        qtbot.waitUntil(lambda: bool(ends))
    finally:
        collector.stop()
        collector.deleteLater()
    assert set(ends) == {threading.get_ident()}
