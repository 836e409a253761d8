"""Trainings side by side: best values, curves, differing settings, names, notes, deleting."""

from __future__ import annotations

import pytest
from curve_parts import drawn, legend_value
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from recorded_runs import append, record_training

from app.look.theme import tokens
from app.panels.train.comparing.compare_panel import ComparePanel
from app.services.targets import ShowTraining
from core.project import Project
from core.project.runs import best_miou
from core.runs.events import Done, Metric, Progress
from core.runs.kind_lookup import spec_to_json

NAME, STATE, MIOU, OACC, KAPPA, TIME, SPEED, NETWORK, NOTE = range(9)


@pytest.fixture
def runs(project):
    """Three trainings: a good slow one, a bad quick one with other settings, one that failed."""
    good, _ = record_training(project, epochs=4, end=Done({}, time=1050.0), state="done")
    quick, run = record_training(
        project, epochs=2, end=Done({}, time=1020.0), state="done", model="UNet"
    )
    spec = run.spec.model_copy(update={"learning_rate": 0.5, "batch_size": 2})
    run.spec_path.write_text(spec_to_json(spec), encoding="utf-8")
    failed, _ = record_training(project, epochs=1, state="failed")
    for run_id, miou in ((good, 0.75), (quick, 0.5), (failed, 0.9)):
        project.set_run_state(run_id, project.run(run_id).state, best_miou=miou)
    return good, quick, failed


@pytest.fixture
def panel(qtbot, context, project, runs):
    made = ComparePanel(context)
    made.resize(1000, 760)
    made.show()
    made.set_project(project)
    settle(qtbot, made)
    yield made
    made.shut_down()
    made.close()
    made.deleteLater()


def settle(qtbot, panel) -> None:
    qtbot.waitUntil(lambda: not panel.busy, timeout=20_000)


def cell(panel, run_id: int, column: int, role=Qt.ItemDataRole.DisplayRole):
    rows = panel.table.rows
    row = [one.run.id for one in rows.items].index(run_id)
    return rows.data(rows.index(row, column), role)


def bold(panel, column: int) -> list[int]:
    rows = panel.table.rows
    return [
        one.run.id
        for row, one in enumerate(rows.items)
        if rows.data(rows.index(row, column), Qt.ItemDataRole.FontRole) is not None
    ]


def test_the_best_of_each_measure_is_marked_among_finished_runs(panel, runs) -> None:
    good, quick, failed = runs
    assert [one.run.id for one in panel.table.rows.items] == [failed, quick, good]
    assert cell(panel, good, MIOU) == "0.750"
    assert cell(panel, quick, NETWORK) == "UNet"
    assert cell(panel, failed, STATE) == "failed"
    assert bold(panel, MIOU) == [good]  # not the failed one's 0.9
    assert bold(panel, TIME) == [quick]  # less is better
    assert cell(panel, good, MIOU, Qt.ItemDataRole.ForegroundRole).name() == tokens().success
    assert panel.table.current.run.id == good  # the best finished one is chosen


def test_a_click_on_a_header_sorts_by_numbers(panel, runs) -> None:
    panel.table.sortByColumn(MIOU, Qt.SortOrder.DescendingOrder)
    model = panel.table.model()
    assert [model.index(row, MIOU).data() for row in range(3)] == ["0.900", "0.750", "0.500"]
    panel.table.select(runs[1])
    assert panel.table.currentIndex().row() == 2
    assert panel.choices.name.text() == "#2 UNet"


def test_ticked_runs_are_drawn_over_each_other(qtbot, panel, runs) -> None:
    good, quick, failed = runs
    assert panel.table.rows.ticked == {good, quick}  # finished ones, to begin with
    assert sorted(panel.curves.plot.keys) == sorted([str(good), str(quick)])
    panel.curves.plot.redraw()
    x, y = drawn(panel.curves.plot, str(good))
    assert x.tolist() == [1, 2, 3, 4]  # epochs of its own
    assert len(y) == 4
    index = panel.table.rows.index(0, 0)
    assert panel.table.rows.setData(index, Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole)
    assert str(failed) in panel.curves.plot.keys
    colors = panel.curves._colors
    assert len({colors[run].name() for run in runs}) == 3
    before = colors[quick].name()
    panel.table.rows.tick([quick])
    assert panel.curves._colors[quick].name() == before
    measures = [
        panel.curves.measure_box.itemText(i) for i in range(panel.curves.measure_box.count())
    ]
    assert measures[:3] == ["mIoU", "Training loss", "Learning rate"]
    assert "IoU of hole 孔" in measures
    panel.table.rows.tick([])
    assert not panel.curves.plot.keys
    assert not panel.choices.csv_button.isEnabled()


def test_settings_that_differ_are_marked(panel, runs) -> None:
    table = panel.settings.table
    names = [table.verticalHeaderItem(row).text() for row in range(table.rowCount())]
    assert set(names) == {"Batch", "Learning rate", "Network", "Epochs, at most"}
    row = names.index("Learning rate")
    assert [table.item(row, column).text() for column in range(2)] == ["0.5", "0.01"]
    assert table.item(row, 0).background().color().name() == tokens().accent_soft
    panel.settings.only_box.setChecked(False)
    assert table.rowCount() > 20
    seed = [table.verticalHeaderItem(row).text() for row in range(table.rowCount())].index("Seed")
    assert table.item(seed, 0).foreground().color().name() == tokens().muted
    panel.table.rows.tick(runs[:1])
    assert "second run" in panel.settings.hint.text()


