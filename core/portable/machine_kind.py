"""What a machine is, as far as it decides what a network computes: read without packages."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from .onnx_sessions import products_overflow
from .runtimes import Runtime

#: Instruction sets that decide how a network is computed; as systems spell them, as people do.
INSTRUCTION_SETS: Final = {
    "sse4_2": "SSE4.2",
    "avx": "AVX",
    "avx2": "AVX2",
    "fma": "FMA",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX-VNNI",
    "avxvnni": "AVX-VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_int8": "AMX INT8",
    "amx_bf16": "AMX BF16",
    "asimd": "NEON",
    "asimddp": "NEON dot product",
    "i8mm": "I8MM",
    "sve": "SVE",
}
#: Windows: numbers of IsProcessorFeaturePresent.
_WINDOWS: Final = {"sse4_2": 38, "avx": 39, "avx2": 40, "avx512f": 41, "asimddp": 43}
_MACOS: Final = {
    "hw.optional.arm.FEAT_DotProd": "asimddp",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.neon": "asimd",
    "hw.optional.AdvSIMD": "asimd",
    "hw.optional.avx2_0": "avx2",
    "hw.optional.avx512f": "avx512f",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineKind:
    """What computed.

    Attributes:
        processor: its name.
        architecture: such as ``"x86_64"``.
        instruction_sets: those that matter to networks; empty where the system does not tell.
        system: operating system and version.
        cores: logical ones.
        python: version.
        libraries: versions of numpy and OpenCV.
        runtime: ``"onnxruntime"`` or ``"openvino"``.
        runtime_version: of it.
        precision: what most numbers are on the way.
        threads: that compute.
        products_overflow: whether ONNX Runtime's own 8-bit products lose their largest values
            here, so that int8 models are computed in a slower way that is right; None where
            another runtime computes.
    """

    processor: str
    architecture: str
    instruction_sets: tuple[str, ...]
    system: str
    cores: int
    python: str
    libraries: dict[str, str]
    runtime: str
    runtime_version: str
    precision: str
    threads: int
    products_overflow: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON's types."""
        return {**asdict(self), "instruction_sets": list(self.instruction_sets)}

    @property
    def key(self) -> dict[str, Any]:
        """What two machines must have in common to compute the very same numbers."""
        names = ("processor", "instruction_sets", "runtime", "runtime_version", "precision")
        content = self.to_dict()
        return {name: content[name] for name in names}

    def __str__(self) -> str:
        sets = ", ".join(self.instruction_sets) or "instruction sets unknown"
        overflow = (
            "; its 8-bit products overflow, so int8 is computed without them"
            if self.products_overflow
            else ""
        )
        return (
            f"{self.processor} ({sets}; {self.cores} cores), {self.system}, Python {self.python}, "
            f"{self.runtime} {self.runtime_version} in {self.precision}, {self.threads} threads"
            f"{overflow}"
        )


def this_machine(runtime: Runtime) -> MachineKind:
    """Describe this machine with the runtime that computes on it."""
    name, flags = _processor()
    return MachineKind(
        processor=name,
        architecture=platform.machine(),
        instruction_sets=_names(flags),
        system=f"{platform.system()} {platform.release()}".strip(),
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        libraries={"numpy": np.__version__, "opencv": cv2.__version__},
        runtime=runtime.name,
        runtime_version=runtime.version,
        precision=runtime.compute_precision,
        threads=runtime.threads,
        products_overflow=products_overflow() if runtime.name == "onnxruntime" else None,
    )


def _names(flags: Iterable[str]) -> tuple[str, ...]:
    there = set(flags)
    return tuple(dict.fromkeys(name for flag, name in INSTRUCTION_SETS.items() if flag in there))


@cache
def _processor() -> tuple[str, tuple[str, ...]]:
    """Name and flags, as far as the system tells."""
    name = ""
    flags: tuple[str, ...] = ()
    try:
        if sys.platform == "win32":
            name, flags = _windows()
        elif sys.platform == "darwin":
            name, flags = _macos()
        else:
            name, flags = read_cpuinfo(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except (OSError, ValueError, AttributeError, subprocess.SubprocessError):
        pass  # a system that tells nothing is no reason not to compute
    return name or platform.processor() or platform.machine() or "unknown", flags


def read_cpuinfo(text: str) -> tuple[str, tuple[str, ...]]:
    """Return name and flags of the first processor in Linux's ``/proc/cpuinfo``."""
    facts: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            facts.setdefault(name.strip().lower(), value.strip())
    flags = facts.get("flags") or facts.get("features") or ""
    name = facts.get("model name") or facts.get("hardware") or ""
    if not name and "cpu part" in facts:
        name = f"ARM {facts.get('cpu implementer', '')} {facts['cpu part']}"
    return name, tuple(flags.lower().split())


def _windows() -> tuple[str, tuple[str, ...]]:
    if sys.platform != "win32":
        raise OSError("only Windows has a registry")
    import winreg

    name = ""
    place = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    with contextlib.suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
        name = str(winreg.QueryValueEx(key, "ProcessorNameString")[0])
    present = ctypes.windll.kernel32.IsProcessorFeaturePresent
    return name.strip(), tuple(flag for flag, number in _WINDOWS.items() if present(number))


def _macos() -> tuple[str, tuple[str, ...]]:
    told = subprocess.run(  # noqa: S603 - the system's own program, constant arguments
        ["/usr/sbin/sysctl", "-i", "machdep.cpu.brand_string", *_MACOS],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    ).stdout
    facts = dict(line.split(": ", 1) for line in told.splitlines() if ": " in line)
    flags = tuple(flag for name, flag in _MACOS.items() if facts.get(name) == "1")
    return facts.get("machdep.cpu.brand_string", ""), flags
