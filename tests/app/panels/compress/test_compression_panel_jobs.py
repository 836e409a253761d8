"""Compression panel: sensitivity, pruning, quantising and the curves of fine-tuning."""

from __future__ import annotations

import pytest
import recorded_compression as recorded
from compression_parts import context, panel, project, refresh, root, settle, show
from curve_parts import points
from PySide6.QtCore import QPointF, Qt
from recorded_runs import append

from app.panels.compress.compression_inspector import Strategy
from app.panels.compress.compression_page import View
from app.services.targets import ShowCompression
from core.project.run_start import prepare_run
from core.runs.events import Metric
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

__all__ = ["context", "panel", "project", "root"]

FIRST, SECOND, LAST = recorded.GROUPS


# Sensitivity


def test_curves_grow_while_the_analysis_works(qtbot, panel, project, root) -> None:
    run_id, run = recorded.record_sensitivity(project, root, share=0.4)
    show(qtbot, panel, project)
    view = panel.page.sensitivity
    assert view.plot.groups == [FIRST, SECOND]
    assert view.bar.isVisibleTo(view)
    assert not view.start_button.isEnabled()
    assert panel.choices.prune.strategy is Strategy.GLOBAL

    append(run, [Metric(f"sensitivity/{LAST}", 10, 0.25)])
    panel.job_event(str(run_id), Metric(f"sensitivity/{LAST}", 10, 0.25))
    settle(qtbot, panel)
    assert view.plot.loss_at(LAST, 0.1) == pytest.approx(0.25)

    append(run, list(recorded.sensitivity_events())[1:])
    recorded.finish_sensitivity(project, run_id, run)
    refresh(qtbot, panel)
    assert groups(view) == [FIRST, SECOND, LAST]  # the steepest first
    assert not view.bar.isVisibleTo(view)
    assert panel.choices.prune.strategy is Strategy.SENSITIVITY


def test_a_click_on_the_job_shows_the_analysis(qtbot, panel, project, root, context) -> None:
    recorded.record_model(project)
    show(qtbot, panel, project)
    assert panel.current.folder != root
    run_id, _ = recorded.record_sensitivity(project, root, share=0.4)
    context.navigate_requested.connect(panel.navigate)
    context.show_run(str(run_id))
    settle(qtbot, panel)
    assert panel.current.folder == root
    assert panel.page.tabs.currentIndex() == View.SENSITIVITY


def test_the_list_sorts_and_the_chosen_curve_is_the_chosen_row(qtbot, panel, project, root) -> None:
    recorded.record_sensitivity(project, root)
    show(qtbot, panel, project)
    panel.page.show_view(View.SENSITIVITY)
    view = panel.page.sensitivity
    view.list.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert groups(view) == [LAST, SECOND, FIRST]
    view.plot.redraw()
    box = view.plot.plot.getPlotItem().getViewBox()
    qtbot.waitUntil(lambda: box.viewRange()[1][1] > 60)
    near_first = box.mapViewToScene(QPointF(80, 100 * recorded.losses(0, 0.8) - 1))
    assert view.plot.group_at(near_first) == FIRST
    assert view.plot.group_at(box.mapViewToScene(QPointF(40, 55))) is None
    qtbot.mouseClick(
        view.plot.plot.viewport(),
        Qt.MouseButton.LeftButton,
        pos=view.plot.plot.mapFromScene(near_first),
    )
    assert view.list.current == view.plot.current == FIRST
    assert "learning_to_downsample.conv" in view.reading.text()
    view.list.select(LAST)
    assert view.plot.current == LAST
    near_second = box.mapViewToScene(QPointF(80, 100 * recorded.losses(1, 0.8) + 1))
    with qtbot.waitSignal(view.plot.hovered) as pointed:
        view.plot.plot.scene().sigMouseMoved.emit(near_second)
    assert pointed.args == [SECOND]
    assert "global_feature_extractor.bottleneck1" in view.reading.text()
    view.plot.hovered.emit(None)
    assert "classifier.dsconv1" in view.reading.text()


@pytest.mark.parametrize("fast", [True, False])
def test_an_analysis_is_fast_unless_asked_otherwise(
    qtbot, panel, project, root, context, fast
) -> None:
    show(qtbot, panel, project)
    view = panel.page.sensitivity
    if not fast:
        view.mode_box.setCurrentIndex(1)
    view.empty.button.click()
    assert context.started == [{"kind": "sensitivity", "model_dir": root, "fast": fast}]


def test_an_analysis_without_its_costs_is_told_once(
    qtbot, panel, project, root, context, monkeypatch
) -> None:
    _, run = recorded.record_sensitivity(project, root)
    (run.path / "pruning_costs.json").unlink()
    errors = []
    context.error_occurred.connect(errors.append)
    show(qtbot, panel, project)
    refresh(qtbot, panel)
    assert [isinstance(error, InputError) for error in errors] == [True]
    assert panel.page.sensitivity.plot.groups == [FIRST, SECOND, LAST]


