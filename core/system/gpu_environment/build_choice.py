"""Which build of the engine fits a GPU and its driver."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from core.system.devices import DeviceInfo
from core.system.errors import InputError
from core.system.messages import Message, message

ENGINE_VERSION: Final = "3.2.2"
Version = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuBuild:
    """One of the builds of paddlepaddle-gpu.

    Attributes:
        name: as Paddle's index calls it.
        cuda: CUDA version that a driver must run; the driver may be newer.
        oldest: lowest compute capability that the build holds kernels for.
        newest: highest one.
    """

    name: str
    cuda: Version
    oldest: Version
    newest: Version

    def runs(self, capability: Version) -> bool:
        """Whether the build holds kernels for a GPU."""
        return self.oldest <= capability <= self.newest


#: By preference. Kernels of one major capability run on its later minor ones: those for 8.6 on 8.9.
#: The build for CUDA 11.8 has none for 9.0; that for 12.9 is known to hold those from 9.0 on, and
#: CUDA 12.8, which every driver of a Blackwell card runs, is near enough for it.
BUILDS: Final = {
    "cu126": GpuBuild(name="cu126", cuda=(12, 6), oldest=(7, 5), newest=(9, 0)),
    "cu129": GpuBuild(name="cu129", cuda=(12, 8), oldest=(9, 0), newest=(12, 1)),
    "cu118": GpuBuild(name="cu118", cuda=(11, 8), oldest=(6, 0), newest=(8, 9)),
}


def known_build(name: str) -> GpuBuild:
    """Return a build by its name; raises ``InputError`` if there is none."""
    if name not in BUILDS:
        raise InputError(
            "There is no build {build}: give {builds}.",
            build=name,
            builds=", ".join(sorted(BUILDS)),
        )
    return BUILDS[name]


def gpu_build(*, cuda: Version, capability: Version) -> str | None:
    """Return which build of paddlepaddle-gpu fits: ``cu118``, ``cu126``, ``cu129`` or None.

    Args:
        cuda: newest CUDA version that the driver runs.
        capability: compute capability of the GPU.
    """
    fitting = (one for one in BUILDS.values() if one.cuda <= cuda and one.runs(capability))
    return next((build.name for build in fitting), None)


def build_for(gpu: DeviceInfo) -> str | None:
    """Return the build that fits a GPU and its driver, None where none does."""
    return gpu_build(cuda=cuda_version(gpu), capability=gpu.compute_capability or (0, 0))


def no_build_reason(gpu: DeviceInfo) -> Message:
    """Say why no build fits a GPU, and what to do."""
    capability = gpu.compute_capability or (0, 0)
    if any(build.runs(capability) for build in BUILDS.values()):
        return message(
            "NVIDIA's driver {driver} is too old for Paddle {version} on the GPU: update it.",
            driver=gpu.driver,
            version=ENGINE_VERSION,
        )
    if capability < BUILDS["cu118"].oldest:
        return message(
            "{gpu} is older than Paddle {version} supports.", gpu=gpu.name, version=ENGINE_VERSION
        )
    return message(
        "{gpu} is newer than Paddle {version} knows.", gpu=gpu.name, version=ENGINE_VERSION
    )


def best_gpu(devices: Iterable[DeviceInfo]) -> DeviceInfo | None:
    """Return the GPU that a build is chosen for: the engine's first, the most capable one."""
    gpus = [device for device in devices if device.kind == "gpu"]
    return max(
        gpus,
        key=lambda gpu: (gpu.compute_capability or (0, 0), gpu.memory_bytes, -gpu.index),
        default=None,
    )


def cuda_version(gpu: DeviceInfo) -> Version:
    """Return the newest CUDA version that a GPU's driver runs, (0, 0) where it is unknown."""
    major, _, minor = (gpu.cuda or "0.0").partition(".")
    return int(major), int(minor or 0)
