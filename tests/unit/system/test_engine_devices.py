"""GPUs count where an engine for them is: of the program, or of the environment."""

from __future__ import annotations

from importlib import metadata

import gpu_parts
import pytest

from core.system import engine_devices
from core.system.engine_devices import training_devices
from core.system.gpu_environment.environment_folders import switch_off, switch_on


@pytest.fixture(autouse=True)
def card(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    gpu_parts.set_driver(monkeypatch)


def names():
    return [device.spec_name for device in training_devices()]


def test_the_programs_own_engine_decides(monkeypatch):
    monkeypatch.setattr(engine_devices, "gpu_engine_version", lambda: None)
    assert names() == ["cpu"]
    monkeypatch.setattr(engine_devices, "gpu_engine_version", lambda: "3.2.2")
    assert names() == ["gpu:0", "cpu"]


def test_the_version_is_that_of_the_build_for_gpus(monkeypatch):
    monkeypatch.setattr(metadata, "version", {"paddlepaddle-gpu": "3.2.2"}.__getitem__)
    assert engine_devices.gpu_engine_version() == "3.2.2"


def test_so_does_an_environment_that_is_on_and_well(monkeypatch):
    monkeypatch.setattr(engine_devices, "gpu_engine_version", lambda: None)
    made = gpu_parts.made_environment()
    assert names() == ["cpu"]
    switch_on(made)
    assert names() == ["gpu:0", "cpu"]
    library = made.packages / "paddle" / "base" / "libpaddle.so"
    kept = library.read_bytes()
    library.unlink()
    assert names() == ["cpu"]
    library.write_bytes(kept)
    assert names() == ["gpu:0", "cpu"]
    monkeypatch.setattr(engine_devices, "is_left_out", lambda: True)
    assert names() == ["cpu"]
    switch_off()
    monkeypatch.setattr(engine_devices, "is_left_out", lambda: False)
    assert names() == ["cpu"]
