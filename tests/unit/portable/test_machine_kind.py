"""The machine's name and instruction sets, without packages."""

from __future__ import annotations

import json
import platform
import sys

import cpuinfo
import pytest
from line_models import write_line_model

from core.portable.line_predictor import LinePredictor
from core.portable.machine_kind import read_cpuinfo, this_machine

INTEL = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Core(TM) i5-7500
flags\t\t: fpu sse4_2 avx avx2 fma

processor\t: 1
model name\t: another
flags\t\t: avx512f
"""
ARM = """processor\t: 0
Features\t: fp asimd asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd0c
"""


def test_what_linux_tells():
    name, flags = read_cpuinfo(INTEL)
    assert (name, flags) == ("Intel(R) Core(TM) i5-7500", ("fpu", "sse4_2", "avx", "avx2", "fma"))
    assert read_cpuinfo(ARM) == ("ARM 0x41 0xd0c", ("fp", "asimd", "asimddp"))
    assert read_cpuinfo("") == ("", ())


@pytest.mark.skipif(sys.platform != "linux", reason="compared with what Linux tells")
def test_this_machine_is_described_as_others_describe_it(tmp_path):
    write_line_model(tmp_path)
    machine = this_machine(LinePredictor(tmp_path, threads=1).runtime)
    facts = cpuinfo.get_cpu_info()
    assert machine.processor == facts["brand_raw"]
    assert ("AVX2" in machine.instruction_sets) == ("avx2" in facts["flags"])
    assert ("AVX-512 VNNI" in machine.instruction_sets) == (
        not {"avx512_vnni", "avx512vnni"}.isdisjoint(facts["flags"])
    )
    assert (machine.threads, machine.architecture) == (1, platform.machine())
    assert json.loads(json.dumps(machine.to_dict())) == machine.to_dict()
    for part in (machine.processor, machine.runtime_version, "float32", "1 threads"):
        assert part in str(machine)


@pytest.mark.parametrize("overflows", [True, False])
def test_products_that_overflow_are_told(tmp_path, monkeypatch, overflows):
    write_line_model(tmp_path)
    monkeypatch.setattr("core.portable.machine_kind.products_overflow", lambda: overflows)
    machine = this_machine(LinePredictor(tmp_path).runtime)
    assert machine.products_overflow is overflows
    assert ("overflow" in str(machine)) is overflows
    other = this_machine(LinePredictor(tmp_path, runtime="openvino").runtime)
    assert other.products_overflow is None


def test_a_machine_that_tells_nothing_still_computes(tmp_path, monkeypatch):
    from core.portable import machine_kind

    def refuse(_text):
        raise OSError("no such file")

    monkeypatch.setattr(machine_kind, "read_cpuinfo", refuse)
    machine_kind._processor.cache_clear()
    monkeypatch.setattr(machine_kind.sys, "platform", "linux")
    try:
        write_line_model(tmp_path)
        machine = this_machine(LinePredictor(tmp_path).runtime)
        assert machine.processor and machine.instruction_sets == ()
        assert "instruction sets unknown" in str(machine)
    finally:
        machine_kind._processor.cache_clear()
