"""What is tried of the engine and of Qt."""

from __future__ import annotations

from core.system.doctor.probes import find_chinese_font, start_window_system, train_one_step
from core.system.doctor.window import check_window_libraries
from core.system.probe_process import run_probe


def test_engine_trains():
    result = run_probe(train_one_step)
    assert result.ok, result.problem
    assert result.value == "cpu" or result.value.startswith("gpu")


def test_window_system_is_judged_without_crashing():
    result = run_probe(start_window_system)
    assert isinstance(check_window_libraries(result).severity, str)
    assert result.ok or result.problem


def test_a_font_is_looked_for_without_crashing():
    result = run_probe(find_chinese_font)
    assert result.ok or result.problem
