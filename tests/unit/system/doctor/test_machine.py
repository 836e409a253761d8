"""What is said of the program, processor, memory and disk."""

from __future__ import annotations

import pytest

from core.system.doctor import machine


@pytest.mark.parametrize(
    ("version", "severity"),
    [((3, 11, 2), "ok"), ((3, 12, 0), "ok"), ((3, 10, 9), "error"), ((3, 13, 0), "error")],
)
def test_python_versions(version, severity):
    assert machine.check_python(version).severity == severity


def test_an_installation_is_named(tmp_path, monkeypatch):
    (tmp_path / "installation.json").write_text('{"version": "7.8.9", "kind": "deb"}')
    monkeypatch.setenv("MASKWRIGHT_INSTALLATION", str(tmp_path))
    assert str(machine.check_program().detail) == f"Maskwright 7.8.9 (deb) in {tmp_path}"


def test_little_shared_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_free_bytes", lambda folder: 64 << 20)
    check = machine.check_shared_memory(tmp_path)
    assert check.severity == "warning"
    assert "--shm-size" in str(check.fix[0])


def test_full_disk_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_free_bytes", lambda folder: 100 << 20)
    assert machine.check_disk(tmp_path / "not there 一").severity == "error"


def test_disk_of_a_folder_that_does_not_exist_yet(tmp_path):
    assert machine.check_disk(tmp_path / "not there 一" / "x").severity in ("ok", "warning")


@pytest.mark.parametrize("name", ["swap_memory", "cpu_times"])
@pytest.mark.parametrize("problem", [RuntimeError, OSError, AttributeError])
def test_counters_that_are_off_get_a_way_out(monkeypatch, name, problem):
    def fails(**_options):
        raise problem("PdhAddEnglishCounterW failed.\nPerformance counters may be disabled.")

    assert machine.check_counters().severity == "ok"
    monkeypatch.setattr(machine.psutil, name, fails)
    check = machine.check_counters()
    assert check.severity == "warning"
    assert "PdhAddEnglishCounterW failed. Performance" in str(check.detail)
    assert "lodctr /R" in str(check.fix[0])
