"""Work off the UI thread: delivered on it, cancelled and superseded."""

from __future__ import annotations

import threading

import pytest

from app.services.background import BackgroundTasks
from core.system.messages import message


@pytest.fixture
def tasks(qapp):
    made = BackgroundTasks(max_threads=2)
    yield made
    made.shut_down()


def test_results_progress_and_errors_arrive_on_this_thread(tasks, qtbot):
    here = threading.current_thread()
    got, shown, failed = [], [], []

    def work(progress):
        assert threading.current_thread() is not here
        progress.report(0.5, message("half"))
        return 42

    def fail(_progress):
        raise OSError("no disk")

    tasks.start(
        work,
        on_done=lambda value: got.append((value, threading.current_thread())),
        on_failed=failed.append,
        on_progress=lambda fraction, text: shown.append((fraction, str(text))),
    )
    tasks.start(fail, on_done=got.append, on_failed=failed.append)
    qtbot.waitUntil(lambda: not tasks.busy)
    assert got == [(42, here)]
    assert shown == [(0.5, "half")]
    assert [str(error) for error in failed] == ["no disk"]


def test_a_newer_task_with_the_same_key_supersedes_the_older(tasks, qtbot):
    gate = threading.Event()
    got, failed = [], []

    def old(progress):
        gate.wait(5)
        progress.check()
        return "old"

    tasks.start(old, on_done=got.append, on_failed=failed.append, key="image")
    tasks.start(lambda _p: "new", on_done=got.append, on_failed=failed.append, key="image")
    gate.set()
    qtbot.waitUntil(lambda: not tasks.busy)
    assert got == ["new"]
    assert not failed


def test_shut_down_waits_and_delivers_nothing(tasks, qtbot):
    ended, got = [], []
    started = threading.Event()

    def work(progress):
        started.set()
        while not progress.cancelled:
            pass
        ended.append(True)
        return 1

    tasks.start(work, on_done=got.append, on_failed=got.append)
    assert started.wait(5)
    tasks.shut_down()
    assert ended == [True]
    qtbot.wait(20)
    assert not got
