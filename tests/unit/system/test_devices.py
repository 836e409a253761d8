"""Devices: the processor as psutil sees it, GPUs as the driver's library reports them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import types
from types import SimpleNamespace
from typing import NamedTuple

import psutil
import pynvml
import pytest

from core.system import devices


def test_processor_comes_first_and_is_this_machine() -> None:
    processor = devices.list_devices()[0]
    assert (processor.kind, processor.spec_name) == ("cpu", "cpu")
    assert processor.name
    assert 1 <= processor.cores <= (os.cpu_count() or 1)
    assert 0 < processor.free_bytes <= processor.memory_bytes <= psutil.virtual_memory().total


def test_container_limits_count(tmp_path, monkeypatch) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("300000000\n")
    monkeypatch.setattr(devices, "_CGROUP_LIMITS", (tmp_path / "missing", limit))
    processor = devices.list_devices()[0]
    assert processor.memory_bytes == 300_000_000
    assert processor.free_bytes <= 300_000_000
    limit.write_text("max\n")  # what the kernel writes for "no limit"
    assert devices.list_devices()[0].memory_bytes == psutil.virtual_memory().total


def test_a_container_may_take_the_time_of_fewer_cores(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    limit, quota, period = tmp_path / "cpu.max", tmp_path / "quota", tmp_path / "period"
    monkeypatch.setattr(devices, "_CGROUP_QUOTAS", ((limit,), (quota, period)))
    assert devices.usable_cores() == 8
    limit.write_text("150000 100000\n")
    assert devices.usable_cores() == 2
    limit.write_text("max 100000\n")
    assert devices.usable_cores() == 8
    limit.unlink()
    quota.write_text("300000\n")
    period.write_text("100000\n")
    assert devices.usable_cores() == 3
    quota.write_text("-1\n")
    assert devices.usable_cores() == 8


class _Times(NamedTuple):
    user: float
    idle: float
    iowait: float
    guest: float


def test_idle_cores_are_those_of_the_quietest_look(monkeypatch) -> None:
    monkeypatch.setattr(devices, "usable_cores", lambda: 2)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 3}, raising=False)
    looks = iter([(0.9, 0.1), (0.5, 0.6), (0.0, 0.0), (0.2, 0.2)])
    # Seconds since the start of the machine: user, idle and waiting for the disk, by core.
    spent = [[10.0, 20.0, 5.0] for _ in range(4)]

    def sleep(seconds):
        first, second = next(looks)
        for core, idle in enumerate((1.0, first, 1.0, second)):
            waiting = 0.1 * idle
            shares = (1 - idle, idle - waiting, waiting)
            spent[core] = [
                was + share * seconds for was, share in zip(spent[core], shares, strict=True)
            ]

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(
        psutil, "cpu_times", lambda percpu: [_Times(*core, core[0]) for core in spent]
    )
    assert devices.idle_cores() == pytest.approx(1.1)
    assert next(looks, None) is None

    def untold(percpu):
        raise RuntimeError("performance counters are off")

    monkeypatch.setattr(psutil, "cpu_times", untold)
    assert devices.idle_cores() == 2.0


def test_a_quiet_processor_is_looked_at_once(monkeypatch) -> None:
    looks = []

    def idle(seconds):
        looks.append(seconds)
        return [1.0, 0.9]

    monkeypatch.setattr(devices, "usable_cores", lambda: 2)
    monkeypatch.setattr(devices, "_idle_shares", idle)
    assert devices.idle_cores() == pytest.approx(1.9)
    assert len(looks) == 1


def test_machine_without_driver_has_only_its_processor(monkeypatch) -> None:
    def no_driver() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    assert [device.kind for device in devices.list_devices()] == ["cpu"]


@pytest.fixture
def two_gpus(monkeypatch) -> None:
    """The driver's library as on a machine with two GPUs, the second one larger."""
    memory = {0: (8 << 30, 5 << 30), 1: (24 << 30, 20 << 30)}
    answers = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlSystemGetDriverVersion": lambda: "560.35.03",
        "nvmlSystemGetCudaDriverVersion_v2": lambda: 12060,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(
            total=memory[handle][0], free=memory[handle][1]
        ),
        "nvmlDeviceGetName": lambda handle: f"Board {handle}",
        "nvmlDeviceGetCudaComputeCapability": lambda handle: (8, 6),
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)


def test_gpus_are_described(two_gpus) -> None:
    _, first, second = devices.list_devices()
    assert (first.name, first.spec_name, second.spec_name) == ("Board 0", "gpu:0", "gpu:1")
    assert (first.memory_bytes, first.free_bytes) == (8 << 30, 5 << 30)
    assert (first.driver, first.cuda, first.compute_capability) == ("560.35.03", "12.6", (8, 6))


def test_gpu_with_shared_memory_has_unknown_size(two_gpus, monkeypatch) -> None:
    def unsupported(handle: int) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", unsupported)
    assert [device.memory_bytes for device in devices.list_devices()[1:]] == [0, 0]


def test_engine_is_not_loaded() -> None:
    code = (
        "import sys, core.system.devices, core.advice.presets, core.prediction.inspection;"
        "core.system.devices.list_devices();"
        "sys.exit(sum(name in sys.modules for name in ('paddle', 'PySide6', 'scipy', 'pandas')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _refuses(*_args, **_options):
    raise RuntimeError("PdhAddEnglishCounterW failed. Performance counters may be disabled.")


def test_memory_that_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(devices.psutil, "virtual_memory", _refuses)
    monkeypatch.setattr(devices, "_CGROUP_LIMITS", ())
    processor = devices.list_devices()[0]
    assert (processor.memory_bytes, processor.free_bytes) == (0, 0)
    assert processor.cores >= 1
    assert processor.name


@pytest.mark.parametrize("problem", [RuntimeError, NotImplementedError, OSError])
def test_cores_that_the_system_does_not_tell(monkeypatch, problem):
    def refuse(**_options):
        raise problem("off")

    monkeypatch.setattr(devices.sys, "platform", "win32")
    monkeypatch.setattr(devices.psutil, "cpu_count", refuse)
    assert devices.usable_cores() >= 1


@pytest.mark.parametrize("stage", ["OpenKey", "QueryValueEx", "empty"])
def test_a_registry_without_the_processors_name(monkeypatch, stage):
    def missing(*_args):
        raise FileNotFoundError(2, "The system cannot find the file specified")

    registry = types.ModuleType("winreg")
    registry.HKEY_LOCAL_MACHINE = 1
    registry.OpenKey = missing if stage == "OpenKey" else lambda *_: contextlib.nullcontext()
    registry.QueryValueEx = missing if stage == "QueryValueEx" else lambda *_: (" ", 1)
    monkeypatch.setitem(sys.modules, "winreg", registry)
    monkeypatch.setattr(devices.sys, "platform", "win32")
    monkeypatch.setattr(devices.platform, "processor", lambda: "")
    assert devices.list_devices()[0].name == devices.platform.machine()
