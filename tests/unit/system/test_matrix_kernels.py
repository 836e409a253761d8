from __future__ import annotations

import os
import sys

import pytest

from core.system.matrix_kernels import mkl_cpu_type, use_fast_matrix_kernels

AVX2 = "fpu sse2 avx avx2 fma"
AVX512 = f"{AVX2} avx512f avx512cd avx512bw avx512dq avx512vl"


def cpuinfo(folder, vendor, flags):
    path = folder / "cpuinfo"
    block = f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n\n"
    path.write_text(block + block.replace(flags, "fpu"))
    return path


@pytest.mark.parametrize(
    ("vendor", "flags", "expected"),
    [
        ("AuthenticAMD", AVX512, "7"),
        ("AuthenticAMD", AVX2, "5"),
        ("AuthenticAMD", AVX2 + " avx512f", "5"),
        ("AuthenticAMD", "fpu sse2", None),
        ("GenuineIntel", AVX512, None),
    ],
)
def test_kernels_follow_the_processor(tmp_path, vendor, flags, expected):
    assert mkl_cpu_type(cpuinfo(tmp_path, vendor, flags)) == expected


def test_nothing_is_known_without_the_file(tmp_path):
    assert mkl_cpu_type(tmp_path / "missing") is None


def test_the_users_value_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    path = cpuinfo(tmp_path, "AuthenticAMD", AVX512)
    monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", "4")
    assert use_fast_matrix_kernels(path) is None
    monkeypatch.delenv("MKL_DEBUG_CPU_TYPE")
    assert use_fast_matrix_kernels(path) == "7"
    assert os.environ["MKL_DEBUG_CPU_TYPE"] == "7"


def test_other_systems_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("MKL_DEBUG_CPU_TYPE", raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert use_fast_matrix_kernels(cpuinfo(tmp_path, "AuthenticAMD", AVX512)) is None
    assert "MKL_DEBUG_CPU_TYPE" not in os.environ
