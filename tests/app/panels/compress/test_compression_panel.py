"""The Compression panel on recorded runs: its state, variants, masks side by side, export."""

from __future__ import annotations

import numpy as np
import pytest
import recorded_compression as recorded
from compression_parts import SMALLER, context, panel, project, refresh, root, settle, show
from PySide6.QtCore import QPointF, Qt
from recorded_runs import record_evaluation, record_training

from app.panels.base import StepState
from app.panels.compress.mask_pairs import MaskPair, differing_share, render_pair
from app.services.targets import SetUpTraining, ShipModel, ShowCompression
from app.widgets.variant_names import variant_name
from core.images.io import write_image, write_mask
from core.project import Project
from core.project.run_start import prepare_run
from core.runs.events import Done, Progress
from core.runs.kind_lookup import spec_from_json
from core.runs.kinds import MeasureSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

__all__ = ["context", "panel", "project", "root"]


# Where the step stands


def test_without_a_model_the_one_next_thing_is_to_train(qtbot, panel, project, context) -> None:
    assert panel.status().state is StepState.BLOCKED
    show(qtbot, panel, project)
    assert panel.status().state is StepState.BLOCKED
    wanted = []
    context.navigate_requested.connect(wanted.append)
    panel.page._empty.button.click()
    assert wanted == [SetUpTraining()]
    assert not panel.choices.prune.button.isEnabled()


def test_the_step_is_next_with_a_model_and_done_with_a_smaller_one(
    qtbot, panel, project, root
) -> None:
    show(qtbot, panel, project)
    assert panel.status().state is StepState.NEXT
    recorded.record_pruning(project, root, None)
    refresh(qtbot, panel)
    assert panel.status().state is StepState.DONE


# Variants


def test_the_table_compares_what_was_measured(qtbot, panel, project, root) -> None:
    recorded.record_measurement(project, root, recorded.FLOAT)
    worse = recorded.changed(recorded.FLOAT, **SMALLER, category_iou=(0.97, 0.6, 0.5, None))
    pruned = recorded.record_pruning(project, root, worse)
    recorded.record_quantization(project, root, None)
    show(qtbot, panel, project)
    table = panel.page.variants.table
    rows = [[table.rows.index(row, column).data() for column in range(6)] for row in range(3)]
    assert rows == [
        ["trained model", "4.60 MB", "910 M", "4.40 ms", "0.710", ""],
        ["pruned −40 %", "2.90 MB", "546 M", "3.10 ms", "0.700", "hole 孔 −8.0"],
        ["int8", "–", "–", "–", "0.690", "not measured"],
    ]
    bold = {
        (row, column)
        for row in range(3)
        for column in range(6)
        if (font := table.rows.data(table.rows.index(row, column), Qt.ItemDataRole.FontRole))
        and font.bold()
    }
    assert bold == {(1, 1), (1, 2), (1, 3), (0, 4)}
    tip = table.rows.data(table.rows.index(1, 5), Qt.ItemDataRole.ToolTipRole)
    assert "hole 孔: −8.0" in tip
    assert "scratch: +2.0" in tip

    table.select(pruned)
    assert panel.current.folder == pruned
    classes = panel.page.variants.classes
    assert [classes.item(1, column).text() for column in range(3)] == ["hole 孔", "0.600", "−8.0"]
    assert classes.item(3, 1).text() == "absent"


def test_a_click_on_a_point_chooses_the_row(qtbot, panel, project, root) -> None:
    recorded.record_measurement(project, root, recorded.FLOAT)
    pruned = recorded.record_pruning(project, root, recorded.changed(recorded.FLOAT, **SMALLER))
    slow = recorded.changed(recorded.FLOAT, latency_ms=3.5, miou=0.6)
    recorded.record_quantization(project, root, slow)
    show(qtbot, panel, project)
    plot = panel.page.variants.plot
    assert [variant_name(plot._points[i][0]) for i in plot._front_indices()] == [
        "pruned −40 %",
        "trained model",
    ]
    place = plot.place_of(panel.runs.variant(pruned)) + QPointF(4, -3)
    assert plot.variant_at(place + QPointF(300, 300)) is None
    view_point = plot.plot.mapFromScene(place)
    qtbot.mouseClick(plot.plot.viewport(), Qt.MouseButton.LeftButton, pos=view_point)
    assert panel.current.folder == pruned
    assert panel.page.variants.table.current.folder == pruned


