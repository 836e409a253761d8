"""What a job takes of the computer."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import psutil
import pynvml
import pytest

from core.system.resource_usage import GpuUsage, ResourceMeter

BUSY = (
    "import time\n"
    "kept = bytearray(60_000_000)\n"
    "end = time.time() + 60\n"
    "while time.time() < end: pass\n"
)
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])"


@pytest.fixture
def job():
    """A process whose child is busy and holds 60 MB."""
    process = subprocess.Popen([sys.executable, "-c", PARENT])
    yield process
    end(process)


def end(process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
    process.kill()
    process.wait()


def test_children_of_the_worker_count(job) -> None:
    meter = ResourceMeter()
    own = psutil.Process(job.pid)
    deadline = time.monotonic() + 60
    while not own.children() or own.children()[0].memory_info().rss < 60_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first = meter.read(job.pid)
    assert first.machine_cores is None
    time.sleep(1.0)
    usage = meter.read(job.pid)
    assert usage.job_cores is not None and usage.machine_cores is not None
    assert 0 < usage.job_cores < usage.cores + 1
    assert usage.job_memory is not None
    assert 60_000_000 < usage.job_memory < usage.machine_memory < usage.memory


def test_a_job_that_is_gone_takes_nothing(job) -> None:
    meter = ResourceMeter()
    meter.read(job.pid)
    end(job)
    usage = meter.read(job.pid)
    assert (usage.job_cores, usage.job_memory) == (None, None)
    assert meter.read(None).job_memory is None


def test_gpus_tell_what_they_can(monkeypatch) -> None:
    class Memory:
        used, total = 3_000, 8_000

    class Process:
        def __init__(self, pid, memory):
            self.pid, self.usedGpuMemory = pid, memory

    class Rates:
        gpu = 42

    def not_supported(_handle):
        raise pynvml.NVMLError_NotSupported(pynvml.NVML_ERROR_NOT_SUPPORTED)

    own = psutil.Process().pid
    for name, value in {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda index: b"GPU %d" % index,
        "nvmlDeviceGetMemoryInfo": lambda _index: Memory,
        "nvmlDeviceGetUtilizationRates": lambda index: not_supported(index) if index else Rates,
        "nvmlDeviceGetComputeRunningProcesses": lambda _index: [
            Process(own, 1_000),
            Process(own, None),
            Process(1, 500),
        ],
    }.items():
        monkeypatch.setattr(pynvml, name, value)
    assert ResourceMeter().read(own).gpus == (
        GpuUsage("GPU 0", 0.42, 3_000, 8_000, 1_000),
        GpuUsage("GPU 1", None, 3_000, 8_000, 1_000),
    )
