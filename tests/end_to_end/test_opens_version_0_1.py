"""Projects, run folders and model folders of version 0.1 open, and show what they showed there."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import version_0_1

import core as pdx
from core.annotation import draft
from core.annotation.shape_text import shapes_from_text
from core.images.io import read_mask
from core.jobs.process import JobProcess
from core.prediction.onnx_predictor import OnnxModel
from core.project import ImageRow, Project
from core.project.autosave import recover
from core.project.variants import VariantReader
from core.runs.events import Done
from core.runs.history import RunHistory
from core.runs.run_folder import RunFolder

ROOT = Path(__file__).parents[2]
MODELS = {
    "float": "0001-FastSCNN/best_model",
    "pruned": "0005-FastSCNN/pruned",
    "int8": "0006-FastSCNN/quantized",
}
#: Another processor may round a tie the other way.
MOST_PIXELS = 0.99


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return version_0_1.unpack(tmp_path / "检验 1")


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy for tests that only read."""
    return version_0_1.unpack(tmp_path_factory.mktemp("version 0.1"))


def run_folder(folder: Path, number: int) -> RunFolder:
    return RunFolder(folder / "plates" / "runs" / f"{number:04d}-FastSCNN")


def by_name(project: Project) -> dict[str, ImageRow]:
    return {row.name: row for row in project.images()}


def digest(mask: np.ndarray) -> str:
    return hashlib.sha256(mask.tobytes()).hexdigest()


def test_the_project_has_its_classes_and_images(folder: Path) -> None:
    was = version_0_1.expected(folder)
    with Project.open(folder / "plates") as project:
        assert [[label.name, list(label.color)] for label in project.labels()] == was["classes"]
        rows = project.images()
        assert [row.name for row in rows] == [image["name"] for image in was["images"]]
        for row, image in zip(rows, was["images"], strict=True):
            assert row.path.is_file()  # also those outside the project, which moved with it
            assert [row.width, row.height] == image["size"]
            for column in ("subset", "state", "comment", "flagged", "group"):
                assert getattr(row, column) == image[column], (row.name, column)


def test_every_mask_is_the_same_pixel_by_pixel(folder: Path) -> None:
    was = {image["name"]: image for image in version_0_1.expected(folder)["images"]}
    with Project.open(folder / "plates") as project:
        names = {label.id: label.name for label in project.labels()} | {255: "ignored"}
        for name, row in by_name(project).items():
            mask = project.label_map(row.id)
            if mask is None:
                assert was[name]["mask"] is None
                continue
            assert digest(mask) == was[name]["mask"], name
            values, counts = np.unique(mask, return_counts=True)
            pixels = {names[int(v)]: int(n) for v, n in zip(values, counts, strict=True)}
            assert pixels == was[name]["classes"], name


def test_earlier_masks_shapes_and_the_undo_of_an_import_are_there(folder: Path) -> None:
    was = {image["name"]: image for image in version_0_1.expected(folder)["images"]}
    with Project.open(folder / "plates") as project:
        for name, row in by_name(project).items():
            versions = [digest(project.mask(one.hash)) for one in project.mask_history(row.id)]
            assert versions == was[name]["earlier"], name
        text = project.shapes_text(by_name(project)["plate 1.png"].id)
        kinds = [(shape.class_id, shape.outline.kind) for shape in shapes_from_text(text or "")]
        assert kinds == [(3, "polygon"), (1, "ellipse")]
        assert project.undo_last_import() is not None
        assert {"seg 6.png", "seg 7.png"}.isdisjoint(by_name(project))
        assert digest(project.label_map(by_name(project)["板 6.png"].id)) == was["板 6.png"]["mask"]


def test_what_was_painted_and_not_saved_is_recovered(folder: Path) -> None:
    with Project.open(folder / "plates") as project:
        assert recover(project) == ["plate 2.png"]
        mask = project.label_map(by_name(project)["plate 2.png"].id)
        assert mask is not None
        assert (mask[20:24, 20:24] == 3).all()


def test_the_project_goes_on(folder: Path) -> None:
    with Project.open(folder / "plates") as project:
        row = by_name(project)["plate 7.png"]
        new = project.add_class("dust")
        mask = np.zeros((row.height, row.width), np.uint8)
        mask[:4] = new.id
        project.save_label_map(row.id, mask)
        project.set_subset([row.id], "train")
        revision = project.create_revision()
        assert revision.labels[-1].name == "dust"
    with Project.open(folder / "plates", read_only=True) as project:
        assert np.array_equal(project.label_map(row.id), mask)


def test_runs_are_listed_as_they_ended(folder: Path) -> None:
    was = version_0_1.expected(folder)["runs"]
    with Project.open(folder / "plates") as project:
        assert project.refresh_run_states() == []
        runs = project.runs()
        for run, before in zip(runs, was, strict=True):
            # Trainings that nobody named are called by their number now, other jobs by the network.
            assert run.name in {before["name"], f"#{run.number} {run.model}", run.model}
            for column in ("state", "model", "best_miou"):
                assert getattr(run, column) == before[column], (run.name, column)
            assert run.folder.is_dir()
            # Drafts are made by another kind of job now; list and folder must agree on it.
            assert RunFolder(run.folder).spec.kind == run.kind
            assert RunFolder(run.folder).state == run.state
            if before["kind"] != "prelabel":
                assert run.kind == before["kind"]
        assert len({run.kind for run in runs}) == 8


