"""What can be done with a run in the monitor: rename, note, pin, delete, bring back, save."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLineEdit
from recorded_runs import record_training

from app.panels.train.monitor_panel import MonitorPanel
from app.services.targets import InspectModel, ShipModel, ShowCompression
from core.runs.events import Done
from core.system.resource_usage import ResourceUsage


@pytest.fixture
def runs(project):
    return [record_training(project, epochs=1, end=Done({}), state="done")[0] for _ in range(3)]


@pytest.fixture
def panel(qtbot, context, project, runs):
    made = MonitorPanel(context)
    made.resize(1100, 800)
    made.show()
    made.set_project(project)
    settle(qtbot, made)
    yield made
    made.shut_down()
    made.close()
    made.deleteLater()


def settle(qtbot, panel) -> None:
    qtbot.waitUntil(lambda: not panel.busy, timeout=20_000)


def actions(panel, run):
    menu = panel.doing.menu(run, in_list=False)
    found = {action.text(): action for action in menu.actions() if action.text()}
    inner = [action.menu() for action in menu.actions() if action.menu() is not None]
    return menu, found, inner


def test_a_name_is_typed_in_the_list(qtbot, panel, project, runs) -> None:
    panel.run_list.begin_rename(runs[0])
    (field,) = panel.run_list.findChildren(QLineEdit)
    assert field.text() == "#1 FastSCNN"
    field.setText("line 3, 细")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: project.run(runs[0]).name == "line 3, 细")
    settle(qtbot, panel)
    assert panel.header.name.text() == "line 3, 细"
    assert [run.name for run in panel.run_list.rows] == [
        "#3 FastSCNN",
        "#2 FastSCNN",
        "line 3, 细",
    ]


def test_an_empty_name_changes_nothing(qtbot, panel, project, runs) -> None:
    panel.run_list.begin_rename(runs[0])
    (field,) = panel.run_list.findChildren(QLineEdit)
    field.setText("  ")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert project.run(runs[0]).name == "#1 FastSCNN"


def test_a_pinned_run_stands_first_and_the_newest_is_shown(qtbot, panel, project, runs) -> None:
    menu, found, _ = actions(panel, project.run(runs[0]))
    found["Pin to the top"].trigger()
    menu.deleteLater()
    assert [run.id for run in panel.run_list.rows] == [runs[0], runs[2], runs[1]]
    panel.set_project(project)
    settle(qtbot, panel)
    assert panel.run_list.current_id == runs[2]
    menu, found, _ = actions(panel, project.run(runs[0]))
    found["Unpin"].trigger()
    menu.deleteLater()
    assert [run.id for run in panel.run_list.rows] == runs[::-1]


def test_notes_are_kept_by_run(qtbot, panel, project, runs) -> None:
    panel._inspector.note.setPlainText("smaller parts")
    panel.run_list.select(runs[0])
    settle(qtbot, panel)
    assert project.run(runs[2]).note == "smaller parts"
    assert panel._inspector.note.toPlainText() == ""
    panel.run_list.select(runs[2])
    settle(qtbot, panel)
    assert panel._inspector.note.toPlainText() == "smaller parts"
    assert "smaller parts" in panel.run_list.currentItem().toolTip()


def test_a_deleted_run_is_brought_back_later(qtbot, panel, project, runs) -> None:
    menu, found, _ = actions(panel, project.run(runs[2]))
    found["Delete"].trigger()
    menu.deleteLater()
    settle(qtbot, panel)
    assert panel.run_list.current_id == runs[1]  # the next one is shown
    assert panel.header.name.text() == "#2 FastSCNN"
    panel.undo.close_button.click()
    assert not panel.undo.isVisible()
    menu, _, (inner,) = actions(panel, project.run(runs[1]))
    assert [action.text() for action in inner.actions()] == ["#3 FastSCNN"]
    inner.actions()[0].trigger()
    menu.deleteLater()
    assert [run.id for run in panel.run_list.rows] == runs[::-1]


def test_a_run_at_work_is_not_deleted(qtbot, context, panel, project, runs) -> None:
    from filelock import FileLock

    errors = []
    context.error_occurred.connect(errors.append)
    with FileLock(project.run(runs[2]).folder / "run.lock"):
        panel.run_list.delete_requested.emit()
    assert "still working" in str(errors[0])
    assert not panel.undo.isVisible()
    assert len(panel.run_list.rows) == 3


def test_the_menu_leads_to_the_other_steps(qtbot, context, panel, project, runs) -> None:
    went = []
    context.navigate_requested.connect(went.append)
    run = project.run(runs[1])
    menu, found, _ = actions(panel, run)
    for text in ("Inspect its errors", "Compress its model", "Ship its model"):
        found[text].trigger()
    menu.deleteLater()
    assert went == [
        InspectModel(run.id),
        ShowCompression(run.id),
        ShipModel(run.folder / "best_model"),
    ]


def test_curves_are_saved_and_shown_elsewhere(
    qtbot, context, monkeypatch, tmp_path, panel, project, runs
) -> None:
    target = tmp_path / "曲线"
    monkeypatch.setattr(
        QFileDialog,
        "getSaveFileName",
        lambda _parent, _title, start, kinds: (
            f"{target}{'.csv' if 'csv' in kinds else '.png'}",
            start,
        ),
    )
    panel._inspector.csv_button.click()
    settle(qtbot, panel)
    assert "#3 FastSCNN,10,1," in target.with_suffix(".csv").read_text(encoding="utf-8-sig")
    panel._inspector.picture_button.click()
    assert target.with_suffix(".png").stat().st_size > 2000
    asked = []
    monkeypatch.setattr(context.board, "open", lambda folders, **_then: asked.extend(folders))
    panel._inspector.board_button.click()
    assert asked == [project.run(runs[2]).folder / "vdl_log"]
    assert panel._inspector.board_button.text() == "Starting VisualDL…"


def test_what_a_job_takes_is_shown_while_it_works(qtbot, context, panel, project) -> None:
    run_id, _ = record_training(project, epochs=1, state="running")
    box = panel._inspector.resources
    assert not box.isVisibleTo(panel._inspector)
    context.runs_changed.emit()
    panel.run_list.select(run_id)
    settle(qtbot, panel)
    assert box.isVisibleTo(panel._inspector)
    box.show_usage(
        ResourceUsage(
            cores=8,
            job_cores=5.5,
            machine_cores=6.0,
            memory=32_000_000_000,
            job_memory=4_000_000_000,
            machine_memory=16_000_000_000,
        )
    )
    texts = [part.bar.accessibleName() for part in box._parts]
    assert texts == ["Processor: 5.5 of 8 cores", "Memory: 4.0 of 32.0 GB"]
    assert box._parts[0].bar._job == pytest.approx(5.5 / 8)
    assert box._parts[0].bar._all == pytest.approx(6 / 8)
    project.set_run_state(run_id, "interrupted")
    context.run_state_changed.emit(str(run_id), "interrupted")
    assert not box.isVisibleTo(panel._inspector)
    qtbot.waitUntil(lambda: not box.busy, timeout=10_000)
