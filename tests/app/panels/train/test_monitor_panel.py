"""The training monitor on recorded runs: curves, masks, facts, and the same after a restart."""

from __future__ import annotations

import numpy as np
import pytest
from curve_parts import draw_now, drawn, legend_value, points
from PySide6.QtCore import QPointF
from recorded_runs import STEPS_PER_EPOCH, append, make_project, record_training, training_events

from app.panels.train.monitor_panel import MonitorPanel
from app.services.targets import SetUpTraining
from core.runs.events import Cancelled, Done, Failed, Metric, Paused, Progress, Started, Warned

LOSS, RATE, MIOU = "train/loss", "train/lr", "val/miou"


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "项目 1")
    yield made
    made.close()


@pytest.fixture
def show(qtbot, context, project):
    """Return a function that opens a new panel on the project, as a new window would."""
    panels = []

    def make() -> MonitorPanel:
        panel = MonitorPanel(context)
        panels.append(panel)
        panel.resize(1100, 800)
        panel.set_project(project)
        panel.show()
        settle(qtbot, panel)
        return panel

    yield make
    for panel in panels:
        panel.shut_down()
        panel.close()
        panel.deleteLater()


def settle(qtbot, panel) -> None:
    qtbot.waitUntil(lambda: not panel.busy, timeout=20_000)
    draw_now(panel.charts)


def pictures(panel) -> list[bytes]:
    shown = []
    for picture in (*panel.masks.strip.predictions, *panel.masks.strip.truths):
        assert picture._pixmap is not None
        image = picture._pixmap.toImage()
        shown.append(bytes(image.constBits()))
    return shown


def test_recorded_run_is_drawn(project, show) -> None:
    _, run = record_training(project, epochs=3, end=Done({"miou": 0.7}), state="done")
    panel = show()
    expected = run.metrics()
    for plot, tag in (
        (panel.charts.loss, LOSS),
        (panel.charts.rate, RATE),
        (panel.charts.iou, MIOU),
    ):
        steps, values = points(plot, tag)
        assert steps.tolist() == expected[tag][0].tolist()
        assert values == pytest.approx(expected[tag][1])
    x, y = drawn(panel.charts.iou, "val/iou/1")
    assert x.tolist() == [1, 2, 3]  # epochs
    assert y == pytest.approx(expected["val/iou/1"][1])
    facts = {name: label.text() for name, label in panel.header.facts.items()}
    assert facts["epoch"] == "3 / 3"
    assert facts["speed"] == "6.4"
    assert facts["best"] == f"{expected[MIOU][1].max():.3f}"
    assert legend_value(panel.charts.legend, "val/iou/3") == "–"  # absent: no number


def test_adjusted_scores_are_told_beside_the_curve(qtbot, project, show) -> None:
    end = Done({"miou": 0.8125, "score_offsets": [0.0, -0.5, 0.0, 0.0]})
    _, run = record_training(project, epochs=4, state="done", end=end)
    panel = show()
    charts = panel.charts
    curve = run.metrics()[MIOU][1]
    assert legend_value(charts.legend, MIOU) == f"{curve[-1]:.3f}" != "0.812"
    assert legend_value(charts.legend, "adjusted") == panel.header.facts["best"].text() == "0.812"
    assert charts.adjusted.isVisible() and "0.812" in charts.adjusted.text()
    x, y = drawn(charts.iou, "adjusted")
    assert (x.tolist(), y.tolist()) == ([4.0], [0.8125]), "above the epoch that it was made of"
    append(run, [Started("train", 4711, "cpu", time=2000.0)])  # it goes on
    panel.job_event(str(panel._run.id), Started("train", 4711, "cpu", time=2000.0))
    settle(qtbot, panel)
    assert charts.adjusted.isHidden() and "adjusted" not in charts.iou.keys