def test_the_story_of_a_training_is_read(unchanged: Path) -> None:
    run = run_folder(unchanged, 1)
    history = RunHistory()
    for _, event in run.events():
        history.apply(event)
    assert history.series["train/loss"].steps.tolist() == [1, 2, 3, 4]
    assert history.series["val/miou"].steps.tolist() == [2, 4]
    assert history.class_indices == [0, 1, 2, 3, 4]
    assert isinstance(history.ended, Done)
    assert history.best_miou == pytest.approx(0.20824847250509165)
    assert run.best_model == run.path / "best_model"
    assert [preview.step for preview in run.previews(history=True)] == [2, 4]
    failure = run_folder(unchanged, 9).failure
    assert failure is not None
    assert failure.kind == "bad_input"
    assert failure.message == "num_classes is 1: give a whole number from 2 to 255."


def test_every_job_description_is_read(unchanged: Path) -> None:
    for number in range(1, 12):
        run = run_folder(unchanged, number)
        before = json.loads(run.spec_path.read_text(encoding="utf-8"))
        now = run.spec.model_dump(mode="json")
        for settings in (before, now):  # augmentation has more settings by now
            settings |= {
                f"augmentation.{k}": v for k, v in settings.pop("augmentation", {}).items()
            }
        changed = {key for key in before if now.get(key) != before[key]}
        assert changed <= {"kind"}, number
        if before["kind"] != "prelabel":
            assert now["kind"] == before["kind"]


def test_drafts_wait_where_they_were_left(folder: Path) -> None:
    run_dir = run_folder(folder, 8).path
    records = draft.read_records(run_dir)
    assert [Path(record.image).name for record in records] == ["plate 7.png", "板 6.png"]
    assert draft.read_rejected(run_dir) == {1}
    with Project.open(folder / "plates") as project:
        row = by_name(project)["plate 7.png"]
        assert records[0].image_id == row.id
        found = draft.read_prediction(run_dir, records[0], size=(row.width, row.height))
        assert found.labels == ("background", "scratch", "dent", "油 stain", "rust")
        offered = draft.Draft.of(found, project.labels()).offered(0)
    # The model knows the project's classes under the same ids: nothing is translated.
    assert np.array_equal(offered, read_mask(run_dir / "drafts" / "000000.png"))


def test_variants_of_the_model_are_told_apart(folder: Path) -> None:
    with Project.open(folder / "plates") as project:
        variants = [
            one for one in VariantReader().read(project) if one.root.parts[-2] == "0001-FastSCNN"
        ]
    assert [str(one.kind) for one in variants] == ["float", "pruned", "int8"]
    assert variants[1].removed == pytest.approx(0.4, abs=0.02)
    assert variants[0].measured is not None
    assert variants[0].measured.image_size == (32, 32)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_predicts_the_same_masks(unchanged: Path, name: str) -> None:
    model = pdx.load_model(unchanged / "plates" / "runs" / MODELS[name])
    assert model.labels == ["background", "scratch", "dent", "油 stain", "rust"]
    label_map = model.predict(unchanged / "photos" / "plate 3.png")["label_map"]
    was = read_mask(unchanged / "expected" / f"{name}.png")
    assert len(np.unique(was)) >= 4  # or it were easy to agree with
    assert (label_map == was).mean() >= MOST_PIXELS


def test_an_exported_file_predicts_the_same_masks(unchanged: Path) -> None:
    exported = OnnxModel(unchanged / "plates/runs/0007-FastSCNN/export/model.onnx")
    label_map = exported.predict_image(unchanged / "photos" / "plate 3.png")["label_map"]
    was = read_mask(unchanged / "expected" / "exported.png")
    assert (label_map == was).mean() >= MOST_PIXELS


def test_a_killed_training_goes_on(folder: Path) -> None:
    run = run_folder(folder, 11)
    assert run.state == "interrupted"
    assert run.last_checkpoint == run.path / "epoch_1"
    job = JobProcess(run.path)
    job.start()
    outcome = job.wait()
    assert isinstance(outcome, Done), job.run.log_tail()
    assert run.metrics()["train/loss"][0].tolist() == [1, 2, 3, 4, 5, 6]
    assert outcome.result["resumed_from"] == str(run.path / "epoch_1")


def test_a_stopped_training_goes_on_from_the_command_line(folder: Path) -> None:
    run = run_folder(folder, 10)
    assert run.state == "cancelled"
    arguments = ["--data", run.dataset_dir, "--out", run.path, "--resume", run.path]
    arguments += ["--model", "FastSCNN", "--epochs", "2", "--skip-check", "--json"]
    done = subprocess.run(
        [sys.executable, "main.py", "train", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert Path(result["last_model"]).name == "epoch_2"
    assert run.state == "done"