def test_what_is_missing_is_measured_by_one_click(qtbot, panel, project, root, context) -> None:
    pruned = recorded.record_pruning(project, root, None)
    show(qtbot, panel, project)
    view = panel.page.variants
    assert "2" in view.unmeasured.text()
    view.measure_button.click()
    assert [(run["kind"], run["model_dir"]) for run in context.started] == [
        ("measure", root),
        ("measure", pruned),
    ]
    assert not view.measure_button.isEnabled()
    context.run_started.emit("9")
    context.run_started.emit("10")
    assert view.measure_button.isEnabled()


def test_a_measurement_at_work_is_told_in_the_table(qtbot, panel, project, root, context) -> None:
    row = project.new_run("measure", "FastSCNN")
    RunFolder.create(row.folder, MeasureSpec(model_dir=root, data_dir=root))
    project.set_run_state(row.id, "running")
    show(qtbot, panel, project)
    assert panel.page.variants.table.rows.index(0, 5).data() == "measuring…"
    panel.job_event(str(row.id), Progress(1, 4, None, stage="measure"))
    assert panel.page.variants.table.rows.index(0, 5).data() == "measuring 25 %"
    panel.page.variants.measure_button.click()
    assert context.started == []  # once is enough


# Side by side


def test_masks_of_two_variants_side_by_side(qtbot, panel, project, root, context) -> None:
    pruned = recorded.record_pruning(project, root, None)
    record_evaluation(project, root, quality=0.9)
    show(qtbot, panel, project)
    compare = panel.page.compare
    compare.choose(root, pruned)
    assert [variant.folder for variant in compare.missing] == [pruned]
    compare.empty.button.click()
    assert context.started == [
        {"kind": "evaluate", "model_dir": pruned, "split": "val", "save_masks": True}
    ]
    record_evaluation(project, pruned, quality=0.3)
    refresh(qtbot, panel)
    assert compare.images.count() == 4
    shares = [
        differing_share(compare.images.item(row).data(Qt.ItemDataRole.UserRole)) for row in range(4)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0
    assert f"{shares[0]:.2%}" in compare.images.item(0).text()
    plain = compare.pictures
    assert not np.array_equal(plain[0], plain[1])
    compare.views.button(1).click()
    settle(qtbot, panel)
    assert not np.array_equal(compare.pictures[0], plain[0])
    first = compare.pair.image
    compare.images.setCurrentRow(2)
    settle(qtbot, panel)
    assert compare.pair.image != first


def test_a_variant_against_the_masks_of_people(qtbot, panel, project, root) -> None:
    record_evaluation(project, root, quality=0.9)
    show(qtbot, panel, project)
    compare = panel.page.compare
    assert compare.second_box.currentText() == "masks drawn by people"
    assert compare.images.count() == 4
    assert compare.pictures is not None


def test_differences_are_outlined_and_the_rest_is_dimmed(tmp_path) -> None:
    folder = tmp_path / "图 1"
    folder.mkdir()
    image = np.full((40, 60, 3), 200, np.uint8)
    first, second = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    first[10:30, 10:30] = 1
    second[10:30, 20:40] = 1
    first[0, 0] = 255  # ignored: no difference
    write_image(folder / "i.png", image)
    write_mask(folder / "a.png", first)
    write_mask(folder / "b.png", second)
    pair = MaskPair(folder / "i.png", folder / "a.png", folder / "b.png")
    assert differing_share(pair) == pytest.approx(400 / (40 * 60 - 1))
    colors = ((0, 0, 0), (255, 0, 0))
    left, right = render_pair(pair, colors=colors, background=0, differences=True)
    assert left[20, 15].tolist() == pytest.approx([30, 30, 247], abs=2)  # only in the first
    assert right[20, 15].tolist() == [200, 200, 200]  # background there, not dimmed
    assert left[20, 25].tolist() == right[20, 25].tolist() == [90, 90, 90]  # both agree
    assert left[10, 12].tolist() == right[10, 12].tolist() == [0, 214, 255]  # outline
    write_mask(folder / "b.png", np.zeros((20, 30), np.uint8))
    with pytest.raises(InputError, match=r"i\.png"):
        differing_share(pair)


# Shipping


def test_a_variant_is_shipped_in_its_own_step(qtbot, panel, project, root, context) -> None:
    pruned = recorded.record_pruning(project, root, None)
    show(qtbot, panel, project)
    wanted = []
    context.navigate_requested.connect(wanted.append)
    panel.page.variants.table.select(pruned)
    panel.choices.ship.ship_button.click()
    assert wanted == [ShipModel(pruned)]
    assert context.started == []


# Projects come and go


def test_a_project_open_for_reading_starts_nothing(
    qtbot, panel, project, root, context, tmp_path
) -> None:
    with Project.open(project.folder, read_only=True) as reading:
        context.project = reading
        show(qtbot, panel, reading)
        assert panel.page.model_box.count() == 1
        for part in (
            panel.choices.prune.button,
            panel.choices.quantize.button,
            panel.choices.ship.measure_button,
            panel.page.variants.measure_button,
            panel.page.sensitivity.empty.button,
            panel.page.compare.empty.button,
        ):
            assert not part.isEnabled() and "reading only" in part.toolTip()
        assert panel.choices.prune.flops.isEnabled(), "a prediction changes nothing"
        assert "reading" in panel.choices.note.text()
        panel.set_project(None)
        context.project = project


def test_nothing_stays_of_a_closed_project(qtbot, panel, project, root) -> None:
    recorded.record_sensitivity(project, root)
    record_evaluation(project, root)
    show(qtbot, panel, project)
    panel.set_project(None)
    settle(qtbot, panel)
    assert panel.page.model_box.count() == 0
    assert panel.page.sensitivity.plot.groups == []
    assert panel.page.compare.images.count() == 0
    assert panel.current is None
    assert panel.status().state is StepState.BLOCKED


def test_a_second_training_is_a_family_of_its_own(qtbot, panel, project, root) -> None:
    recorded.record_pruning(project, root, None)
    record_training(project, epochs=1, end=Done({}), state="done")  # its folder is damaged: empty
    other = recorded.record_model(project)
    show(qtbot, panel, project)
    assert panel.current.folder == other
    assert panel.page.variants.table.rows.rowCount() == 1
    panel.navigate(ShowCompression(project.runs("prune")[0].id))
    settle(qtbot, panel)
    assert panel.page.variants.table.rows.rowCount() == 2
    refresh(qtbot, panel)
    assert panel.current.root == root


def test_every_started_job_is_a_valid_description(qtbot, panel, project, root, context) -> None:
    show(qtbot, panel, project)
    panel.choices.ship.measure_button.click()
    context.run_started.emit("9")
    panel.page.sensitivity.empty.button.click()
    for fields in context.started:
        row = prepare_run(project, fields)
        assert spec_from_json((row.folder / "spec.json").read_bytes()).model_dir == root


def test_a_model_whose_training_goes_on_is_not_yet_offered(qtbot, panel, project, root) -> None:
    run = next(run for run in project.runs("train"))
    show(qtbot, panel, project)
    project.set_run_state(run.id, "paused")
    refresh(qtbot, panel)
    assert not panel.choices.prune.button.isEnabled()
    assert panel.status().state is StepState.BLOCKED
