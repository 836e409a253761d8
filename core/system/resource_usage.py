"""How much of the processor, the memory and the GPUs a job takes, and everything together."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psutil
import pynvml

from core.system.devices import usable_cores


@dataclass(frozen=True, slots=True)
class GpuUsage:
    """One GPU: ``busy`` is a share of time, 0 … 1; memory in bytes, None where it is not told."""

    name: str
    busy: float | None
    memory: int | None
    total: int
    job_memory: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUsage:
    """What is in use now.

    Attributes:
        cores: that this machine lets us use.
        job_cores: how many the job keeps busy, None without a job or before a second look.
        machine_cores: how many are busy at all, None before a second look.
        memory: bytes that this machine has.
        job_memory: bytes that the job's processes hold, None without a job.
        machine_memory: bytes in use at all.
        gpus: NVIDIA's.
    """

    cores: int
    job_cores: float | None
    machine_cores: float | None
    memory: int
    job_memory: int | None
    machine_memory: int
    gpus: tuple[GpuUsage, ...] = ()


class ResourceMeter:
    """Looks at a job's processes; times of the processor count from one look to the next.

    Not for use from several threads at once.
    """

    def __init__(self) -> None:
        self._processes: dict[int, psutil.Process] = {}
        self._pid: int | None = None
        self._has_looked = False

    def read(self, pid: int | None) -> ResourceUsage:
        """Return what is in use; takes some milliseconds.

        Args:
            pid: the job's worker, whose children count too; None: no job.
        """
        if pid != self._pid:
            self._pid, self._processes = pid, {}
        processes = self._family(pid)
        cores = usable_cores()
        percent = psutil.cpu_percent(percpu=False)
        first, self._has_looked = not self._has_looked, True
        memory = psutil.virtual_memory()
        return ResourceUsage(
            cores=cores,
            job_cores=self._job_cores(processes),
            machine_cores=None if first else percent / 100 * (psutil.cpu_count() or cores),
            memory=memory.total,
            job_memory=_resident(processes) if processes else None,
            machine_memory=memory.total - memory.available,
            gpus=_gpus({process.pid for process in processes}),
        )

    def _family(self, pid: int | None) -> list[psutil.Process]:
        """Return the job's processes; the same objects each time, which count their times."""
        if pid is None:
            return []
        try:
            worker = self._processes.get(pid) or psutil.Process(pid)
            found = [worker, *worker.children(recursive=True)]
        except psutil.Error:
            return []
        self._processes = {one.pid: self._processes.get(one.pid, one) for one in found}
        return list(self._processes.values())

    def _job_cores(self, processes: list[psutil.Process]) -> float | None:
        if not processes:
            return None
        total = 0.0
        for process in processes:
            with contextlib.suppress(psutil.Error):
                total += process.cpu_percent() / 100  # 0 at the first look
        return total


def _resident(processes: list[psutil.Process]) -> int:
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += int(process.memory_info().rss)
    return total


def _gpus(pids: set[int]) -> tuple[GpuUsage, ...]:
    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError, OSError):  # no driver, no GPU, or no permission
        return ()
    try:
        return tuple(_gpu(index, pids) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError:
        return ()
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _gpu(index: int, pids: set[int]) -> GpuUsage:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    name = pynvml.nvmlDeviceGetName(handle)
    busy = used = job = None
    total = 0
    with contextlib.suppress(pynvml.NVMLError):  # some GPUs do not tell everything
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        used, total = int(memory.used), int(memory.total)
    with contextlib.suppress(pynvml.NVMLError):
        busy = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
    with contextlib.suppress(pynvml.NVMLError):
        held = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
        job = sum(int(one.usedGpuMemory or 0) for one in held if one.pid in pids)
    text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
    return GpuUsage(text, busy, used, total, job)
