"""The Ship panel on recorded runs: its state, the model chosen, projects that come and go."""

from __future__ import annotations

import shutil

import pytest
import recorded_compression as recorded
import ship_parts as parts
from PySide6.QtCore import Qt
from ship_parts import SMALLER, context, panel, project, refresh, root, settle, show

from app.panels.base import StepState
from app.panels.ship.stage_bar import Stage
from app.services.targets import (
    InspectModel,
    SetUpTraining,
    ShipModel,
    ShowCompression,
)
from core.models.model_verdict import Level, Verdict
from core.project import Project
from core.system.files import write_json_atomic
from core.system.messages import message

__all__ = ["context", "panel", "project", "root"]


# Where the step stands


def test_without_a_model_the_one_next_thing_is_to_train(qtbot, panel, project, context) -> None:
    assert panel.status().state is StepState.BLOCKED
    show(qtbot, panel, project)
    assert panel.status().state is StepState.BLOCKED
    wanted = []
    context.navigate_requested.connect(wanted.append)
    panel.page.empty.button.click()
    assert wanted == [SetUpTraining()]
    assert panel.current is None
    assert not panel.choices.next_button.isEnabled()


def test_the_step_is_done_once_a_file_is_verified(qtbot, panel, project, root) -> None:
    show(qtbot, panel, project)
    assert panel.status().state is StepState.NEXT
    export = project.folder / "exports" / "a"
    parts.record_export(project, root, export)
    parts.record_verification(project, root, export, verified=False)
    refresh(qtbot, panel)
    assert panel.status().state is StepState.WARNING
    parts.record_verification(project, root, export)
    refresh(qtbot, panel)
    assert panel.status().state is StepState.DONE
    shutil.rmtree(export)
    refresh(qtbot, panel)
    assert panel.status().state is StepState.NEXT  # what is gone proves nothing


# Choosing a model


def test_the_fastest_good_model_is_chosen_and_praised(qtbot, panel, project, root) -> None:
    recorded.record_measurement(project, root, recorded.FLOAT)
    pruned = recorded.record_pruning(project, root, recorded.changed(recorded.FLOAT, **SMALLER))
    show(qtbot, panel, project)
    assert panel.current.folder == pruned
    words = {card.variant.folder: card.praise.text() for card in panel.page.variants.cards}
    assert words == {
        root: "most accurate",
        pruned: "fastest within 0.5 points of the best · smallest",
    }
    assert panel.model_choices.facts["latency"].text() == "3.10 ms"
    panel.page.variants.cards[0].button.click()
    assert panel.current.folder == root
    assert panel.choices.name.text() == "trained model"  # its format means nothing to users
    refresh(qtbot, panel)
    assert panel.current.folder == root  # what was chosen stays


def test_a_model_that_finds_nothing_is_warned_of(qtbot, panel, project, root) -> None:
    useless = Verdict(Level.NOT_USABLE, (message("It says “{name}” everywhere.", name="bg"),))
    write_json_atomic(root / "eval_details.json", {"verdict": useless.to_dict()})
    show(qtbot, panel, project)
    assert "everywhere" in panel.page.variants.cards[0].verdict.text()
    assert panel.status().state is StepState.WARNING
    assert not panel.choices.warning.isVisibleTo(panel.choices)  # its own box says so here
    panel.choices.next_button.click()
    assert panel.page.stage is Stage.TRY
    assert panel.choices.warning.isVisibleTo(panel.choices)
    assert "everywhere" in panel.choices.warning.summary.text()
    export = project.folder / "exports" / "a"
    parts.record_export(project, root, export)
    parts.record_verification(project, root, export)
    refresh(qtbot, panel)
    assert panel.status().state is StepState.WARNING  # a file that does the same is as useless
    usable = recorded.record_model(project)
    refresh(qtbot, panel)
    panel.set_project(project)
    settle(qtbot, panel)
    assert panel.current.folder == usable
    assert panel.status().state is StepState.NEXT


