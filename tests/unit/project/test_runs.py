"""The runs of a project: numbers, folders, states after a crash, deleting."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock
from project_samples import labelled, project, write_images

from core.project import Project, RunRow
from core.runs.event_log import EventWriter
from core.runs.events import Done, Event, Metric, Started
from core.runs.kinds import EvaluateSpec, TrainSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

__all__ = ["project"]


def start(run: RunRow, *events: Event) -> RunFolder:
    spec = TrainSpec(
        model="FastSCNN",
        data_dir=run.folder / "dataset",
        epochs=1,
        batch_size=1,
        image_size=(32, 32),
    )
    folder = RunFolder.create(run.folder, spec)
    writer = EventWriter(folder.events_path)
    for event in events:
        writer.append(event)
    writer.close()
    return folder


def test_runs_are_numbered_and_keep_what_they_came_from(project: Project, tmp_path: Path) -> None:
    labelled(project, write_images(tmp_path / "a", 2), 0, 1)
    labelled(project, write_images(tmp_path / "b", 1, prefix="v"), 0, 1, subset="val")
    revision = project.create_revision()
    first = project.new_run("train", "FastSCNN", revision=revision)
    second = project.new_run("train", "U Net/深", parent=first.id, name="Second try")
    third = project.new_run("evaluate", "FastSCNN", revision=revision, parent=first.id)
    assert first.folder == project.folder / "runs" / "0001-FastSCNN"
    assert first.folder.is_dir()
    assert (first.name, first.number, first.state) == ("#1 FastSCNN", 1, "queued")
    assert first.best_miou is None
    assert first.revision_id == revision.id
    assert second.folder.parent == first.folder.parent
    assert (second.name, second.parent_id) == ("Second try", first.id)
    assert second.folder.name == "0002-U_Net_深"
    assert (third.name, third.number) == ("FastSCNN", None)
    assert third.folder.name == "evaluate-0003-FastSCNN"
    fourth = project.new_run("train", "UNet")
    assert (fourth.name, fourth.number) == ("#3 UNet", 3)  # only trainings are counted
    project.drop_run(fourth.id)
    assert not fourth.folder.exists()
    again = project.new_run("train", "UNet")
    assert again.number == 3  # the other could not be prepared: nobody saw it
    project.drop_run(again.id)
    assert [run.id for run in project.runs()] == [third.id, second.id, first.id]
    assert [run.id for run in project.runs("train")] == [second.id, first.id]
    project.set_run_state(first.id, "running", best_miou=0.5)
    project.set_run_state(first.id, "paused")
    run = project.run(first.id)
    assert (run.state, run.best_miou) == ("paused", 0.5)
    with pytest.raises(KeyError):
        project.run(99)


def test_a_restarted_window_learns_what_became_of_runs(project: Project) -> None:
    done = project.new_run("train", "FastSCNN")
    killed = project.new_run("train", "FastSCNN")
    alive = project.new_run("train", "FastSCNN")
    never = project.new_run("train", "FastSCNN")
    for run in (done, killed, alive, never):
        project.set_run_state(run.id, "running")
    started = Started(kind="train", pid=1, device="cpu")
    curve = (Metric("val/miou", 1, 0.25), Metric("val/miou", 2, 0.75), Metric("val/miou", 3, None))
    start(done, started, *curve, Done({"miou": 0.75}))
    start(killed, started, *curve)
    living = start(alive, started)
    folder = project.folder
    project.close()
    with FileLock(living.lock_path), Project.open(folder) as opened:
        changed = opened.refresh_run_states()
        assert {run.id: (run.state, run.best_miou) for run in changed} == {
            done.id: ("done", 0.75),
            killed.id: ("interrupted", 0.75),
            never.id: ("failed", None),
        }
        assert opened.run(alive.id).state == "running"
        assert opened.refresh_run_states() == []


def test_an_evaluation_is_scored_by_its_result(project: Project) -> None:
    run = project.new_run("evaluate", "FastSCNN")
    start(run, Started(kind="evaluate", pid=1, device="cpu"), Done({"miou": 0.5}))
    assert [changed.best_miou for changed in project.refresh_run_states()] == [0.5]


def test_a_model_that_was_adjusted_has_the_score_that_it_has_now(project: Project) -> None:
    run = project.new_run("train", "FastSCNN")
    curve = Metric("val/miou", 1, 0.75)
    result = {"miou": 0.5, "score_offsets": [0.0, -1.0]}
    start(run, Started(kind="train", pid=1, device="cpu"), curve, Done(result))
    assert [changed.best_miou for changed in project.refresh_run_states()] == [0.5]


def weights_of(run: RunRow) -> Path:
    file = run.folder / "best_model" / "model.pdparams"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    return file


def test_deleted_runs_are_in_the_trash_and_come_back(project: Project) -> None:
    first = project.new_run("train", "FastSCNN")
    second = project.new_run("train", "FastSCNN", parent=first.id)
    weights = weights_of(first)
    assert project.delete_runs([first.id]) == [first]
    aside = project.folder / "trash" / "0001-FastSCNN"
    assert (aside / "best_model" / "model.pdparams").read_bytes() == b"weights"
    assert not first.folder.exists()
    assert project.runs() == [second]
    assert project.deleted_runs() == [first]
    with pytest.raises(KeyError):
        project.run(first.id)
    assert project.new_run("train", "FastSCNN").number == 3
    project.restore_runs([first.id])
    assert weights.read_bytes() == b"weights"
    assert project.run(first.id) == first
    assert project.deleted_runs() == []
    assert not aside.exists()


def test_what_only_says_something_of_a_model_goes_with_it(project: Project) -> None:
    trained = project.new_run("train", "FastSCNN")
    about = project.new_run("evaluate", "FastSCNN", parent=trained.id)
    made = project.new_run("prune", "FastSCNN", parent=trained.id)
    gone = project.delete_runs([trained.id])
    assert gone == [trained, about]
    assert project.runs() == [made]
    project.restore_runs(run.id for run in gone)
    assert project.runs() == [made, about, trained]


def test_the_trash_is_emptied_and_no_number_is_given_twice(project: Project) -> None:
    run, kept = project.new_run("train", "FastSCNN"), project.new_run("train", "FastSCNN")
    last = project.new_run("train", "UNet")
    weights_of(run)
    (project.folder / "trash").mkdir()
    (project.folder / "trash" / "0001-FastSCNN").write_text("someone else's")
    project.delete_runs([run.id, last.id])
    assert (project.folder / "trash" / "0001-FastSCNN-2" / "best_model").is_dir()
    report = project.collect_garbage()
    assert (report.files, report.size) == (1, len(b"weights"))
    assert project.deleted_runs() == []
    assert project.runs() == [kept]
    assert [file.name for file in (project.folder / "trash").iterdir()] == ["0001-FastSCNN"]
    project.restore_runs([run.id])  # too late
    assert project.runs() == [kept]
    (project.folder / "runs" / "0004-FastSCNN").mkdir()
    again = project.new_run("train", "FastSCNN")
    assert (again.number, again.folder.name) == (4, "0004-FastSCNN-2")


def test_a_run_that_a_job_needs_is_not_deleted(project: Project) -> None:
    trained, other = project.new_run("train", "FastSCNN"), project.new_run("train", "UNet")
    start(trained)
    reader = project.new_run("evaluate", "FastSCNN")
    model = trained.folder / "best_model"
    RunFolder.create(
        reader.folder, EvaluateSpec(model_dir=model, data_dir=reader.folder / "dataset")
    )
    with pytest.raises(InputError, match="Another job needs the run #1 FastSCNN"):
        project.delete_runs([trained.id])
    assert trained.folder.is_dir() and project.run(trained.id) == trained
    project.delete_runs([other.id])  # nobody needs that
    project.set_run_state(reader.id, "done")
    project.delete_runs([trained.id])
    assert not trained.folder.exists()


def test_a_folder_that_cannot_be_moved_stays_in_the_list(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = project.new_run("train", "FastSCNN")

    def refuse(_self: Path, _target: Path) -> Path:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(InputError, match="open in another program"):
        project.delete_runs([run.id])
    assert project.runs() == [run]


def test_names_notes_and_pins(project: Project) -> None:
    trained = project.new_run("train", "FastSCNN")
    about = project.new_run("evaluate", "FastSCNN", parent=trained.id, name=trained.name)
    own = project.new_run("prune", "FastSCNN", parent=trained.id, name="for the old PC")
    below = project.new_run("measure", "FastSCNN", parent=own.id, name="for the old PC")
    project.rename_run(trained.id, "  line 3, 细 ")
    names = {run.id: run.name for run in project.runs()}
    assert names == {
        trained.id: "line 3, 细",
        about.id: "line 3, 细",
        own.id: "for the old PC",
        below.id: "for the old PC",
    }
    with pytest.raises(InputError, match="needs a name"):
        project.rename_run(trained.id, "  ")
    project.note_run(trained.id, "larger batch\nslower ")
    project.pin_run(trained.id, True)
    run = project.run(trained.id)
    assert (run.note, run.pinned, run.number) == ("larger batch\nslower", True, 1)
    project.pin_run(trained.id, False)
    assert not project.run(trained.id).pinned


def test_the_queue_keeps_its_order_over_a_restart(project: Project) -> None:
    first, second, third = (project.new_run("train", "FastSCNN") for _ in range(3))
    for run in (first, second, third):
        start(run)
    project.set_queue([third.id, first.id])
    assert [run.id for run in project.queue()] == [third.id, first.id, second.id]
    project.set_run_state(third.id, "running")
    folder = project.folder
    project.close()
    with Project.open(folder) as opened:
        opened.refresh_run_states()
        assert [run.id for run in opened.queue()] == [third.id, first.id, second.id]
        opened.set_queue([second.id])
        opened.delete_runs([first.id])
        assert [run.id for run in opened.queue()] == [second.id, third.id]


def test_the_run_of_a_model_is_found(project: Project, tmp_path: Path) -> None:
    run = project.new_run("train", "FastSCNN")
    assert project.run_with(run.folder / "best_model") == run
    assert project.run_with(run.folder) == run
    assert project.run_with(project.folder / "runs") is None
    assert project.run_with(tmp_path / "elsewhere") is None


def test_a_working_run_is_not_deleted(project: Project) -> None:
    run = project.new_run("train", "FastSCNN")
    folder = start(run, Started(kind="train", pid=1, device="cpu"))
    with FileLock(folder.lock_path), pytest.raises(InputError, match="still working"):
        project.delete_runs([run.id])
    assert project.run(run.id).folder.exists()


def test_runs_that_an_earlier_version_called_otherwise_are_found(project: Project) -> None:
    old, new = project.new_run("prelabel", "UNet"), project.new_run("draft", "UNet")
    assert project._database.all("SELECT kind FROM run WHERE id = ?", (old.id,)) == [("prelabel",)]
    assert [run.id for run in project.runs("draft")] == [new.id, old.id]
    assert {run.kind for run in project.runs()} == {"draft"}
    assert project.runs("train") == []
