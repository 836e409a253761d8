"""How things stand with the GPU: for the settings, the command line and whoever asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.system.devices import DeviceInfo
from core.system.gpu_environment.build_choice import best_gpu, build_for, no_build_reason
from core.system.gpu_environment.environment_folders import (
    GpuEnvironment,
    environment_folder,
    environment_problem,
    part_folder,
    read_environment,
    switched_on,
)
from core.system.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuStatus:
    """How things stand.

    Attributes:
        gpu: the card that a build is chosen for, None where there is none.
        build: the build that fits it, None where none does.
        reason: why none does, None where one does or there is no card.
        environment: the one that is switched on, else the one for this card that could be; None
            where there is none.
        is_on: whether workers are to use it.
        problem: why it cannot be used now.
        is_begun: whether an interrupted installation can be gone on with.
    """

    gpu: DeviceInfo | None
    build: str | None
    reason: Message | None
    environment: GpuEnvironment | None
    is_on: bool
    problem: Message | None
    is_begun: bool

    @property
    def is_used(self) -> bool:
        """Whether jobs compute on the GPU."""
        return self.is_on and self.problem is None


def gpu_status(devices: Iterable[DeviceInfo]) -> GpuStatus:
    """Return how things stand; quick, nothing is loaded.

    Args:
        devices: what ``list_devices`` found.
    """
    found = tuple(devices)
    gpu = best_gpu(found)
    build = None if gpu is None else build_for(gpu)
    active = switched_on()
    environment = active
    if environment is None and build is not None:
        environment = read_environment(environment_folder(build))
    return GpuStatus(
        gpu=gpu,
        build=build,
        reason=None if gpu is None or build is not None else no_build_reason(gpu),
        environment=environment,
        is_on=active is not None,
        problem=None if environment is None else environment_problem(environment, found),
        is_begun=build is not None and part_folder(build).is_dir(),
    )
