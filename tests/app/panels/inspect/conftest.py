"""A drawn project and the panel over it."""

from __future__ import annotations

import pytest
from inspection_parts import measured_panel
from kept_evaluations import draw_project
from panel_parts import noting_context


@pytest.fixture
def drawn(tmp_path):
    """(project, logits by image)."""
    project, logits = draw_project(tmp_path / "项目 drawn")
    yield project, logits
    project.close()


@pytest.fixture
def drawn_context(qapp, tmp_path, drawn, monkeypatch):
    with noting_context(tmp_path, drawn[0], monkeypatch) as made:
        yield made


@pytest.fixture
def drawn_panel(qtbot, drawn_context, drawn, monkeypatch):
    with measured_panel(qtbot, drawn_context, monkeypatch, *drawn) as panel:
        yield panel
