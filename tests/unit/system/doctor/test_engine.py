"""What is advised about the engine and GPUs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from core.system.devices import DeviceInfo
from core.system.doctor import engine
from core.system.doctor.engine import check_engine, check_gpus
from core.system.messages import message
from core.system.probe_process import ProbeResult


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


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    """What this user has switched on does not count."""
    monkeypatch.setattr(engine, "switched_on", lambda: None)


def test_gpu_without_its_build_is_told_how_to_get_it():
    (check,) = check_gpus((_gpu(),), gpu_build_installed=None)
    assert check.severity == "info"
    assert "Use the GPU" in str(check.fix[0]) and "cu126" in str(check.fix[0])


def test_gpu_with_its_build_is_well():
    (check,) = check_gpus((_gpu(),), gpu_build_installed="3.2.2")
    assert (check.severity, check.fix) == ("ok", ())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cuda": "11.4"}, "update it"),
        ({"compute_capability": (5, 2)}, "older than Paddle"),
        ({"compute_capability": (14, 0)}, "newer than Paddle"),
    ],
)
def test_a_gpu_without_a_build_is_told_why(changes, told):
    (check,) = check_gpus((_gpu(**changes),), gpu_build_installed=None)
    assert check.severity == "warning"
    assert told in str(check.fix[0])


def _environment():
    tested = SimpleNamespace(gpu="NVIDIA RTX 4060", driver="560.35")
    record = SimpleNamespace(engine="3.2.2", build="cu126", tested=tested)
    return SimpleNamespace(folder="/gpu", record=record)


@pytest.mark.parametrize("problem", [None, message("the driver was changed")])
def test_the_environment_for_the_gpu_is_looked_at(monkeypatch, problem):
    monkeypatch.setattr(engine, "switched_on", _environment)
    monkeypatch.setattr(engine, "environment_problem", lambda *_: problem)
    card, environment = check_gpus((_gpu(),), gpu_build_installed=None)
    assert card.severity == "ok"
    assert environment.name == "gpu_environment"
    assert environment.severity == ("ok" if problem is None else "warning")
    assert ("cu126" if problem is None else "driver was changed") in str(environment.detail)
    assert bool(environment.fix) == (problem is not None)


def test_no_gpu_is_no_problem():
    (check,) = check_gpus((), gpu_build_installed=None)
    assert check.severity == "info"


def _not_tried() -> ProbeResult:
    raise AssertionError("it cannot work, so it need not be tried")


def test_both_engine_builds_are_an_error():
    builds = {"paddlepaddle": "3.2.2", "paddlepaddle-gpu": "3.2.2"}
    (check,) = check_engine(builds.get, _not_tried)
    assert check.severity == "error"
    assert "uninstall paddlepaddle paddlepaddle-gpu" in str(check.fix[0])


def test_no_engine_is_an_error():
    (check,) = check_engine({}.get, _not_tried)
    assert check.severity == "error"


def test_crashing_engine_is_an_error_in_words():
    broken = ProbeResult(False, "", "ended by SIGILL")
    (check,) = check_engine({"paddlepaddle": "3.2.2"}.get, lambda: broken)
    assert check.severity == "error"
    assert "SIGILL" in str(check.detail)
    assert "--reinstall-package paddlepaddle" in str(check.fix[0])


def test_another_engine_version_is_a_warning():
    (check,) = check_engine({"paddlepaddle": "3.3.1"}.get, lambda: ProbeResult(True, "cpu"))
    assert check.severity == "warning"


@pytest.mark.parametrize("builds", [{}, {"paddlepaddle": "3.2.2"}])
def test_an_installed_program_is_installed_again(builds, tmp_path, monkeypatch):
    (tmp_path / "installation.json").write_text('{"version": "1.0", "kind": "tar"}')
    monkeypatch.setenv("MASKWRIGHT_INSTALLATION", str(tmp_path))
    (check,) = check_engine(builds.get, lambda: ProbeResult(False, "", "a file is missing"))
    assert "Install the program again" in str(check.fix[0])
    assert "uv" not in str(check.fix[0])
