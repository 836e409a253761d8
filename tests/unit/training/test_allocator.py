from __future__ import annotations

import platform
import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from core.training.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def touch():
    memory = bytearray(48 << 20)
    memory[:: 4096] = b"x" * len(memory[:: 4096])
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_freed_memory_is_used_again_without_page_faults():
    faults = {}
    for mode in ("default", "keep"):
        command = [sys.executable, "-c", CODE, mode]
        faults[mode] = int(subprocess.run(command, capture_output=True, check=True).stdout)
    assert faults["default"] > 10_000
    assert faults["keep"] < faults["default"] / 10


def test_other_systems_are_left_alone(monkeypatch):
    from core.training.allocator import keep_freed_memory

    monkeypatch.setattr(sys, "platform", "win32")
    assert keep_freed_memory() is False
