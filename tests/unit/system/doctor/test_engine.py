"""What is advised about the engine and GPUs."""

from __future__ import annotations

import pytest

from core.system.devices import DeviceInfo
from core.system.doctor.engine import check_engine, check_gpus
from core.system.doctor.gpu_build import ENGINE_VERSION
from core.system.doctor.probes import NO_KERNELS, ProbeResult


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


def test_gpu_without_its_build_gets_steps_that_survive_uv_run():
    (check,) = check_gpus((_gpu(),), gpu_build_installed=None)
    steps = "\n".join(str(step) for step in check.fix)
    assert check.severity == "info"
    assert "UV_PROJECT_ENVIRONMENT" in steps
    assert "--no-install-package paddlepaddle" in steps
    assert f"paddlepaddle-gpu=={ENGINE_VERSION}" in steps
    assert "cu126" in steps
    assert "uv run --no-sync main.py" in steps
    assert "://" not in steps


def test_gpu_with_its_build_is_well():
    (check,) = check_gpus((_gpu(),), gpu_build_installed="3.2.2")
    assert (check.severity, check.fix) == ("ok", ())


def test_old_driver_is_told_to_update():
    (check,) = check_gpus((_gpu(cuda="11.4"),), gpu_build_installed=None)
    assert check.severity == "warning"
    assert "Update NVIDIA's driver" in str(check.fix[0])


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


def test_a_build_for_other_cards_is_not_to_be_installed_anew():
    broken = ProbeResult(False, "", f"RuntimeError: it {NO_KERNELS}: made for [80]")
    (check,) = check_engine({"paddlepaddle-gpu": "3.2.2"}.get, lambda: broken)
    assert check.severity == "error"
    assert "GPU" in str(check.fix[0]) and "reinstall" not in str(check.fix[0])


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
