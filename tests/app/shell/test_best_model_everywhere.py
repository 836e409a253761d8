"""Every panel begins with the best finished model, and keeps what was chosen."""

from __future__ import annotations

import recorded_compression as recorded
from recorded_runs import make_project

from core.runs.events import Failed
from core.runs.run_folder import RunFolder

PANELS = ("inspection", "compression", "shipping", "labelling")


def record(project, miou: float, state: str = "done") -> int:
    folder = recorded.record_model(project)
    run = project.run_with(folder)
    if state == "failed":
        recorded.append(RunFolder(run.folder), [Failed("bug", "It broke.")])
    project.set_run_state(run.id, state)
    project._database.connection().execute(
        "UPDATE run SET best_miou = ? WHERE id = ?", (miou, run.id)
    )
    return run.id


def shown(panels) -> list[int | None]:
    """The trainings whose models the panels have chosen."""
    draft = panels["labelling"].workspace.inspector.draft.choice
    return [
        panels["inspection"].model_box.currentData().run_id,
        panels["compression"].current.run_id,
        panels["shipping"].current.run_id,
        None if draft is None else draft.variant.run_id,
    ]


def test_the_best_one_is_chosen_until_another_is(application, tmp_path, qtbot) -> None:
    project = make_project(tmp_path / "项目 1", train=2, val=2)
    record(project, 0.5)
    best = record(project, 0.8)
    worse = record(project, 0.6)
    record(project, 0.95, "failed")
    record(project, 0.9, "interrupted")
    folder = project.folder
    project.close()
    application.context.open_project(folder)
    panels = application.window.work_area.panels

    def settle() -> None:
        for key in PANELS:
            qtbot.waitUntil(lambda panel=panels[key]: not panel.busy, timeout=20_000)

    settle()
    assert shown(panels) == [best] * 4
    newer = record(application.context.project, 0.85)
    application.context.runs_changed.emit()
    settle()
    assert shown(panels) == [newer] * 4  # nobody has chosen: the better one is taken

    box = panels["inspection"].model_box
    place = next(i for i in range(box.count()) if box.itemData(i).run_id == worse)
    box.setCurrentIndex(place)
    box.activated.emit(place)
    model = panels["compression"].page.model_box
    place = model.findData(str(application.context.project.run(worse).folder / "best_model"))
    model.setCurrentIndex(place)
    model.activated.emit(place)
    variant = panels["shipping"].runs.variant(
        application.context.project.run(worse).folder / "best_model"
    )
    panels["shipping"]._on_variant_chosen(variant)
    draft = panels["labelling"].workspace.inspector.draft
    place = next(
        i for i in range(draft.model.count()) if draft.model.itemData(i).variant.run_id == worse
    )
    draft.model.setCurrentIndex(place)
    draft.model.activated.emit(place)
    record(application.context.project, 0.99)
    application.context.runs_changed.emit()
    settle()
    assert shown(panels) == [worse] * 4
