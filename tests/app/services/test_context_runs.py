"""What the window knows of a run from its kind: its name, its panel, whether it goes on."""

from __future__ import annotations

import pytest
from project_samples import project

from app.look.translation import set_language
from app.services.context import AppContext
from app.services.targets import LabelImage, ShowTraining
from app.shell.steps import STEPS
from core.project import Project
from core.runs.kinds import JOB_KINDS, DraftSpec
from core.runs.run_folder import RunFolder

__all__ = ["project"]


@pytest.fixture
def context(qapp, project: Project):
    context = AppContext()
    folder = project.folder
    project.close()
    context.open_project(folder)
    yield context
    context.shut_down()


def test_every_kind_has_a_panel_that_exists():
    panels = {panel.key for step in STEPS for panel in step.panels}
    assert {kind.panel for kind in JOB_KINDS} <= panels


def test_an_earlier_run_of_drafts_goes_on_and_is_shown_with_the_labels(context: AppContext):
    assert context.project is not None
    row = context.project.new_run("prelabel", "UNet")
    RunFolder.create(row.folder, DraftSpec(model_dir=row.folder, images=[row.folder / "a.png"]))
    context.project.set_run_state(row.id, "interrupted")
    shown = context.shown_job.view()
    assert shown is not None
    assert shown.name == f"{row.name} · drafts"
    set_language("zh_CN")
    assert context.shown_job.view().name == f"{row.name} · 草稿"
    went = []
    context.navigate_requested.connect(went.append)
    context.show_run(shown.run_id)
    assert went == [LabelImage()]


def test_a_run_of_a_later_version_is_listed(context: AppContext):
    assert context.project is not None
    row = context.project.new_run("paint", "UNet")
    went = []
    context.navigate_requested.connect(went.append)
    context.show_run(str(row.id))
    assert went == [ShowTraining(row.id)]
    assert context.shown_job.view() is None