def test_new_events_move_curves_and_masks(qtbot, project, show) -> None:
    run_id, run = record_training(project, epochs=2, state="running")
    panel = show()
    before, count = pictures(panel), len(points(panel.charts.loss, LOSS)[0])
    further = [
        event
        for event in training_events(project, run, epochs=5)
        if 2 * STEPS_PER_EPOCH < getattr(event, "step", 0) <= 3 * STEPS_PER_EPOCH
    ]
    append(run, further)
    for event in further:
        panel.job_event(str(run_id), event)
    settle(qtbot, panel)
    assert len(points(panel.charts.loss, LOSS)[0]) == count + STEPS_PER_EPOCH // 2
    after = pictures(panel)
    assert len(after) == 8
    predictions, truths = slice(0, 4), slice(4, 8)
    assert all(new != old for new, old in zip(after[predictions], before[predictions], strict=True))
    assert after[truths] == before[truths]
    assert [panel.masks.strip._files[index].step for index in range(4)] == [3 * STEPS_PER_EPOCH] * 4


def test_events_of_another_run_change_nothing(qtbot, project, show) -> None:
    run_id, run = record_training(project, epochs=2, state="running")
    panel = show()
    append(run, [Metric(LOSS, 999, 1.0)])
    panel.job_event(str(run_id + 1), Metric(LOSS, 999, 1.0))
    settle(qtbot, panel)
    assert points(panel.charts.loss, LOSS)[0].max() < 999


def test_restarted_window_shows_the_same(project, show) -> None:
    record_training(project, epochs=3, state="interrupted")
    first, second = show(), show()
    for plot in ("loss", "rate", "iou"):
        one, two = getattr(first.charts, plot), getattr(second.charts, plot)
        assert one.keys == two.keys
        for key in one.keys:
            assert np.array_equal(drawn(one, key), drawn(two, key), equal_nan=True)
    assert pictures(first) == pictures(second)
    for name, label in first.header.facts.items():
        assert label.text() == second.header.facts[name].text()


def test_interrupted_run_offers_to_resume(qtbot, monkeypatch, context, project, show) -> None:
    run_id, _ = record_training(project, epochs=2, state="interrupted")
    asked = []
    monkeypatch.setattr(context, "resume_run", asked.append)
    panel = show()
    assert "ended from outside" in panel.header.failure.text.text()
    assert panel.header.resume_button.isVisible()
    assert not panel.header.pause_button.isVisible()
    panel.header.resume_button.click()
    assert asked == [str(run_id)]


def test_failure_says_what_happened_and_what_to_do(project, show) -> None:
    failed = Failed("oom", "The memory is full.", "Choose a batch of 4 instead of 8.")
    record_training(project, epochs=2, end=failed, state="failed")
    panel = show()
    assert panel.header.failure.isVisible()
    assert panel.header.failure.text.text() == "The memory is full."
    assert panel.header.failure.advice.text() == "Choose a batch of 4 instead of 8."


def test_buttons_steer_the_job(qtbot, monkeypatch, context, project, show) -> None:
    run_id, run = record_training(project, epochs=2, state="running")
    asked = []
    for name in ("pause", "resume", "stop", "request_preview"):
        monkeypatch.setattr(
            context.jobs, name, lambda run, name=name: asked.append((name, run)) or True
        )
    panel = show()
    panel.header.pause_button.click()
    context.run_state_changed.emit(str(run_id), "paused")
    assert panel.header.continue_button.isVisible()
    panel.header.continue_button.click()
    context.run_state_changed.emit(str(run_id), "running")
    panel.masks.redraw_button.click()
    panel.header.stop_button.click()
    assert [name for name, _ in asked] == ["pause", "resume", "request_preview", "stop"]
    assert {run for _, run in asked} == {str(run_id)}
    append(run, [Cancelled("user")])
    context.run_state_changed.emit(str(run_id), "cancelled")
    assert panel.header.resume_button.isVisible()
    assert not panel.header.stop_button.isVisible()


def test_run_of_another_window_is_told(monkeypatch, context, project, show) -> None:
    record_training(project, epochs=2, state="running")
    panel = show()
    panel.header.pause_button.click()  # no thread of this window owns it
    assert "Another window" in panel.steering.hint.text()
    assert panel.steering.hint.isVisible()


def test_masks_are_asked_for_every_so_many_steps(
    qtbot, monkeypatch, context, project, show
) -> None:
    run_id, run = record_training(project, epochs=2, state="running")
    asked = []
    monkeypatch.setattr(context.jobs, "request_preview", lambda run: asked.append(run) or True)
    panel = show()
    panel.masks.every_box.setCurrentIndex(panel.masks.every_box.findData(10))
    for step in (24, 28, 36):
        event = Progress(step, 40, 1.0, epoch=3, epochs=4)
        append(run, [event])
        panel.job_event(str(run_id), event)
        settle(qtbot, panel)
    assert asked == [str(run_id), str(run_id)]  # at 24 (first) and at 36, not at 28


