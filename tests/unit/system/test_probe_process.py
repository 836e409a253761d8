"""Trials in processes of their own: what comes of them, whatever happens."""

from __future__ import annotations

import os
import sys
import time

import pytest

from core.system.probe_process import ProbeResult, run_probe


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


class TestProbe:
    def test_answer(self):
        assert run_probe(_answer) == ProbeResult(True, "42")

    def test_exception(self):
        assert run_probe(_fail).problem == "RuntimeError: no luck today"

    @pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
    def test_crash(self):
        result = run_probe(_abort)
        assert not result.ok
        assert "SIGABRT" in result.problem
        assert "the last words" in result.problem

    def test_hanging(self):
        result = run_probe(_hang, timeout_s=0.5)
        assert not result.ok
        assert "no answer" in result.problem

    def test_ended_from_outside(self):
        began = time.monotonic()
        looks = []

        def check():
            looks.append(1)
            if len(looks) > 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_probe(_hang, check=check)
        assert time.monotonic() - began < 30
