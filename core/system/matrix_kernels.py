"""Let Paddle's matrix library use what the processor can do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_SETTING = "MKL_DEBUG_CPU_TYPE"
_AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


def use_fast_matrix_kernels(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    """Choose MKL's kernels on AMD processors; call it before Paddle's first computation.

    Paddle brings a 2019 MKL, which gives processors of other makers than Intel its slowest
    kernels: 38 instead of 160 GFLOP/s a core were measured with AVX-512, 95 with AVX2. The
    variable is MKL's own; child processes inherit it, and a value set by the user stays.

    Returns:
        The value set; None where nothing was changed.
    """
    if sys.platform != "linux" or _SETTING in os.environ:
        return None
    value = mkl_cpu_type(cpuinfo)
    if value is not None:
        os.environ[_SETTING] = value
    return value


def mkl_cpu_type(cpuinfo: Path) -> str | None:
    """MKL's name for the best kernels of an AMD processor: "7" AVX-512, "5" AVX2; else None."""
    try:
        with cpuinfo.open(encoding="ascii", errors="replace") as lines:
            fields: dict[str, str] = {}
            for line in lines:
                name, _, value = line.partition(":")
                fields.setdefault(name.strip(), value.strip())
                if not line.strip():
                    break  # the other processors are alike
    except OSError:
        return None
    if fields.get("vendor_id") != "AuthenticAMD":
        return None
    flags = set(fields.get("flags", "").split())
    if flags >= _AVX512:
        return "7"
    return "5" if flags >= {"avx2", "fma"} else None
