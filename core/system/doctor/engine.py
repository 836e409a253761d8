"""The engine's builds, and the GPUs with the build that fits them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import metadata

from core.system.devices import DeviceInfo
from core.system.doctor.check import Check, install_again
from core.system.doctor.gpu_build import ENGINE_VERSION, gpu_build, gpu_installation
from core.system.doctor.probes import NO_KERNELS, ProbeResult
from core.system.messages import message

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
                message("Then install one: uv sync for the processor, or the GPU steps below."),
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
        if NO_KERNELS in probe.problem:
            fix = message("Install the build that fits the card: see what is said of the GPU.")
        else:
            again = message("Install it anew: uv sync --reinstall-package {name}", name=name)
            fix = install_again(again)
        return Check(
            "engine",
            "error",
            message(
                "{name} {version} does not work: {problem}",
                name=name,
                version=version,
                problem=probe.problem,
            ),
            (fix,),
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
    """Every NVIDIA GPU with the engine build that fits it."""
    gpus = [device for device in devices if device.kind == "gpu"]
    if not gpus:
        yield Check(
            "gpu", "info", message("no NVIDIA GPU or no driver; training uses the processor")
        )
    for gpu in gpus:
        yield _check_gpu(gpu, installed=gpu_build_installed)


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
    build = gpu_build(cuda=_version(gpu.cuda), capability=capability)
    if build is None:
        fix = (
            message("This GPU is older than Paddle {version} supports.", version=ENGINE_VERSION)
            if capability < (6, 0)
            else message("Update NVIDIA's driver: this one is too old for the GPU builds.")
        )
        return Check(name, "warning", detail, (fix,))
    if installed:
        return Check(name, "ok", detail)
    return Check(name, "info", detail, gpu_installation(build))


def installed_version(name: str) -> str | None:
    """Return the version of a distribution, None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _version(text: str | None) -> tuple[int, int]:
    major, _, minor = (text or "0.0").partition(".")
    return int(major), int(minor or 0)
