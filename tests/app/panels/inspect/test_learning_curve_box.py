"""The learning curve beside the errors: asked for, followed, shown as a plot and in words."""

from __future__ import annotations

import pytest
from panel_parts import noting_context, settle, shown
from PySide6.QtCore import Qt
from recorded_runs import make_project

from app.look.translation import set_language
from app.panels.inspect.inspection_panel import InspectionPanel
from core.advice.learning_curve import LearningCurve, Point
from core.runs.event_log import EventWriter
from core.runs.events import Done, Progress
from core.runs.kinds import LearningCurveSpec
from core.runs.run_folder import RunFolder


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "项目 1")
    yield made
    made.close()


@pytest.fixture
def context(qapp, tmp_path, project, monkeypatch):
    with noting_context(tmp_path, project, monkeypatch) as made:
        yield made


@pytest.fixture
def panel(context):
    made = InspectionPanel(context)
    with shown(made, (1000, 800)):
        yield made


def _curve(labels) -> LearningCurve:
    def point(images: int, *iou: float | None) -> Point:
        return Point(images=images, labels=(images,) * 4, iou=(0.9, *iou), miou=0.5)

    return LearningCurve(
        labels=labels,
        points=(
            point(10, 0.2, 0.8, None),
            point(20, 0.3, 0.81, None),
            point(30, 0.36, 0.8, None),
        ),
        class_images=(30,) * 4,
        measured_by=(20, 20, 20, 0),
    )


def _record(project, *, done: bool = True):
    row = project.new_run("learning_curve", "")
    run = RunFolder.create(row.folder, LearningCurveSpec(data_dir=row.folder / "dataset"))
    labels = tuple(label.name for label in project.labels())
    if done:
        _end(run, labels)
        project.set_run_state(row.id, "done")
    return row.id, labels


def _end(run: RunFolder, labels) -> None:
    writer = EventWriter(run.events_path)
    writer.append(Done(_curve(labels).to_dict()))
    writer.close()


def test_it_is_asked_for_followed_and_shown(qtbot, context, project, panel):
    panel.set_project(project)
    settle(qtbot, panel)
    box = panel.curve
    assert box.isAncestorOf(box.start_button)
    assert not box.plot.isVisibleTo(box)
    assert "twice as many" in box.note.text()
    box.minutes.setValue(45)
    qtbot.mouseClick(box.start_button, Qt.MouseButton.LeftButton)
    assert context.started == [{"kind": "learning_curve", "minutes": 45}]
    assert not box.start_button.isEnabled()
    run_id, _ = _record(project, done=False)
    context.run_started.emit(str(run_id))
    settle(qtbot, panel)
    assert not box.start_button.isEnabled()
    panel.job_event(str(run_id), Progress(1500, 3000, None, "parts"))
    assert "50 %" in box.note.text()
    panel.job_event("77", Progress(2700, 3000, None, "parts"))
    assert "50 %" in box.note.text()
    labels = tuple(label.name for label in project.labels())
    _end(RunFolder(project.run(run_id).folder), labels)
    project.set_run_state(run_id, "done")
    context.run_state_changed.emit(str(run_id), "done")
    settle(qtbot, panel)
    assert box.plot.isVisibleTo(box)
    assert box.start_button.isEnabled()
    assert box.texts[1].startswith(f"{labels[1]}: with twice as many (60 instead of 30)")
    assert box.texts[-1].startswith(f"{labels[3]}: does not occur")
    # Two measured classes: what was measured, and what follows from it.
    lines = box.plot.getPlotItem().listDataItems()
    assert len(lines) == 4
    assert lines[0].getData()[1].tolist() == [0.2, 0.3, 0.36]
    panel.theme_changed()
    assert len(box.plot.getPlotItem().listDataItems()) == 4


def test_the_newest_one_is_shown_in_both_languages(qtbot, project, panel):
    _record(project)
    set_language("zh_CN")
    panel.set_project(project)
    settle(qtbot, panel)
    assert "增加一倍" in panel.curve.texts[1]
    panel.set_project(None)
    assert panel.curve.texts == []
    assert not panel.curve.start_button.isEnabled()


def test_a_refused_start_allows_another(qtbot, context, project, panel):
    panel.set_project(project)
    settle(qtbot, panel)
    qtbot.mouseClick(panel.curve.start_button, Qt.MouseButton.LeftButton)
    context.error_occurred.emit(ValueError("no validation images"))
    settle(qtbot, panel)
    assert panel.curve.start_button.isEnabled()
