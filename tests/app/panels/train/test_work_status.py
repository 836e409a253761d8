"""The rail says that a training is at work, paused or waiting, and not that one could begin."""

from __future__ import annotations

import pytest
from recorded_runs import record_training

from app.panels.base import StepState
from app.panels.train.model_panel import ModelPanel
from app.panels.train.monitor_panel import MonitorPanel


@pytest.mark.parametrize("panel_class", [ModelPanel, MonitorPanel])
def test_the_step_follows_the_training(qtbot, context, project, monkeypatch, panel_class):
    panel = panel_class(context)
    qtbot.addWidget(panel)
    panel.set_project(project)
    try:
        assert panel.status().state is StepState.NEXT
        run_id, _ = record_training(project, epochs=1, state="running")
        status = panel.status()
        assert status.state is StepState.WORKING
        assert str(status.reason) == "#1 FastSCNN is training."
        project.set_run_state(run_id, "paused")
        assert str(panel.status().reason) == "#1 FastSCNN is paused."
        project.set_run_state(run_id, "queued")
        assert panel.status().state is not StepState.WORKING  # left by an earlier window
        monkeypatch.setattr(type(context.jobs), "queued", [str(run_id)])
        assert str(panel.status().reason) == "#1 FastSCNN waits for its turn."
    finally:
        panel.shut_down()