# Pruning


def test_the_slider_predicts_loss_and_channels(qtbot, panel, project, root) -> None:
    show(qtbot, panel, project)
    box = panel.choices.prune
    assert box.flops.loss.text() == "–"
    assert "Analyse" in box.flops.note.text()
    recorded.record_sensitivity(project, root)
    refresh(qtbot, panel)
    predicted = []
    for percent in (20, 60):
        box.flops.slider.setValue(percent)
        found = panel.analysis.estimate()
        assert recorded.COSTS.removed(found.ratios) == pytest.approx(percent / 100, abs=1e-6)
        assert box.flops.loss.text() == f"{100 * found.loss:.1f} %"
        gone = sum(recorded.COSTS.gone(found.ratios).values())
        assert box.flops.channels.text() == f"{gone} of 224"
        predicted.append((found.loss, gone))
    assert predicted[0] < predicted[1]
    rows = panel.page.sensitivity.list
    texts = {rows.item(row, 0).toolTip(): rows.item(row, 2).text() for row in range(3)}
    left = 128 - recorded.COSTS.gone(found.ratios)[LAST]
    assert texts[LAST] == f"128 → {left}"
    box.strategy_box.setCurrentIndex(1)
    assert box.flops.loss.text() == "–"
    assert rows.item(0, 2).text().isdigit()


def test_pruning_takes_over_what_was_chosen_and_how_the_model_was_trained(
    qtbot, panel, project, root, context, tmp_path
) -> None:
    _, run = recorded.record_sensitivity(project, root)
    show(qtbot, panel, project)
    box = panel.choices.prune
    box.flops.slider.setValue(55)
    box.epochs.setValue(7)
    box.button.click()
    (fields,) = context.started
    assert fields["sensitivity"] == run.path
    assert (fields["flops"], fields["finetune_epochs"]) == (0.55, 7)
    assert (fields["strategy"], fields["batch_size"]) == ("sensitivity", 4)
    assert fields["image_size"] == (128, 96)
    row = prepare_run(project, fields)
    assert RunFolder(row.folder).spec.flops == 0.55
    assert not box.button.isEnabled()


def test_a_smaller_model_is_not_pruned_again_but_quantised(
    qtbot, panel, project, root, context
) -> None:
    pruned = recorded.record_pruning(project, root, None)
    both = recorded.record_quantization(project, pruned, None, removed=0.4)
    show(qtbot, panel, project)
    panel.page.variants.table.select(pruned)
    assert not panel.choices.prune.button.isEnabled()
    assert "trained model" in panel.choices.prune.reason.text()
    panel.choices.quantize.button.click()
    (fields,) = context.started
    assert (fields["kind"], fields["model_dir"], fields["epochs"]) == ("quantize", pruned, 0)
    spec = RunFolder(prepare_run(project, fields).folder).spec
    assert spec.epochs == 0

    context.run_started.emit("9")
    panel.page.variants.table.select(both)
    assert not panel.choices.quantize.button.isEnabled()
    assert panel.choices.quantize.reason.text()


def test_quantising_in_training_asks_for_epochs(qtbot, panel, project, root, context) -> None:
    show(qtbot, panel, project)
    box = panel.choices.quantize
    assert not box.epochs.isVisibleTo(box)
    box.ways.cards[1].button.click()
    assert box.epochs.isVisibleTo(box)
    box.epochs.setValue(4)
    box.button.click()
    assert context.started[0]["epochs"] == 4


def test_a_job_that_cannot_start_gives_the_buttons_back(
    qtbot, panel, project, root, context
) -> None:
    show(qtbot, panel, project)
    panel.choices.prune.button.click()
    assert not panel.choices.prune.button.isEnabled()
    context.error_occurred.emit(InputError("No subset."))
    assert panel.choices.prune.button.isEnabled()


# Curves


def test_fine_tuning_draws_its_curves(qtbot, panel, project, root) -> None:
    recorded.record_pruning(project, root, None)
    run_id = project.runs("prune")[0].id
    recorded.record_quantization(project, root, None)  # trains nothing: no curves
    show(qtbot, panel, project)
    assert panel.page.curves.run_box.count() == 1
    panel.navigate(ShowCompression(run_id))
    settle(qtbot, panel)
    assert panel.page.tabs.currentIndex() == View.CURVES
    steps, _ = points(panel.page.curves.charts.loss, "train/loss")
    assert len(steps) == 20
    assert "0.700" in panel.page.curves.note.text()
    run = RunFolder(project.run(run_id).folder)
    event = Metric("train/loss", 21, 0.1)
    append(run, [event])
    panel.job_event(str(run_id), event)
    settle(qtbot, panel)
    assert len(points(panel.page.curves.charts.loss, "train/loss")[0]) == 21


def groups(view) -> list[str]:
    """The channel groups of the list from top to bottom."""
    return [view.list.item(row, 0).toolTip() for row in range(view.list.rowCount())]
