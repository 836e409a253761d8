"""Does this machine have what the program needs? Plain words, and a way out for each problem.

Whatever may crash (the engine's native code, Qt's system libraries) is tried in a process of its
own, see ``core.system.doctor.probes``.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import psutil

from core.system.devices import DeviceInfo, list_devices
from core.system.doctor import probes as doctor_probes
from core.system.gpu_environment.build_choice import ENGINE_VERSION, build_for, no_build_reason
from core.system.gpu_environment.environment_folders import (
    GpuEnvironment,
    environment_problem,
    switched_on,
)
from core.system.messages import Message, message
from core.system.probe_process import ProbeResult, run_probe

Severity = Literal["ok", "info", "warning", "error"]
_GIB = 1 << 30
_LIBRARIES = {  # Debian's package for each system library that Qt loads
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, how it is, and what to do if it is not well."""

    name: str
    severity: Severity
    detail: Message
    fix: tuple[Message, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it with ``--json``."""
        return {
            "name": self.name,
            "severity": self.severity,
            "detail": str(self.detail),
            "fix": [str(step) for step in self.fix],
        }


def examine(folder: Path | None = None) -> Iterator[Check]:
    """Yield one finding after the other; takes some seconds.

    Args:
        folder: where data and runs go (room on its disk, its name); None: the current folder.
    """
    yield from _alone("python", check_python)
    yield from _alone("system", check_system)
    yield from _alone("processor", check_processor)
    yield from _alone("memory", check_memory)
    yield from _alone("disk", lambda: check_disk((folder or Path.cwd()).absolute()))
    if sys.platform == "linux":
        yield from _alone("shared_memory", check_shared_memory)
    yield from _alone("engine", lambda: check_engine(_installed))
    yield from _alone(
        "window", lambda: check_window_libraries(run_probe(doctor_probes.start_window_system))
    )
    yield from _alone("display", check_display)
    yield from _alone(
        "gpu",
        lambda: check_gpus(list_devices(), gpu_build_installed=_installed("paddlepaddle-gpu")),
    )


def _alone(name: str, look: Callable[[], Check | Iterable[Check]]) -> Iterator[Check]:
    """Look at one thing; where that fails the others must still be told."""
    try:
        found = look()
        yield from ([found] if isinstance(found, Check) else found)
    except Exception as error:  # systems differ in what they refuse to say, and how
        yield Check(
            name,
            "warning",
            message(
                "this could not be looked at: {problem}",
                problem=" ".join(f"{type(error).__name__}: {error}".split())[:300],
            ),
        )


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """3.11 and 3.12, 64 bits."""
    text = ".".join(str(part) for part in version)
    detail = message("Python {version}, {bits} bits", version=text, bits=_bits())
    if (3, 11) <= tuple(version[:2]) < (3, 13) and _bits() == 64:
        return Check("python", "ok", detail)
    return Check(
        "python",
        "error",
        detail,
        (message("Use Python 3.11 or 3.12 for 64 bits: uv run --python 3.12 main.py"),),
    )


def check_system() -> Check:
    """Operating system and processor architecture; the engine has no build for others."""
    detail = message(
        "{system} {release} on {machine}",
        system=platform.system(),
        release=platform.release(),
        machine=platform.machine(),
    )
    machine = platform.machine().lower()
    supported = machine in ("x86_64", "amd64") or (
        machine in ("arm64", "aarch64") and sys.platform in ("darwin", "linux")
    )
    if not supported:
        return Check(
            "system",
            "error",
            detail,
            (message("Use a 64-bit computer with an x86 processor, or an Apple one."),),
        )
    return Check("system", "ok", detail)


def check_processor() -> Check:
    """Cores this process may use, and the instructions the engine's builds take for granted."""
    processor = list_devices()[0]
    detail = message("{name}, {cores} cores usable", name=processor.name, cores=processor.cores)
    if sys.platform == "linux" and platform.machine() == "x86_64" and not _has_avx():
        return Check(
            "processor",
            "error",
            detail,
            (message("This processor (or virtual machine) has no AVX, which the engine needs."),),
        )
    if processor.cores < 2:
        return Check(
            "processor",
            "warning",
            detail,
            (message("With one core, training slows the window down; use two or more."),),
        )
    return Check("processor", "ok", detail)


def check_memory() -> Check:
    """Memory that is free now, and swap."""
    processor = list_devices()[0]
    if not processor.free_bytes:
        return Check("memory", "info", message("the system does not say how much memory is free"))
    try:
        swap = f"{psutil.swap_memory().total / _GIB:.1f}"
    except Exception:  # Windows without performance counters: RuntimeError
        swap = "?"
    detail = message(
        "{free} GiB of {total} GiB memory free, {swap} GiB swap",
        free=f"{processor.free_bytes / _GIB:.1f}",
        total=f"{processor.memory_bytes / _GIB:.1f}",
        swap=swap,
    )
    if processor.free_bytes < 2 * _GIB:
        return Check(
            "memory",
            "warning",
            detail,
            (message("Close other programs, or train with small images and a batch of 2."),),
        )
    return Check("memory", "ok", detail)


def check_disk(folder: Path) -> Check:
    """Room for runs on the disk of ``folder``, and for temporary files."""
    rooms = {place: _free_bytes(place) for place in (folder, Path(tempfile.gettempdir()))}
    detail = message(
        "{free} GiB free for {folder}, {temporary} GiB for temporary files",
        free=f"{rooms[folder] / _GIB:.1f}",
        folder=folder,
        temporary=f"{rooms[Path(tempfile.gettempdir())] / _GIB:.1f}",
    )
    least = min(rooms.values())
    if least < 2 * _GIB:
        return Check(
            "disk",
            "error" if least < _GIB // 4 else "warning",
            detail,
            (message("Free some room: a training run takes up to 1 GiB."),),
        )
    return Check("disk", "ok", detail)


def check_shared_memory(folder: Path = Path("/dev/shm")) -> Check:  # noqa: S108
    """Containers often have 64 MiB, too little for processes that load data."""
    free = _free_bytes(folder) if folder.is_dir() else 0
    detail = message("{free} MiB shared memory free", free=free >> 20)
    if free < 256 << 20:
        return Check(
            "shared_memory",
            "warning",
            detail,
            (
                message("In a container, start it with --shm-size=1g."),
                message("Or train with --set num_workers=0."),
            ),
        )
    return Check("shared_memory", "ok", detail)


def check_engine(installed: Callable[[str], str | None]) -> Iterator[Check]:
    """The engine's builds that are installed, and whether the one that is works."""
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
            (message("Install it: uv sync"),),
        )
        return
    name = "paddlepaddle" if cpu else "paddlepaddle-gpu"
    yield _judge_engine(name, version, run_probe(doctor_probes.train_one_step))


