"""Trials in processes of their own: whatever they do, this process goes on."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time

import pytest

from core.system.probe_process import ProbeResult, run_probe
from core.system.reporting import StopRequested


def _abort():
    print("the last words", flush=True)
    os.abort()


def _fail():
    raise RuntimeError("no luck\ntoday")


def _hang():
    time.sleep(60)
    return ""


def _answer():
    return "42"


def test_answer():
    assert run_probe(_answer) == ProbeResult(True, "42")


def test_exception():
    assert run_probe(_fail).problem == "RuntimeError: no luck today"


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_crash():
    result = run_probe(_abort)
    assert not result.ok
    assert "SIGABRT" in result.problem
    assert "the last words" in result.problem


def test_hanging():
    result = run_probe(_hang, timeout_s=0.5)
    assert not result.ok
    assert "no answer" in result.problem
    assert not multiprocessing.active_children()


def test_one_that_nobody_waits_for_any_more_is_ended():
    start = time.monotonic()
    with pytest.raises(StopRequested):
        run_probe(_hang, stopped=lambda: True)
    assert time.monotonic() - start < 30
    assert not multiprocessing.active_children()
