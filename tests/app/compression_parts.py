"""The Compression panel over recorded runs, with a context that only notes what is started."""

from __future__ import annotations

import pytest
import recorded_compression as recorded
from recorded_runs import make_project

from app.context import AppContext
from app.panels.compression import CompressionPanel
from app.settings import SettingsStore

SMALLER = {"size_bytes": 2_900_000, "flops": 546_000_000, "latency_ms": 3.1, "miou": 0.70}


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "项目 1", train=4, val=4)
    yield made
    made.close()


@pytest.fixture
def root(project):
    return recorded.record_model(project)


@pytest.fixture
def context(qapp, tmp_path, project, monkeypatch):
    made = AppContext(SettingsStore(tmp_path / "settings.json"))
    made.project = project
    made.started = []
    monkeypatch.setattr(made, "start_run", made.started.append)
    yield made
    made.project = None
    made.shut_down()


@pytest.fixture
def panel(qtbot, context):
    made = CompressionPanel(context)
    made.choices.setParent(made)  # the window's inspector holds it otherwise
    made.resize(1100, 800)
    made.show()
    yield made
    made.shut_down()
    made.close()
    made.deleteLater()


def show(qtbot, panel, project) -> None:
    panel.set_project(project)
    settle(qtbot, panel)


def settle(qtbot, panel) -> None:
    qtbot.waitUntil(lambda: not panel.busy, timeout=20_000)


def refresh(qtbot, panel) -> None:
    panel.context.runs_changed.emit()
    settle(qtbot, panel)
