"""From an error to buttons: images skipped, folders located, less memory, the run begun again."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget
from recorded_runs import make_project

from app.services.context import AppContext
from app.services.settings import SettingsStore
from app.widgets.problem_fixes import describe
from core.runs.events import Failed
from core.runs.kinds import EvaluateSpec, TrainSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError, MissingFilesError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("fixes") / "项目"
    make_project(place, train=3, val=2).close()
    return place


@pytest.fixture
def context(qapp, folder, tmp_path):
    made = AppContext(SettingsStore(tmp_path / "settings.json"))
    made.open_project(folder)
    made.told, made.started, made.errors = [], [], []
    made.notice_requested.connect(made.told.append)
    made.error_occurred.connect(made.errors.append)
    made.start_run = lambda fields, then=None: made.started.append(dict(fields))
    yield made
    made.shut_down()


@pytest.fixture
def owner(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    return made


def failed_run(context: AppContext, **changes) -> str:
    row = context.project.new_run("train", "UNet")
    spec = TrainSpec(
        model="UNet", data_dir=row.folder, epochs=3, batch_size=8, image_size=(64, 32), **changes
    )
    RunFolder.create(row.folder, spec)
    return str(row.id)


def press(problem, number: int = 0) -> None:
    problem.fixes[number].act()


def test_unreadable_images_are_skipped_and_the_training_goes_on(context, owner, qtbot):
    rows = context.project.images()[:2]
    failed = Failed(
        "bad_input",
        "Files cannot be read.",
        files_problem="unreadable",
        files=[str(row.path) for row in rows],
    )
    run_id = failed_run(context)
    problem = describe(failed, context, owner, run_id=run_id)
    assert problem.name == context.run_name(run_id)
    assert [fix.text for fix in problem.fixes] == ["Skip these 2 and go on"]
    assert all(str(row.path) in problem.details() for row in rows)
    press(problem)
    qtbot.waitUntil(lambda: bool(context.started))
    assert [context.project.image(row.id).subset for row in rows] == ["none", "none"]
    (fields,) = context.started
    assert (fields["kind"], fields["epochs"], fields["batch_size"]) == ("train", 3, 8)
    assert "data_dir" not in fields
    context.told[-1].on_action()
    assert context.project.images_by_id([row.id for row in rows]) == rows, "and all the way back"


def test_images_that_are_gone_are_located(context, owner, qtbot, monkeypatch, folder, tmp_path):
    rows = context.project.images()
    old = rows[0].path.parent
    new = old.with_name("moved images")
    old.rename(new)
    error = MissingFilesError("Gone.", files=[row.path for row in rows])
    problem = describe(error, context, owner)
    assert [fix.text for fix in problem.fixes] == [
        "Locate the folder…",
        f"Leave these {len(rows)} out",
    ]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a: "")
    press(problem)
    assert context.told == [], "the user chose nothing"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a: str(tmp_path))
    press(problem)
    qtbot.waitUntil(lambda: len(context.told) == 1)
    assert "None of the missing" in context.told[0].text
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a: str(new.parent))
    press(problem)
    qtbot.waitUntil(lambda: len(context.told) == 2)
    assert context.told[1].text == f"{len(rows)} images were found."
    assert all(row.path.is_file() for row in context.project.images())
    new.rename(old)
    assert context.project.relocate_images(old).found == len(rows)


def test_a_start_that_was_refused_is_begun_again(context, owner, qtbot, monkeypatch):
    monkeypatch.undo()
    fields = {"kind": "train", "epochs": 2}
    error = MissingFilesError("Gone.", files=[context.project.images()[0].path])
    context._on_run_refused(error, fields)
    assert context.errors == [error]
    problem = describe(error, context, owner)
    assert problem.fixes[1].text == "Skip this image and go on"
    press(problem, 1)
    qtbot.waitUntil(lambda: context.started == [fields])
    context.told[-1].on_action()


def test_memory_that_ran_out_is_answered_with_less(context, owner):
    run_id = failed_run(context)
    failed = Failed("oom", "Full.", advice="Lower.", advice_params={"batch": 8, "smaller": 4})
    press(describe(failed, context, owner, run_id=run_id))
    assert context.started[-1]["batch_size"] == 4
    params = {"width": 64, "height": 32, "new_width": 48, "new_height": 24}
    failed = Failed("oom", "Full.", advice="Lower.", advice_params=params)
    press(describe(failed, context, owner, run_id=run_id))
    assert context.started[-1]["image_size"] == (48, 24)


def test_a_model_that_was_moved_is_located(context, owner, monkeypatch, tmp_path):
    row = context.project.new_run("evaluate", "UNet")
    gone = tmp_path / "models" / "best"
    RunFolder.create(row.folder, EvaluateSpec(model_dir=gone, data_dir=tmp_path))
    failed = Failed("bad_input", "There is no model.")
    problem = describe(failed, context, owner, run_id=str(row.id))
    asked = []

    def choose(_owner, _title, start):
        asked.append(start)
        return str(tmp_path / "elsewhere")

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", choose)
    press(problem)
    assert asked == [str(tmp_path)], "the nearest folder that is there"
    assert context.started[-1]["model_dir"] == tmp_path / "elsewhere"


def test_a_project_for_reading_offers_no_changes(qapp, folder, owner, tmp_path):
    made = AppContext(SettingsStore(tmp_path / "settings.json"))
    made.open_project(folder, read_only=True)
    error = MissingFilesError("Gone.", files=[Path("/a.png")])
    assert describe(error, made, owner).fixes == ()
    made.shut_down()


def test_bugs_lead_to_a_bundle_and_sentences_to_nothing(context, owner):
    asked = []
    context.diagnosis_requested.connect(lambda: asked.append(1))
    press(describe(ZeroDivisionError("x"), context, owner))
    assert asked == [1]
    assert "ZeroDivisionError: x" in describe(ZeroDivisionError("x"), context, owner).details()
    plain = describe(InputError("No."), context, owner)
    assert (plain.fixes, plain.details) == ((), None)