def test_names_and_notes_are_kept(qtbot, panel, project, runs) -> None:
    good, *_ = runs
    index = panel.table.rows.index(2, 0)
    panel.table.rows.setData(index, "line 3, 细")
    settle(qtbot, panel)
    assert project.run(good).name == "line 3, 细"
    assert cell(panel, good, NAME) == "line 3, 细"
    panel.choices.note.setPlainText("larger batch\nslower")
    panel.choices.note.save()
    settle(qtbot, panel)
    assert project.run(good).note == "larger batch\nslower"
    assert cell(panel, good, NOTE) == "larger batch"
    panel.choices.note.setPlainText("typed and left")
    panel.table.select(runs[1])
    assert project.run(good).note == "typed and left"  # saved before another note is shown
    assert panel.choices.note.toPlainText() == ""
    panel.actions_on_runs.pin(project.run(runs[1]), True)
    settle(qtbot, panel)
    assert panel.table.rows.items[0].run.id == runs[1]


def test_deleting_is_undone_with_a_key(qtbot, panel, project, runs) -> None:
    _, quick, _ = runs
    panel.table.select(quick)
    panel.choices.delete_button.click()
    settle(qtbot, panel)
    assert quick not in [one.run.id for one in panel.table.rows.items]
    assert panel.undo.isVisible() and "#2 UNet was deleted" in panel.undo.text.text()
    assert (project.folder / "trash" / "0002-UNet" / "spec.json").is_file()
    with qtbot.waitActive(panel):
        panel.activateWindow()
    qtbot.keyClick(panel.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not panel.undo.isVisible())  # a button's key takes a moment
    settle(qtbot, panel)
    assert quick in [one.run.id for one in panel.table.rows.items]


def test_curves_are_saved_as_table_and_picture(qtbot, monkeypatch, tmp_path, panel, runs) -> None:
    target = tmp_path / "曲线 all"

    def answer(_parent, _title, _start, kinds):
        return (f"{target}{'.csv' if 'csv' in kinds else '.png'}", kinds)

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    panel.choices.csv_button.click()
    settle(qtbot, panel)
    text = target.with_suffix(".csv").read_text(encoding="utf-8-sig")
    assert "val/iou/hole 孔" in text.splitlines()[0]
    assert "#2 UNet,20,2," in text and "#1 FastSCNN,40,4," in text
    panel.choices.picture_button.click()
    from PIL import Image

    with Image.open(target.with_suffix(".png")) as picture:
        assert picture.size == (panel.curves.width() * 2, panel.curves.height() * 2)
        assert len(picture.convert("RGB").getcolors(2**20)) > 20  # something is drawn


def test_a_running_run_grows(qtbot, context, panel, project, runs) -> None:
    run_id, run = record_training(project, epochs=1, state="running")
    context.runs_changed.emit()
    settle(qtbot, panel)
    panel.table.rows.tick([run_id])
    assert panel.curves.plot.read(1.0)[0][0] == str(run_id)
    event = Metric("val/miou", 20, 0.875)
    append(run, [Progress(20, 20, 0.0, epoch=2, epochs=2), event])
    panel.job_event(str(run_id), event)
    settle(qtbot, panel)
    assert panel.curves.plot.read(2.0)[0][2] == 0.875
    panel.table.select(run_id)
    assert not panel.choices.delete_button.isEnabled()


def test_it_leads_to_the_run(qtbot, context, panel, runs) -> None:
    with qtbot.waitSignal(context.navigate_requested) as signal:
        panel.choices.show_button.click()
    assert signal.args == [ShowTraining(runs[0])]


def test_a_project_open_for_reading_cannot_be_changed(qtbot, context, project, runs) -> None:
    folder = project.folder
    with Project.open(folder, read_only=True) as opened:
        context.project = opened
        panel = ComparePanel(context)
        panel.show()
        panel.set_project(opened)
        settle(qtbot, panel)
        assert not panel.choices.delete_button.isEnabled()
        assert panel.choices.note.isReadOnly()
        menu = panel.actions_on_runs.menu(opened.runs("train")[0], in_list=True)
        enabled = {action.text(): action.isEnabled() for action in menu.actions() if action.text()}
        assert not enabled["Delete"] and not enabled["Rename"]
        assert enabled["Save the curves as a table (CSV)…"]
        menu.deleteLater()
        panel.shut_down()
        panel.close()
        panel.deleteLater()
        context.project = project


def test_a_model_whose_scores_were_adjusted_is_compared_by_what_it_is(
    qtbot, project, panel, context
) -> None:
    result = {"miou": 0.8125, "oacc": 0.96875, "kappa": 0.75, "score_offsets": [0, -1, 0, 0]}
    adjusted, run = record_training(project, epochs=2, state="done", end=Done(result))
    project.set_run_state(adjusted, "done", best_miou=best_miou(run))
    context.runs_changed.emit()
    settle(qtbot, panel)
    assert [cell(panel, adjusted, column) for column in (MIOU, OACC, KAPPA)] == [
        "0.812", "0.969", "0.750"
    ]  # fmt: skip
    panel.table.rows.tick([adjusted])
    panel.curves.plot.redraw()
    point = f"{adjusted} adjusted"
    assert [one.tolist() for one in drawn(panel.curves.plot, point)] == [[2.0], [0.8125]]
    assert legend_value(panel.curves.legend, str(adjusted)) == "0.812"
    panel.curves.legend.toggle(str(adjusted))
    panel.curves.plot.redraw()
    assert len(drawn(panel.curves.plot, point)[0]) == 0
