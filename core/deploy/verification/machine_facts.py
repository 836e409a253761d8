"""The machine that computes an exported file: what a report must name to mean anything."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

from core.portable.machine_kind import INSTRUCTION_SETS
from core.portable.onnx_sessions import products_overflow
from core.system.messages import Message, message

#: Those that multiply 8-bit numbers without losing any.
_WHOLE_PRODUCTS: Final = frozenset(
    {"AVX-512 VNNI", "AVX-VNNI", "AMX INT8", "NEON", "NEON dot product", "I8MM"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What computed.

    Attributes:
        processor: its name.
        architecture: such as ``"x86_64"``.
        instruction_sets: those of ``INSTRUCTION_SETS`` that it has; empty where unknown.
        cores: logical ones.
        system: operating system and version.
        runtime: ``"onnxruntime"``, ``"openvino"`` or ``"paddle"``.
        runtime_version: of it.
        threads: that computed.
        precision: what it really computes in, such as ``"float32"``, ``"int8"`` or ``"bfloat16"``.
        products_overflow: whether ONNX Runtime's own 8-bit products lose their largest values here;
            None where another runtime computed.
    """

    processor: str
    architecture: str
    instruction_sets: tuple[str, ...]
    cores: int
    system: str
    runtime: str
    runtime_version: str
    threads: int
    precision: str
    products_overflow: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON's types."""
        return {**asdict(self), "instruction_sets": list(self.instruction_sets)}

    @property
    def has_whole_products(self) -> bool:
        """Whether the processor multiplies 8-bit numbers without losing any."""
        return not _WHOLE_PRODUCTS.isdisjoint(self.instruction_sets)


def this_machine(*, runtime: str, version: str, threads: int, precision: str) -> Machine:
    """Describe this machine with the runtime that computes on it."""
    name, architecture, flags = _processor()
    return Machine(
        processor=name,
        architecture=architecture,
        instruction_sets=instruction_sets(flags),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}".strip(),
        runtime=runtime,
        runtime_version=version,
        threads=threads,
        precision=precision,
        products_overflow=products_overflow() if runtime == "onnxruntime" else None,
    )


def instruction_sets(flags: Iterable[str]) -> tuple[str, ...]:
    """Return the names of ``INSTRUCTION_SETS`` among the flags that a system tells."""
    there = set(flags)
    return tuple(dict.fromkeys(name for flag, name in INSTRUCTION_SETS.items() if flag in there))


def int8_warnings(machine: Machine) -> tuple[Message, ...]:
    """What is to be known of an int8 file on this machine, beginning with the way out."""
    if machine.products_overflow:
        return (
            message(
                "{processor} has no VNNI instructions, and ONNX Runtime's 8-bit products lose "
                "their largest values on it: the file is run with session.x64quantprecision=1, "
                "which is right and slower. Other programs must set that, too; or run it with "
                "OpenVINO, or ship the float file.",
                processor=machine.processor,
            ),
        )
    known = bool(machine.instruction_sets)
    if machine.runtime == "onnxruntime" and known and machine.has_whole_products:
        return (
            message(
                "This was computed with VNNI: on a processor without it, ONNX Runtime's 8-bit "
                "products lose their largest values unless session.x64quantprecision=1 is set. "
                "Verify the file there again."
            ),
        )
    return ()


@cache
def _processor() -> tuple[str, str, tuple[str, ...]]:
    """Name, architecture and flags; a system that tells nothing gives what Python knows."""
    try:
        import cpuinfo

        facts = cpuinfo.get_cpu_info() or {}
    except Exception:  # it parses what many systems print, and fails in as many ways
        facts = {}
    name = facts.get("brand_raw") or platform.processor() or platform.machine() or "unknown"
    return str(name), platform.machine(), tuple(map(str, facts.get("flags", ())))
