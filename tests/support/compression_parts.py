"""The Compression panel over recorded runs, with a context that only notes what is started."""

from __future__ import annotations

import pytest
import recorded_compression as recorded
from panel_parts import noting_context, settle, shown
from recorded_runs import make_project

from app.panels.compress.compression_panel import CompressionPanel

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
    with noting_context(tmp_path, project, monkeypatch) as made:
        yield made


@pytest.fixture
def panel(qtbot, context):
    made = CompressionPanel(context)
    made.choices.setParent(made)  # the window's inspector holds it otherwise
    with shown(made, (1100, 800)):
        yield made


def show(qtbot, panel, project) -> None:
    panel.set_project(project)
    settle(qtbot, panel)


def refresh(qtbot, panel) -> None:
    panel.context.runs_changed.emit()
    settle(qtbot, panel)
