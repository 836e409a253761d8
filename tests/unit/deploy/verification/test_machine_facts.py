"""What is said of the machine, and the warning on those whose 8-bit products overflow."""

from __future__ import annotations

import dataclasses

import pytest

from core.deploy.verification import machine_facts
from core.deploy.verification.machine_facts import instruction_sets, int8_warnings, this_machine

FACTS = {"runtime": "onnxruntime", "version": "1.2", "threads": 3, "precision": "int8"}


def test_this_machine_is_named():
    machine = this_machine(**FACTS)
    assert machine.processor
    assert (machine.runtime, machine.runtime_version, machine.threads) == ("onnxruntime", "1.2", 3)
    assert machine.cores >= 1
    assert isinstance(machine.products_overflow, bool)
    assert this_machine(**{**FACTS, "runtime": "openvino"}).products_overflow is None
    assert machine.to_dict()["instruction_sets"] == list(machine.instruction_sets)


def test_instruction_sets_bear_one_name_however_they_are_spelt():
    flags = ["avx2", "avx512vnni", "avx512_vnni", "avx_vnni", "amx_int8", "fpu"]
    assert instruction_sets(flags) == ("AVX2", "AVX-512 VNNI", "AVX-VNNI", "AMX INT8")


def test_a_processor_that_tells_nothing(monkeypatch):
    machine_facts._processor.cache_clear()
    monkeypatch.setattr("cpuinfo.get_cpu_info", lambda: {})
    try:
        machine = this_machine(**FACTS)
        assert machine.processor and machine.instruction_sets == ()
    finally:
        machine_facts._processor.cache_clear()


@pytest.mark.parametrize(
    ("overflow", "sets", "runtime", "expected"),
    [
        (True, ("AVX2",), "onnxruntime", "session.x64quantprecision=1"),
        (False, ("AVX2", "AVX-512 VNNI"), "onnxruntime", "computed with VNNI"),
        (False, ("AVX2", "AVX-512 VNNI"), "openvino", None),
        (False, (), "onnxruntime", None),
    ],
)
def test_the_way_out_of_overflowing_products_is_named(overflow, sets, runtime, expected):
    machine = dataclasses.replace(
        this_machine(**FACTS), products_overflow=overflow, instruction_sets=sets, runtime=runtime
    )
    texts = [str(one) for one in int8_warnings(machine)]
    assert (expected is None and not texts) or (len(texts) == 1 and expected in texts[0])
