"""New labels get a subset while the window is open, told in one line that can be undone."""

from __future__ import annotations

import pytest
from project_samples import labelled, write_images

from app.panels.base import StepState
from core.advice.next_step import WORTH_A_TRAINING


@pytest.fixture
def project(application, tmp_path):
    application.context.create_project(tmp_path / "项目", "P", labels=["Crack"])
    return application.context.project


def label(application, tmp_path, prefix: str, count: int) -> None:
    labelled(
        application.context.project,
        write_images(tmp_path / "i", count, prefix=prefix),
        0,
        1,
        subset="none",
    )
    application.context.dataset_changed.emit()


def wait(application, qtbot) -> None:
    context = application.context
    panel = application.window.work_area.panels["dataset"]
    qtbot.waitUntil(lambda: not context.new_labels.busy and not panel.busy, timeout=20_000)


def reason(application, step: str) -> str:
    return application.window.work_area.rail._entries[step].reason.text()


def test_the_rail_leads_from_the_images_to_the_training(application, project, qtbot, tmp_path):
    rail = application.window.work_area.rail
    qtbot.waitUntil(lambda: reason(application, "data") == "Import images first.")
    assert not rail.next_button.isVisibleTo(rail)  # the step in front is the one to do
    project.add_images(write_images(tmp_path / "i", 12, prefix="more"))
    label(application, tmp_path, "first", 3)
    wait(application, qtbot)
    qtbot.waitUntil(lambda: rail.next_button.text() == "Next: Label")
    assert rail.next_button.isVisibleTo(rail)
    assert reason(application, "train") == "Label 2 more images."
    rail.next_button.click()
    assert application.window.work_area.current_panel.key == "labelling"
    label(application, tmp_path, "second", 8)
    wait(application, qtbot)
    assert reason(application, "train") == "Ready to train."
    assert project.counts().by_subset == {"train": 9, "val": 2, "test": 0, "none": 12}
    status = application.window.work_area.panels["model"].status()
    assert status.state is StepState.NEXT


def test_it_is_told_once_and_undone_for_good(application, project, qtbot, tmp_path):
    notice = application.window.work_area.notice
    label(application, tmp_path, "a", 6)
    wait(application, qtbot)
    assert notice.text.text().startswith("Divided: 5 images to train on, 1 to validate. They stay")
    notice.action.click()
    wait(application, qtbot)
    assert project.counts().by_subset["none"] == 6
    assert not project.divides_itself
    label(application, tmp_path, "b", 6)
    wait(application, qtbot)
    assert project.counts().by_subset["none"] == 12
    box = application.window.work_area.panels["dataset"]._inspector.split.by_itself
    assert not box.isChecked()
    box.click()
    wait(application, qtbot)
    assert project.counts().by_subset["none"] == 0


def test_one_more_label_is_no_news(application, project, qtbot, tmp_path):
    label(application, tmp_path, "a", 6)
    wait(application, qtbot)
    application.window.work_area.notice.clear()
    label(application, tmp_path, "b", 1)
    wait(application, qtbot)
    assert project.counts().by_subset["none"] == 0
    assert not application.window.work_area.notice.isVisible()


def test_new_labels_lead_back_to_the_training(application, project, qtbot, tmp_path):
    label(application, tmp_path, "first", 8)
    wait(application, qtbot)
    run = project.new_run("train", "FastSCNN", revision=project.create_revision())
    project.set_run_state(run.id, "done")
    application.context.run_state_changed.emit(str(run.id), "done")
    status = application.window.work_area.panels["model"].status
    assert (status().state, str(status().reason)) == (StepState.DONE, "A model is trained.")
    label(application, tmp_path, "more", 8)
    wait(application, qtbot)
    assert project.labelled_since(run) >= WORTH_A_TRAINING
    assert status().state is StepState.NEXT
    assert str(status().reason).endswith("images labelled since the last training.")