def _judge_engine(name: str, version: str, probe: ProbeResult) -> Check:
    if not probe.ok:
        return Check(
            "engine",
            "error",
            message(
                "{name} {version} does not work: {problem}",
                name=name,
                version=version,
                problem=probe.problem,
            ),
            (message("Install it anew: uv sync --reinstall-package {name}", name=name),),
        )
    detail = message(
        "{name} {version} trained one step and saved it under a Chinese name on {device}",
        name=name,
        version=version,
        device=probe.value,
    )
    if version != ENGINE_VERSION:
        fix = message("This program is tested with {version}: uv sync", version=ENGINE_VERSION)
        return Check("engine", "warning", detail, (fix,))
    return Check("engine", "ok", detail)


def check_window_libraries(probe: ProbeResult) -> Check:
    """Whether Qt starts; only the window needs it."""
    if probe.ok and not probe.value:
        return Check("window", "ok", message("Qt starts"))
    missing = str(probe.value) if probe.ok else probe.problem
    packages = sorted({package for name, package in _LIBRARIES.items() if name in missing})
    detail = message("Qt cannot start: {problem}", problem=missing)
    if packages:
        fix = message("sudo apt-get install {packages}", packages=" ".join(packages))
    else:
        fix = message("Install the system libraries that README names for Qt.")
    return Check(
        "window",
        "warning",
        detail,
        (fix, message("Until then everything but the window works from the command line.")),
    )


def check_display() -> Check:
    """Whether there is a screen to open the window on."""
    if has_display():
        return Check("display", "ok", message("there is a display"))
    return Check(
        "display", "info", message("no display here; the command line does everything without one")
    )


def has_display() -> bool:
    """Whether a window could be shown."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


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


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _bits() -> int:
    return 64 if sys.maxsize > 2**32 else 32


def _has_avx() -> bool:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True  # cannot tell; the engine's own probe will
    return " avx " in text


def _free_bytes(folder: Path) -> int:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free
