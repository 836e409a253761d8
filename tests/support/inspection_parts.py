"""The inspection panel over a project whose measurement kept its odds."""

from __future__ import annotations

from contextlib import contextmanager

from kept_evaluations import record_drawn_evaluation, record_model
from panel_parts import settle, shown

from app.panels.inspect.inspection_panel import InspectionPanel


@contextmanager
def measured_panel(qtbot, context, monkeypatch, project, logits, **fields):
    """The panel with one measured model; its folder is that of the newest training."""
    model_dir = record_model(project)
    record_drawn_evaluation(monkeypatch, project, model_dir, logits, **fields)
    with shown(InspectionPanel(context), (1100, 800)) as panel:
        panel.set_project(project)
        settle(qtbot, panel)
        yield panel


def names(panel) -> list[str]:
    """The images listed, from top to bottom."""
    return [score.image.name for score in panel.results.images.images.scores]
