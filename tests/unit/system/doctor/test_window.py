"""What is advised about Qt's libraries, the display and fonts."""

from __future__ import annotations

import pytest

from core.system.doctor import window
from core.system.probe_process import ProbeResult


def test_missing_library_names_its_package():
    problem = "ImportError: libEGL.so.1: cannot open shared object file"
    check = window.check_window_libraries(ProbeResult(False, "", problem))
    assert check.severity == "warning"
    assert str(check.fix[0]) == "sudo apt-get install libegl1"


def test_plugin_for_screens_that_misses_a_library():
    problem = "libxcb-cursor.so.0: cannot open shared object file"
    check = window.check_window_libraries(ProbeResult(True, problem))
    assert check.severity == "warning"
    assert "libxcb-cursor0" in str(check.fix[0])


@pytest.mark.parametrize(
    ("answer", "severity", "told"),
    [
        (ProbeResult(True, "xcb 1920 1080 150"), "ok", "xcb, 1920 × 1080 at 150 %"),
        (ProbeResult(True, "windows 1280 560 200"), "warning", "1280 × 560"),
        (ProbeResult(False, "", "ended by SIGABRT"), "warning", "SIGABRT"),
    ],
)
def test_a_display_is_opened_and_measured(monkeypatch, answer, severity, told):
    monkeypatch.setattr(window, "has_display", lambda: True)
    check = window.check_display(lambda: answer)
    assert check.severity == severity
    assert told in str(check.detail)
    assert bool(check.fix) == (severity != "ok")


def test_without_a_display_none_is_opened(monkeypatch):
    monkeypatch.setattr(window, "has_display", lambda: False)

    def never():
        raise AssertionError

    assert window.check_display(never).severity == "info"


@pytest.mark.parametrize(("platform", "way"), [("linux", "fonts-noto-cjk"), ("win32", "Optional")])
def test_without_chinese_characters_a_font_is_named(monkeypatch, platform, way):
    monkeypatch.setattr(window.sys, "platform", platform)
    check = window.check_fonts(ProbeResult(True, ""))
    assert check.severity == "warning"
    assert way in str(check.fix[0])
    assert window.check_fonts(ProbeResult(True, "Noto Sans CJK SC")).severity == "ok"
    assert window.check_fonts(ProbeResult(False, "", "no Qt")).severity == "info"
