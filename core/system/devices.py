"""What this machine can train on, found without loading the engine.

Sources: psutil for the processor, NVIDIA's management library (nvidia-ml-py) for GPUs. A machine
without an NVIDIA driver is normal and simply has no GPU here.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
#: Files with a container's share of processor time and the period it counts for, in microseconds.
_CGROUP_QUOTAS = (
    (Path("/sys/fs/cgroup/cpu.max"),),
    (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")),
)
#: How long the processor is looked at, and how often before a busy core counts as taken: what just
#: started this process may be at work for a moment.
_LOOK_S = 0.4
_LOOKS = 4
#: What psutil raises where a system does not say: ``RuntimeError`` where Windows' performance
#: counters are off.
_NOT_TOLD = (psutil.Error, OSError, RuntimeError, ValueError, NotImplementedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """One processor or GPU.

    ``memory_bytes`` is what it has (a container's limit counts), ``free_bytes`` what is free now;
    both 0 where unknown. ``cores`` are the processor cores this process may use (0 for a GPU).
    ``driver`` and ``cuda`` are the driver's version and the newest CUDA version it can run;
    ``compute_capability`` is (major, minor). The last three are None for a processor.
    """

    kind: Literal["cpu", "gpu"]
    name: str
    memory_bytes: int
    free_bytes: int
    index: int = 0
    cores: int = 0
    driver: str | None = None
    cuda: str | None = None
    compute_capability: tuple[int, int] | None = None

    @property
    def spec_name(self) -> str:
        """How a job's spec names it: ``"cpu"`` or ``"gpu:0"``."""
        return "cpu" if self.kind == "cpu" else f"gpu:{self.index}"


def list_devices() -> tuple[DeviceInfo, ...]:
    """Return the processor, then every NVIDIA GPU the driver shows."""
    return (_processor(), *_gpus())


def _processor() -> DeviceInfo:
    limit = _memory_limit()
    try:
        memory = psutil.virtual_memory()
        total = memory.total if limit is None else min(memory.total, limit)
        free = min(memory.available, total)
    except _NOT_TOLD:
        total, free = limit or 0, 0
    return DeviceInfo(
        kind="cpu",
        name=_processor_name(),
        memory_bytes=total,
        free_bytes=free,
        cores=usable_cores(),
    )


def usable_cores() -> int:
    """Return how many cores this process may use: containers and ``taskset`` can allow fewer."""
    if sys.platform == "linux":
        return min(len(os.sched_getaffinity(0)), _core_quota() or sys.maxsize)
    try:
        return psutil.cpu_count(logical=True) or os.cpu_count() or 1
    except _NOT_TOLD:
        return os.cpu_count() or 1


def idle_cores() -> float:
    """Return how many of the usable cores nothing keeps busy just now; takes 0.4 to 1.6 seconds.

    The quietest of a few looks counts. Where the system does not say, all of them are idle.
    """
    usable = usable_cores()
    most = 0.0
    for _ in range(_LOOKS):
        try:
            idle = _idle_shares(_LOOK_S)
        except _NOT_TOLD:
            return float(usable)
        most = max(most, min(sum(idle), usable))
        if most > usable - 0.25:
            break
    return most


def _idle_shares(seconds: float) -> list[float]:
    """Return how much of the next ``seconds`` each core that may be used is idle, 0 … 1."""
    # Not psutil's percentages: below a second it takes the whole for one.
    before = psutil.cpu_times(percpu=True)
    time.sleep(seconds)
    idle = [
        _idle_share(earlier, later)
        for earlier, later in zip(before, psutil.cpu_times(percpu=True), strict=True)
    ]
    if sys.platform == "linux":
        return [idle[core] for core in os.sched_getaffinity(0) if core < len(idle)]
    return idle


def _idle_share(earlier: Any, later: Any) -> float:
    spent = {name: getattr(later, name) - getattr(earlier, name) for name in later._fields}
    for name in ("guest", "guest_nice"):  # are in user and nice already
        spent.pop(name, None)
    idle = spent["idle"] + spent.get("iowait", 0.0)
    return float(min(1.0, max(0.0, idle / max(sum(spent.values()), 1e-9))))


def _core_quota() -> int | None:
    """Return how many cores' time a container may take, rounded up; None where all it can."""
    for paths in _CGROUP_QUOTAS:
        try:
            words = " ".join(path.read_text(encoding="ascii") for path in paths).split()
        except (OSError, UnicodeDecodeError):
            continue
        if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]):
            return max(1, math.ceil(int(words[0]) / int(words[1])))
    return None


def _memory_limit() -> int | None:
    """Return the container's memory limit in bytes, None where there is none."""
    for path in _CGROUP_LIMITS:
        try:
            text = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text.isdigit():
            return int(text)
    return None


def _processor_name() -> str:
    if sys.platform == "win32":
        import winreg

        key = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as handle:
                if name := str(winreg.QueryValueEx(handle, "ProcessorNameString")[0]).strip():
                    return name
        except OSError:  # virtual machines often have none
            pass
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            lines = ""
        for line in lines.splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "processor"


def _gpus() -> list[DeviceInfo]:
    import pynvml  # a long module, which the start of the window need not wait for

    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError, OSError):  # no driver, no GPU, or no permission
        return []
    try:
        driver = _text(pynvml.nvmlSystemGetDriverVersion())
        version = pynvml.nvmlSystemGetCudaDriverVersion_v2()
        cuda = f"{version // 1000}.{version % 1000 // 10}"
        count = pynvml.nvmlDeviceGetCount()
        return [_gpu(index, driver=driver, cuda=cuda) for index in range(count)]
    except pynvml.NVMLError:
        return []
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _gpu(index: int, *, driver: str, cuda: str) -> DeviceInfo:
    import pynvml

    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        total, free = int(memory.total), int(memory.free)
    except pynvml.NVMLError_NotSupported:  # GPUs that share the processor's memory
        total = free = 0
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return DeviceInfo(
        kind="gpu",
        name=_text(pynvml.nvmlDeviceGetName(handle)),
        memory_bytes=total,
        free_bytes=free,
        index=index,
        driver=driver,
        cuda=cuda,
        compute_capability=(int(major), int(minor)),
    )


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
