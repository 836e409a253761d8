"""Timers that let many requests become one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, SignalInstance


def single_shot(
    owner: QObject, interval_ms: int, then: Callable[[], object] | SignalInstance
) -> QTimer:
    """Return a timer that calls ``then`` once, ``interval_ms`` after ``start``.

    Starting it anew delays the call; starting it only while it is not active calls at most once
    in each interval. It belongs to ``owner``: without a parent the garbage collector could destroy
    it while it runs, in another thread, which crashes Qt.
    """
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(then)
    return timer
