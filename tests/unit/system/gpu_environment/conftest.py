"""Environments of the tests lie in the test's own folder; no GPU is here unless a test has one."""

from __future__ import annotations

import gpu_parts
import pytest

from core.system.gpu_environment import worker_entry


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "家 home"))
    monkeypatch.setattr(worker_entry._Process, "left_out", False)
    gpu_parts.unset_driver(monkeypatch)


@pytest.fixture
def card(monkeypatch):
    gpu_parts.set_driver(monkeypatch)


@pytest.fixture
def index(tmp_path):
    made = gpu_parts.PackageIndex(tmp_path / "index")
    yield made
    made.close()
