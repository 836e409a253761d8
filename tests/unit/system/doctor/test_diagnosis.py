"""The doctor as a whole: nothing that it tries can take it down, or the rest with it."""

from __future__ import annotations

import sys
import threading
import time
import types

import pytest

from core.system.doctor import diagnosis, engine, machine, places, probes, window
from core.system.doctor.check import Check
from core.system.messages import message
from core.system.probe_process import ProbeResult


def _fails(*_args, **_options):
    raise RuntimeError("PdhAddEnglishCounterW failed.\nPerformance counters may be disabled.")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """What takes seconds answers at once."""

    def answer(trial, **_options):
        return ProbeResult(True, "xcb 1920 1080 100" if trial is probes.open_display else "")

    monkeypatch.setattr(diagnosis, "run_probe", answer)


def _found():
    return {check.name: check for check in diagnosis.examine()}


@pytest.mark.parametrize(
    ("owner", "name", "finding"),
    [
        (machine, "program_version", "program"),
        (machine, "_bits", "python"),
        (machine.platform, "release", "system"),
        (machine, "list_devices", "processor"),
        (machine, "list_devices", "memory"),
        (machine, "_free_bytes", "disk"),
        (places, "_refusal", "rights"),
        (places, "is_utf8", "paths"),
        (diagnosis, "list_devices", "gpu"),
        (diagnosis, "run_probe", "engine"),
        (diagnosis, "run_probe", "window"),
        (diagnosis, "run_probe", "fonts"),
        (window, "has_display", "display"),
        (diagnosis, "installed_version", "engine"),
    ],
)
def test_what_cannot_be_looked_at_is_said_and_the_rest_goes_on(monkeypatch, owner, name, finding):
    names = set(_found())
    monkeypatch.setattr(owner, name, _fails)
    found = _found()
    assert names <= set(found)
    assert found[finding].severity == "warning"
    assert "could not be looked at: RuntimeError: PdhAdd" in str(found[finding].detail)
    assert "\n" not in str(found[finding].detail)


def test_an_engine_that_fails_half_way_keeps_what_was_found(monkeypatch):
    def some(installed, try_it):
        yield Check("engine", "ok", message("half"))
        _fails()

    monkeypatch.setattr(engine, "check_engine", some)
    details = [str(check.detail) for check in diagnosis.examine() if check.name == "engine"]
    assert details[0] == "half"
    assert "could not be looked at" in details[1]


def test_what_hangs_is_left_behind(monkeypatch):
    awake = threading.Event()
    monkeypatch.setattr(machine, "check_disk", lambda folder: awake.wait(60))
    monkeypatch.setattr(diagnosis, "_PATIENCE_S", 0.3)
    monkeypatch.setattr(diagnosis, "_TICK_S", 0.01)
    found = _found()
    awake.set()
    assert "no answer within" in str(found["disk"].detail)
    assert found["fonts"].severity in ("ok", "warning")


def test_it_ends_soon_when_nobody_waits_any_more(monkeypatch):
    wanted = threading.Event()
    ended = threading.Event()

    def hang(trial, stopped):
        while not stopped():
            time.sleep(0.01)
        ended.set()
        raise diagnosis.StopRequested

    monkeypatch.setattr(diagnosis, "run_probe", hang)
    monkeypatch.setattr(engine, "installed_version", lambda name: None)
    names = []
    for check in diagnosis.examine(stopped=wanted.is_set):
        names.append(check.name)
        if check.name == "paths":
            threading.Timer(0.2, wanted.set).start()
    assert names[-1] == "paths"
    assert ended.wait(5)
    assert not [one for one in threading.enumerate() if one.name.startswith("doctor")]


def test_a_folder_that_is_gone(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    found = _found()
    assert found["disk"].severity == "warning"
    assert found["display"].severity in ("ok", "info", "warning")


@pytest.mark.parametrize("name", ["swap_memory", "virtual_memory", "cpu_count"])
def test_performance_counters_that_are_off(monkeypatch, name):
    monkeypatch.setattr(machine.psutil, name, _fails)
    found = _found()
    assert found["processor"].severity in ("ok", "warning")
    if name == "swap_memory":
        assert "? GiB swap" in str(found["memory"].detail)
    if name == "virtual_memory":
        assert found["memory"].severity == "info"
    assert all("could not" not in str(check.detail) for check in found.values())


def test_windows_is_asked_for_its_own(monkeypatch):
    registry = types.ModuleType("winreg")
    registry.HKEY_LOCAL_MACHINE = 1

    def missing(*_args):
        raise FileNotFoundError(2, "The system cannot find the file specified")

    registry.OpenKey = missing
    monkeypatch.setitem(sys.modules, "winreg", registry)
    monkeypatch.setattr(diagnosis.sys, "platform", "win32")
    monkeypatch.setattr(places, "_network", lambda folder: None)
    found = _found()
    assert {"counters", "long_paths"} <= set(found)
    assert "shared_memory" not in found
    assert [str(one.detail) for one in found.values() if "could not" in str(one.detail)] == []


def test_every_finding_has_a_title():
    titles = {check.name: str(check.title) for check in diagnosis.examine()}
    assert all(title[0].isupper() and title != name for name, title in titles.items())
    assert str(Check("gpu:1", "ok", message("x")).title) == "GPU"
