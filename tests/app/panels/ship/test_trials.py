"""A model tried on images in the Ship panel."""

from __future__ import annotations

import numpy as np
import ship_parts as parts
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog
from ship_parts import context, panel, project, refresh, root, settle, show

from app.panels.base import StepState
from app.panels.ship.outcomes import Outcome
from app.panels.ship.stage_bar import Stage
from app.panels.ship.stage_statuses import stage_statuses
from app.services.targets import (
    LabelImage,
)
from core.images.io import write_image
from core.portable.settings import Settings
from core.project import ImageQuery

__all__ = ["context", "panel", "project", "root"]


def images(project):
    return [row.path for row in project.images(ImageQuery(subset="val"))]


def trial_status(panel):
    return stage_statuses(panel.runs, panel.current, Settings())[Stage.TRY].state


def test_a_folder_is_tried_and_its_outcomes_filtered(
    qtbot, panel, project, root, context, monkeypatch
) -> None:
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.TRY)
    folder = images(project)[0].parent
    (folder / "notes.txt").write_text("no image")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: "")
    panel.page.trial.empty.button.click()
    settle(qtbot, panel)
    assert context.started == []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(folder))
    panel.page.trial.empty.button.click()
    settle(qtbot, panel)
    (fields,) = context.started
    assert (fields["kind"], fields["model_dir"], fields["source"]) == ("trial", root, str(folder))
    assert len(fields["images"]) == 10
    assert not panel.page.trial.folder_button.isEnabled()  # one is being prepared

    tried = images(project)
    parts.record_trial(project, root, subset=None, source=str(folder), images=tried, upto=2)
    refresh(qtbot, panel)
    trial = panel.page.trial
    assert str(folder) in trial.source.text()
    assert trial.progress.text().startswith("Looking at the images")
    assert len(trial.review.images) == 2
    assert panel.current.folder in panel.runs.own
    assert trial_status(panel) is StepState.NEXT  # until it is over

    missing = folder / "gone.png"
    parts.record_trial(project, root, subset=None, source="x", images=[*tried, missing])
    refresh(qtbot, panel)
    outcomes = [one.outcome for one in trial.review.images]
    assert outcomes == [Outcome.REJECT] * 6 + [Outcome.FAILED]
    trial.review.filters.choose(Outcome.FAILED)
    assert [one.image for one in trial.review.grid.images.images] == [missing]
    assert panel.trial_facts.reasons.text() == "It cannot be read."
    assert not panel.trial_facts.label_button.isVisibleTo(panel.trial_facts)
    assert trial_status(panel) is StepState.DONE
    trial.review.filters.choose(None)
    assert trial.review.grid.images.rowCount() == 7


def test_an_image_large_and_its_neighbours(qtbot, panel, project, root) -> None:
    parts.record_trial(project, root, subset=None, source="x")
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.TRY)
    review = panel.page.trial.review
    qtbot.keyClick(review.grid, Qt.Key.Key_Return)
    settle(qtbot, panel)
    assert review.large.isVisibleTo(review)
    marked = review.large.picture
    assert marked.shape == (96, 128, 3)
    review.large.views.button(1).click()
    settle(qtbot, panel)
    assert not np.array_equal(review.large.picture, marked)
    qtbot.keyClick(review.large, Qt.Key.Key_Right)
    settle(qtbot, panel)
    assert review.large.name.text() == review.images[1].image.name
    qtbot.keyClick(review.large, Qt.Key.Key_Escape)
    assert review.grid.isVisibleTo(review)
    assert review.current.image == review.images[1].image


def test_dropped_images_are_tried(qtbot, panel, project, root, context) -> None:
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.TRY)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in images(project)[:2]])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    panel.page.trial.dropEvent(event)
    settle(qtbot, panel)
    assert context.started[0]["images"] == images(project)[:2]


def test_a_folder_without_images_is_told(qtbot, panel, project, root, context, tmp_path) -> None:
    show(qtbot, panel, project)
    errors = []
    context.error_occurred.connect(errors.append)
    panel.starter.try_paths([tmp_path])
    settle(qtbot, panel)
    assert context.started == []
    assert str(tmp_path) in str(errors[0])


def test_an_image_is_brought_into_the_project_to_be_labelled(
    qtbot, panel, project, root, context, tmp_path
) -> None:
    image = tmp_path / "new.png"
    write_image(image, np.zeros((20, 20, 3), np.uint8))
    parts.record_trial(project, root, subset=None, source="x", images=[image, *images(project)])
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.TRY)
    wanted = []
    context.navigate_requested.connect(wanted.append)
    panel.trial_facts.label_button.click()
    assert wanted == [LabelImage(image)]
    assert project.find_image(image) is not None
    before = len(project.images())
    panel.page.trial.review.grid.choose(1)
    panel.trial_facts.label_button.click()
    assert len(project.images()) == before  # it was there
