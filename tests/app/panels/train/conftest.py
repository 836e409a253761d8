"""A project with images, and a context that has it open."""

from __future__ import annotations

import pytest
from recorded_runs import make_project

from app.services.context import AppContext
from app.services.settings import SettingsStore


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "项目 1", train=4, val=2)
    yield made
    made.close()


@pytest.fixture
def context(qapp, tmp_path, project):
    made = AppContext(SettingsStore(tmp_path / "settings.json"))
    made.project = project
    yield made
    made.project = None
    made.shut_down()
