"""The loop with a real worker: set up, train, watch, stop, resume, measure, inspect."""

from __future__ import annotations

import pytest

from core.jobs.run_folder import RunFolder

WAIT_MS = 120_000


@pytest.mark.timeout(400)
def test_train_stop_resume_and_inspect_in_the_window(qtbot, opened) -> None:
    context = opened.context
    panels = opened.window.work_area.panels
    context.navigate("model")
    model = panels["model"]
    qtbot.waitUntil(lambda: not model.busy and model._preset is not None, timeout=WAIT_MS)
    model.form.width_box.setValue(64)
    model.form.height_box.setValue(64)
    model.form.batch_box.setValue(2)
    model.form.epochs_box.setValue(300)
    model.form.save_box.setValue(1)
    model.start_button.click()

    monitor = panels["monitor"]
    loss, iou = monitor.charts.loss, monitor.charts.iou
    qtbot.waitUntil(lambda: monitor._reader is not None, timeout=WAIT_MS)
    assert opened.window.work_area.current_panel is monitor
    qtbot.waitUntil(lambda: len(iou.points("val/miou")[0]) >= 2, timeout=WAIT_MS)
    strip = monitor.masks.strip
    qtbot.waitUntil(lambda: strip.predictions[0].pixmap is not None, timeout=WAIT_MS)
    monitor.header.stop_button.click()
    qtbot.waitUntil(lambda: monitor._state() == "cancelled", timeout=WAIT_MS)
    stopped_at = loss.points("train/loss")[0].max()
    assert monitor.header.resume_button.isVisible()

    monitor.header.resume_button.click()
    qtbot.waitUntil(lambda: loss.points("train/loss")[0].max() > stopped_at, timeout=WAIT_MS)
    monitor.header.stop_button.click()
    qtbot.waitUntil(lambda: monitor._state() == "cancelled", timeout=WAIT_MS)
    row = context.project.runs("train")[0]
    steps, values = RunFolder(row.folder).metrics()["train/loss"]
    assert loss.points("train/loss")[0].tolist() == steps.tolist()
    assert loss.points("train/loss")[1] == pytest.approx(values)

    monitor.header.inspect_button.click()
    inspection = panels["inspection"]
    qtbot.waitUntil(lambda: not inspection.busy, timeout=WAIT_MS)
    assert inspection.model_box.currentData().run_id == row.id
    inspection._unmeasured.button.click()
    qtbot.waitUntil(lambda: inspection.evaluation is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not inspection.busy, timeout=WAIT_MS)
    assert inspection.results.images.images.rowCount() == context.project.counts().by_subset["val"]
    assert inspection.results.viewer.picture is not None
    assert inspection.tiles["miou"].text() != "–"
