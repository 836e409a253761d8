"""How things stand is told as it is."""

from __future__ import annotations

import gpu_parts

from core.system.devices import list_devices
from core.system.gpu_environment.environment_folders import part_folder, switch_off, switch_on
from core.system.gpu_environment.environment_status import gpu_status


def status():
    return gpu_status(list_devices())


def test_no_card():
    found = status()
    assert (found.gpu, found.build, found.reason, found.environment) == (None, None, None, None)
    assert not found.is_used


def test_from_nothing_to_in_use_and_back(card):
    found = status()
    assert (found.build, found.environment, found.is_begun) == ("cu126", None, False)
    part_folder("cu126").mkdir(parents=True)
    assert status().is_begun
    made = gpu_parts.made_environment()
    assert status().environment == made
    assert not status().is_on
    switch_on(made)
    assert status().is_used
    switch_off()
    assert not status().is_used


def test_a_card_that_no_build_fits(monkeypatch):
    gpu_parts.set_driver(monkeypatch, capability=(5, 0))
    found = status()
    assert found.build is None
    assert "older" in str(found.reason)


def test_one_that_is_on_but_broken_is_not_in_use(card):
    made = gpu_parts.made_environment()
    switch_on(made)
    (made.packages / "paddle" / "__init__.py").unlink()
    found = status()
    assert found.is_on
    assert not found.is_used
    assert "damaged" in str(found.problem)
