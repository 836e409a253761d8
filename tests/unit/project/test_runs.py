"""The runs of a project: numbers, folders, states after a crash, deleting."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock
from project_samples import labelled, project, write_images

from core.project import Project, RunRow
from core.runs.event_log import EventWriter
from core.runs.events import Done, Event, Metric, Started
from core.runs.kinds import TrainSpec
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
    assert (first.name, first.state, first.best_miou) == ("0001-FastSCNN", "queued", None)
    assert first.revision_id == revision.id
    assert second.folder.parent == first.folder.parent
    assert (second.name, second.parent_id) == ("Second try", first.id)
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


def test_deleted_runs_are_in_the_trash(project: Project) -> None:
    first = project.new_run("train", "FastSCNN")
    second = project.new_run("train", "FastSCNN", parent=first.id)
    (first.folder / "best_model").mkdir()
    (first.folder / "best_model" / "model.pdparams").write_bytes(b"weights")
    (trashed,) = project.delete_runs([first.id])
    assert trashed == project.folder / "trash" / "0001-FastSCNN"
    assert (trashed / "best_model" / "model.pdparams").read_bytes() == b"weights"
    assert not first.folder.exists()
    assert project.runs() == [project.run(second.id)]
    assert project.run(second.id).parent_id is None
    assert project.new_run("train", "FastSCNN").id == 3


def test_a_number_is_never_given_twice(project: Project) -> None:
    run = project.new_run("train", "FastSCNN")
    (project.folder / "trash").mkdir()
    (project.folder / "trash" / "0001-FastSCNN").write_text("someone else's")
    (trashed,) = project.delete_runs([run.id])
    assert trashed.name == "0001-FastSCNN-2"
    (project.folder / "runs" / "0002-FastSCNN").mkdir()
    again = project.new_run("train", "FastSCNN")
    assert again.folder.name == "0002-FastSCNN-2"


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
