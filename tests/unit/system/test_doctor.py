"""The doctor: what it advises, and that nothing it tries can take it down."""

from __future__ import annotations

import gpu_parts
import pytest

from core.system.devices import DeviceInfo
from core.system.doctor import diagnosis as doctor
from core.system.doctor.probes import start_window_system, train_one_step
from core.system.gpu_environment.environment_folders import switch_on
from core.system.probe_process import ProbeResult, run_probe


def _gpu(**changes):
    fields = {
        "kind": "gpu",
        "name": "NVIDIA RTX 4060",
        "memory_bytes": 8 << 30,
        "free_bytes": 7 << 30,
        "driver": "560.35",
        "cuda": "12.6",
        "compute_capability": (8, 9),
    }
    return DeviceInfo(**{**fields, **changes})


def test_gpu_without_its_build_gets_the_way_to_it():
    (check,) = doctor.check_gpus((_gpu(),), gpu_build_installed=None)
    (step,) = map(str, check.fix)
    assert check.severity == "info"
    assert "gpu install" in step
    assert "cu126" in step


def test_the_environment_for_the_gpu_is_judged_by_what_it_is_now(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    environment = gpu_parts.made_environment()
    switch_on(environment)
    _, found = doctor.check_gpus((_gpu(),), gpu_build_installed=None)
    assert (found.name, found.severity) == ("gpu_environment", "ok")
    assert "cu126" in str(found.detail)
    (environment.packages / "paddle" / "__init__.py").unlink()
    gpu, found = doctor.check_gpus((_gpu(),), gpu_build_installed=None)
    assert (gpu.severity, found.severity) == ("ok", "warning")
    assert "is missing" in str(found.detail)
    assert "gpu off" in str(found.fix[0])


def test_gpu_with_its_build_is_well():
    (check,) = doctor.check_gpus((_gpu(),), gpu_build_installed="3.2.2")
    assert (check.severity, check.fix) == ("ok", ())


def test_old_driver_is_told_to_update():
    (check,) = doctor.check_gpus((_gpu(cuda="11.4"),), gpu_build_installed=None)
    assert check.severity == "warning"
    assert "11.4" in str(check.detail)
    assert "too old" in str(check.fix[0])


def test_no_gpu_is_no_problem():
    (check,) = doctor.check_gpus((), gpu_build_installed=None)
    assert check.severity == "info"


def test_both_engine_builds_are_an_error():
    (check,) = doctor.check_engine({"paddlepaddle": "3.2.2", "paddlepaddle-gpu": "3.2.2"}.get)
    assert check.severity == "error"
    assert "uninstall paddlepaddle paddlepaddle-gpu" in str(check.fix[0])


def test_no_engine_is_an_error():
    (check,) = doctor.check_engine({}.get)
    assert check.severity == "error"


def test_crashing_engine_is_an_error_in_words(monkeypatch):
    monkeypatch.setattr(
        doctor, "run_probe", lambda trial: ProbeResult(False, "", "ended by SIGILL")
    )
    (check,) = doctor.check_engine({"paddlepaddle": "3.2.2"}.get)
    assert check.severity == "error"
    assert "SIGILL" in str(check.detail)


def test_another_engine_version_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor, "run_probe", lambda trial: ProbeResult(True, "cpu"))
    (check,) = doctor.check_engine({"paddlepaddle": "3.3.1"}.get)
    assert check.severity == "warning"


@pytest.mark.parametrize(
    ("version", "severity"),
    [((3, 11, 2), "ok"), ((3, 12, 0), "ok"), ((3, 10, 9), "error"), ((3, 13, 0), "error")],
)
def test_python_versions(version, severity):
    assert doctor.check_python(version).severity == severity


def test_missing_library_names_its_package():
    problem = "ImportError: libEGL.so.1: cannot open shared object file"
    check = doctor.check_window_libraries(ProbeResult(False, "", problem))
    assert check.severity == "warning"
    assert str(check.fix[0]) == "sudo apt-get install libegl1"


def test_plugin_for_screens_that_misses_a_library():
    problem = "libxcb-cursor.so.0: cannot open shared object file"
    check = doctor.check_window_libraries(ProbeResult(True, problem))
    assert check.severity == "warning"
    assert "libxcb-cursor0" in str(check.fix[0])


def test_little_shared_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_free_bytes", lambda folder: 64 << 20)
    check = doctor.check_shared_memory(tmp_path)
    assert check.severity == "warning"
    assert "--shm-size" in str(check.fix[0])


def test_full_disk_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_free_bytes", lambda folder: 100 << 20)
    assert doctor.check_disk(tmp_path / "not there 一").severity == "error"


def test_disk_of_a_folder_that_does_not_exist_yet(tmp_path):
    assert doctor.check_disk(tmp_path / "not there 一" / "x").severity in ("ok", "warning")


def test_engine_trains():
    result = run_probe(train_one_step)
    assert result.ok, result.problem
    assert result.value == "cpu" or result.value.startswith("gpu")


def test_window_system_is_judged_without_crashing():
    result = run_probe(start_window_system)
    assert isinstance(doctor.check_window_libraries(result).severity, str)
    assert result.ok or result.problem


def _fails(*_args, **_options):
    raise RuntimeError("PdhAddEnglishCounterW failed.\nPerformance counters may be disabled.")


@pytest.fixture
def quick(monkeypatch):
    """What takes seconds answers at once."""
    monkeypatch.setattr(doctor, "run_probe", lambda trial: ProbeResult(True, ""))


def _severities():
    return {check.name: check for check in doctor.examine()}


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("check_python", "python"),
        ("check_system", "system"),
        ("list_devices", "processor"),
        ("list_devices", "memory"),
        ("list_devices", "gpu"),
        ("_free_bytes", "disk"),
        ("run_probe", "engine"),
        ("run_probe", "window"),
        ("has_display", "display"),
        ("_installed", "engine"),
    ],
)
def test_what_cannot_be_looked_at_is_said_and_the_rest_goes_on(quick, monkeypatch, name, finding):
    names = set(_severities())
    monkeypatch.setattr(doctor, name, _fails)
    found = _severities()
    assert names <= set(found)
    assert found[finding].severity == "warning"
    assert "could not be looked at: RuntimeError: PdhAdd" in str(found[finding].detail)
    assert "\n" not in str(found[finding].detail)


def test_an_engine_that_fails_half_way_keeps_what_was_found(quick, monkeypatch):
    def some(installed):
        yield doctor.Check("engine", "ok", doctor.message("half"))
        _fails()

    monkeypatch.setattr(doctor, "check_engine", some)
    details = [str(check.detail) for check in doctor.examine() if check.name == "engine"]
    assert details[0] == "half"
    assert "could not be looked at" in details[1]


def test_a_folder_that_is_gone(quick, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    found = _severities()
    assert found["disk"].severity == "warning"
    assert found["display"].severity in ("ok", "info")


@pytest.mark.parametrize("name", ["swap_memory", "virtual_memory", "cpu_count"])
def test_performance_counters_that_are_off(quick, monkeypatch, name):
    monkeypatch.setattr(doctor.psutil, name, _fails)
    found = _severities()
    assert found["processor"].severity in ("ok", "warning")
    if name == "swap_memory":
        assert "? GiB swap" in str(found["memory"].detail)
    if name == "virtual_memory":
        assert found["memory"].severity == "info"
    assert all("could not" not in str(check.detail) for check in found.values())