def test_legend_hides_a_curve_and_hovering_reads_values(project, show) -> None:
    _, run = record_training(project, epochs=4, state="done", end=Done({}))
    panel = show()
    charts = panel.charts
    charts.legend.toggle("val/iou/1")
    draw_now(charts)
    assert len(drawn(charts.iou, "val/iou/1")[0]) == 0
    steps, values = run.metrics()[MIOU]
    charts.iou.hovered.emit(float(steps[1]) + 1)
    assert legend_value(charts.legend, MIOU) == f"{values[1]:.3f}"
    assert charts.iou_value.text() == "epoch 2.1"
    charts.iou.hovered.emit(None)
    assert legend_value(charts.legend, MIOU) == f"{values[-1]:.3f}"


def test_pointer_over_a_curve_is_told_in_steps(qtbot, project, show) -> None:
    record_training(project, epochs=4, state="done", end=Done({}))
    plot = show().charts.iou
    told = []
    plot.hovered.connect(told.append)
    box = plot.plot.getPlotItem().getViewBox()
    box.updateAutoRange()
    plot.plot.scene().sigMouseMoved.emit(box.mapViewToScene(QPointF(2.0, 0.5)))
    qtbot.waitUntil(lambda: bool(told), timeout=5000)
    assert told[-1] == pytest.approx(2 * STEPS_PER_EPOCH, rel=0.01)


def test_axis_and_smoothing(project, show) -> None:
    _, run = record_training(project, epochs=3, state="done", end=Done({}))
    panel = show()
    panel._inspector.axis_box.setCurrentIndex(1)
    panel._inspector.slider.setValue(0)
    draw_now(panel.charts)
    x, y = drawn(panel.charts.loss, LOSS)
    steps, values = run.metrics()[LOSS]
    assert x.tolist() == steps.tolist()
    assert y == pytest.approx(values)
    panel._inspector.slider.setValue(90)
    draw_now(panel.charts)
    smoothed = drawn(panel.charts.loss, LOSS)[1]
    assert np.abs(np.diff(smoothed)).sum() < 0.7 * np.abs(np.diff(values)).sum()


def test_another_run_is_drawn_dashed_over_the_same_epochs(qtbot, project, show) -> None:
    record_training(project, epochs=5, state="done", end=Done({}))
    record_training(project, epochs=3, state="done", end=Done({}))
    panel = show()
    box = panel._inspector.compare_box
    assert box.count() == 2
    box.setCurrentIndex(1)
    settle(qtbot, panel)
    x, _ = drawn(panel.charts.iou, "other val/miou")
    assert x.tolist() == [1, 2, 3, 4, 5]
    box.setCurrentIndex(0)
    assert "other val/miou" not in panel.charts.iou.keys


def test_difference_view_shows_other_pictures(project, show) -> None:
    record_training(project, epochs=2, state="done", end=Done({}))
    panel = show()
    before = pictures(panel)
    panel.masks.views.button(1).click()
    after = pictures(panel)
    assert all(new != old for new, old in zip(after[:4], before[:4], strict=True))
    panel.masks.truth_box.setChecked(False)
    assert not any(picture.isVisible() for picture in panel.masks.strip.truths)


def test_warnings_pauses_and_log_are_shown(qtbot, project, show) -> None:
    run_id, run = record_training(project, epochs=1, state="running")
    run.log_path.write_text("读取 data\nepoch 1\n", encoding="utf-8")
    panel = show()
    event = Warned("Class stain never occurs.", "Class {name} never occurs.", {"name": "stain"})
    append(run, [event, Paused(True)])
    panel.job_event(str(run_id), event)
    settle(qtbot, panel)
    assert panel._inspector.warnings.text() == "Class stain never occurs."
    panel.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: panel.log.toPlainText() == "读取 data\nepoch 1\n", timeout=5000)


def test_project_without_runs_invites_to_start_one(qtbot, context, show) -> None:
    panel = show()
    with qtbot.waitSignal(context.navigate_requested) as signal:
        panel._on_new_run()
    assert signal.args == [SetUpTraining()]
    assert panel._stack.currentIndex() == 0
