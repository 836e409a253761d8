"""What the engine can compute on here: with its own build, or with the GPU environment's."""

from __future__ import annotations

from importlib import metadata

from core.system.devices import DeviceInfo, list_devices
from core.system.gpu_environment.environment_folders import environment_problem, switched_on
from core.system.gpu_environment.worker_entry import is_left_out


def training_devices() -> tuple[DeviceInfo, ...]:
    """Return the devices that workers of this program can use, the best one first.

    GPUs count where the engine's GPU build is installed, or the GPU environment is switched on and
    nothing speaks against it.
    """
    devices = list_devices()
    if not _has_gpu_build(devices):
        return tuple(device for device in devices if device.kind == "cpu")
    return tuple(sorted(devices, key=lambda device: (device.kind == "cpu", -device.memory_bytes)))


def _has_gpu_build(devices: tuple[DeviceInfo, ...]) -> bool:
    if is_left_out():
        return False
    if gpu_engine_version() is not None:
        return True
    environment = switched_on()
    return environment is not None and environment_problem(environment, devices) is None


def gpu_engine_version() -> str | None:
    """Return the version of the engine's GPU build on this process's path; None for the CPU's."""
    try:
        return metadata.version("paddlepaddle-gpu")
    except metadata.PackageNotFoundError:
        return None
