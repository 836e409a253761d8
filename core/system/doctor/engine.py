"""The engine's builds, and the GPUs with the build that fits them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import metadata

from core.system.devices import DeviceInfo
from core.system.doctor.check import Check, install_again
from core.system.gpu_environment.build_choice import ENGINE_VERSION, build_for, no_build_reason
from core.system.gpu_environment.environment_folders import (
    GpuEnvironment,
    environment_problem,
    switched_on,
)
from core.system.messages import message
from core.system.probe_process import ProbeResult

_GIB = 1 << 30


def check_engine(
    installed: Callable[[str], str | None], try_it: Callable[[], ProbeResult]
) -> Iterator[Check]:
    """The engine's builds that are installed, and whether the one that is works.

    Args:
        installed: name of a distribution → its version, None where it is not there.
        try_it: trains a step; called only where one build is there.
    """
    cpu, gpu = installed("paddlepaddle"), installed("paddlepaddle-gpu")
    if cpu and gpu:
        yield Check(
            "engine",
            "error",
            message(
                "paddlepaddle {cpu} and paddlepaddle-gpu {gpu} are both installed and overwrite "
                "each other's files",
                cpu=cpu,
                gpu=gpu,
            ),
            (
                message("Remove both: uv pip uninstall paddlepaddle paddlepaddle-gpu"),
                message("Then install the processor's: uv sync"),
            ),
        )
        return
    version = cpu or gpu
    if version is None:
        yield Check(
            "engine",
            "error",
            message("paddlepaddle is not installed"),
            (install_again(message("Install it: uv sync")),),
        )
        return
    name = "paddlepaddle" if cpu else "paddlepaddle-gpu"
    yield _judge_engine(name, version, try_it())


def _judge_engine(name: str, version: str, probe: ProbeResult) -> Check:
    if not probe.ok:
        again = message("Install it anew: uv sync --reinstall-package {name}", name=name)
        return Check(
            "engine",
            "error",
            message(
                "{name} {version} does not work: {problem}",
                name=name,
                version=version,
                problem=probe.problem,
            ),
            (install_again(again),),
        )
    detail = message(
        "{name} {version} trained one step and saved it under a Chinese name on {device}",
        name=name,
        version=version,
        device=probe.value,
    )
    if version != ENGINE_VERSION:
        tested = message("This program is tested with {version}: uv sync", version=ENGINE_VERSION)
        return Check("engine", "warning", detail, (install_again(tested),))
    return Check("engine", "ok", detail)


def check_gpus(
    devices: tuple[DeviceInfo, ...], *, gpu_build_installed: str | None
) -> Iterator[Check]:
    """Every NVIDIA GPU with the engine build that fits it, and the environment for it."""
    gpus = [device for device in devices if device.kind == "gpu"]
    if not gpus:
        yield Check(
            "gpu", "info", message("no NVIDIA GPU or no driver; training uses the processor")
        )
    for gpu in gpus:
        yield _check_gpu(gpu, installed=gpu_build_installed)
    environment = switched_on()
    if environment is not None:
        yield _check_environment(environment, devices)


def _check_gpu(gpu: DeviceInfo, *, installed: str | None) -> Check:
    capability = gpu.compute_capability or (0, 0)
    detail = message(
        "{name}, {memory} GiB, driver {driver} (CUDA up to {cuda}), compute capability {major}."
        "{minor}",
        name=gpu.name,
        memory=f"{gpu.memory_bytes / _GIB:.0f}",
        driver=gpu.driver,
        cuda=gpu.cuda,
        major=capability[0],
        minor=capability[1],
    )
    name = f"gpu:{gpu.index}"
    build = build_for(gpu)
    if build is None:
        return Check(name, "warning", detail, (no_build_reason(gpu),))
    if installed or switched_on() is not None:
        return Check(name, "ok", detail)
    fix = message(
        "To train on it, choose Settings → Use the GPU in the window, or the command: gpu install "
        "(build {build})",
        build=build,
    )
    return Check(name, "info", detail, (fix,))


def _check_environment(environment: GpuEnvironment, devices: tuple[DeviceInfo, ...]) -> Check:
    problem = environment_problem(environment, devices)
    if problem is not None:
        fix = message("Until then training uses the processor; to leave it at that: gpu off")
        return Check("gpu_environment", "warning", problem, (fix,))
    detail = message(
        "Paddle {version} ({build}) in {folder}, tested on {gpu} with driver {driver}",
        version=environment.record.engine,
        build=environment.record.build,
        folder=environment.folder,
        gpu=environment.record.tested.gpu,
        driver=environment.record.tested.driver,
    )
    return Check("gpu_environment", "ok", detail)


def installed_version(name: str) -> str | None:
    """Return the version of a distribution, None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
