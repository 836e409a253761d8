"""The program, the system under it, processor, memory and disk."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from pathlib import Path

import psutil

from core.system.devices import list_devices
from core.system.doctor.check import Check, install_again
from core.system.installation import installation, program_version
from core.system.messages import message

_GIB = 1 << 30


def check_program() -> Check:
    """Version, and where it was installed."""
    found = installation()
    if found is None:
        return Check("program", "ok", message("Maskwright {version}", version=program_version()))
    return Check(
        "program",
        "ok",
        message(
            "Maskwright {version} ({kind}) in {folder}",
            version=found.version,
            kind=found.kind,
            folder=found.root,
        ),
    )


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """3.11 and 3.12, 64 bits."""
    text = ".".join(str(part) for part in version)
    detail = message("Python {version}, {bits} bits", version=text, bits=_bits())
    if (3, 11) <= tuple(version[:2]) < (3, 13) and _bits() == 64:
        return Check("python", "ok", detail)
    checkout = message("Use Python 3.11 or 3.12 for 64 bits: uv run --python 3.12 main.py")
    return Check("python", "error", detail, (install_again(checkout),))


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
    detail = message(
        "{name}, {cores} {cores:core|cores} usable", name=processor.name, cores=processor.cores
    )
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


def check_counters() -> Check:
    """Windows' performance counters, which tell swap and the load of the cores.

    Tools for tuning switch them off. Nothing fails without them, but a training cannot see which
    cores are idle.
    """
    try:
        psutil.swap_memory()
        psutil.cpu_times(percpu=True)
    except Exception as error:  # RuntimeError, OSError, WindowsError: as Windows likes
        return Check(
            "counters",
            "warning",
            message("off or damaged ({problem})", problem=" ".join(str(error).split())[:200]),
            (message("Run as administrator: lodctr /R — then start Windows again."),),
        )
    return Check("counters", "ok", message("on"))


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