def test_the_ways_to_other_steps(qtbot, panel, project, root, context) -> None:
    pruned = recorded.record_pruning(project, root, None)
    show(qtbot, panel, project)
    wanted = []
    context.navigate_requested.connect(wanted.append)
    panel.navigate(ShipModel(pruned))
    settle(qtbot, panel)
    assert panel.current.folder == pruned
    panel.model_choices.inspect_button.click()
    panel.model_choices.compress_button.click()
    trained, compressed = (panel.runs.variant(folder).run_id for folder in (root, pruned))
    assert wanted == [InspectModel(trained), ShowCompression(compressed)]


def test_the_stages_say_where_they_stand(qtbot, panel, project, root) -> None:
    show(qtbot, panel, project)
    bar = panel.page.bar
    names = [button.accessibleName() for button in bar.buttons]
    assert names == ["Model: done", "Try it: next", "Verify: next", "Rules: next", "Export: next"]
    bar.buttons[0].setFocus()
    qtbot.keyClick(bar, Qt.Key.Key_Right)
    assert panel.page.stage is Stage.TRY
    qtbot.keyClick(bar, Qt.Key.Key_Left)
    qtbot.keyClick(bar, Qt.Key.Key_Left)
    assert panel.page.stage is Stage.MODEL


# Projects come and go


def test_a_project_open_for_reading_starts_nothing(qtbot, panel, project, root, context) -> None:
    parts.record_export(project, root, project.folder / "exports" / "a")
    with Project.open(project.folder, read_only=True) as reading:
        context.project = reading
        show(qtbot, panel, reading)
        for part in (
            panel.page.trial.empty.button,
            panel.page.verification.empty.button,
            panel.page.judging.empty.button,
            panel.page.judging.rules,
            panel.page.exports.verify_button,
            panel.page.exports.speed.empty.button,
            panel.page.exports.watch.empty.button,
            panel.export_choices.export_button,
            panel.export_choices.bundle_button,
            panel.judging_choices.pixel_box,
        ):
            assert not part.isEnabled() and "reading only" in part.toolTip()
        assert "reading" in panel.choices.note.text()
        panel.set_project(None)
        context.project = project


def test_nothing_stays_of_a_closed_project(qtbot, panel, project, root) -> None:
    parts.record_trial(project, root, subset=None, source="x")
    parts.record_export(project, root, project.folder / "exports" / "a")
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.EXPORT)
    panel.set_project(None)
    settle(qtbot, panel)
    assert panel.current is None
    assert panel.page.variants.cards == []
    assert panel.page.trial.review.images == []
    assert panel.page.exports.table.rows.items == []
    assert panel.page.stage is Stage.MODEL


def test_a_run_leads_to_what_shows_it(qtbot, panel, project, root) -> None:
    other = recorded.record_pruning(project, root, None)
    trial = parts.record_trial(project, other)
    export = parts.record_export(project, root, project.folder / "exports" / "a")
    timing = parts.record_benchmark(project, project.folder / "exports" / "a")
    show(qtbot, panel, project)
    for run_id, model, stage, tab in (
        (trial, other, Stage.TRY, 0),
        (export, root, Stage.EXPORT, 0),
        (timing, root, Stage.EXPORT, 1),
    ):
        panel.navigate(ShipModel(run_id=run_id))
        settle(qtbot, panel)
        assert (panel.current.folder, panel.page.stage) == (model, stage)
        assert panel.page.exports.tabs.currentIndex() == tab


def test_colours_can_change(qtbot, panel, project, root) -> None:
    parts.record_trial(project, root)
    export = project.folder / "exports" / "a"
    parts.record_export(project, root, export)
    parts.record_verification(project, root, export)
    show(qtbot, panel, project)
    for stage in Stage:
        panel.page.show_stage(stage)
    panel.theme_changed()
    settle(qtbot, panel)
    assert not panel.page.verification.mark.pixmap().isNull()


@pytest.mark.parametrize("size", [(570, 560), (900, 780)])
def test_nothing_is_wider_than_its_room(qtbot, panel, project, root, size) -> None:
    parts.record_trial(project, root)
    parts.record_export(project, root, project.folder / "exports" / "a")
    show(qtbot, panel, project)
    panel.resize(*size)
    for stage in Stage:
        panel.page.show_stage(stage)
        settle(qtbot, panel)
        assert panel.minimumSizeHint().width() <= size[0], stage
