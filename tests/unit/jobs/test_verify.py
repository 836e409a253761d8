"""Verifying as a job, and on the command line."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from project_samples import labelled, project, write_images
from tiny_dataset import LABELS, Recorder, write_folder
from verification_parts import change_manifest, lively_model

from core.cli import run as run_command
from core.deploy.model_export import export_model
from core.images.io import write_image
from core.jobs.tasks import run_task
from core.portable.manifest import ModelInput
from core.runs.kinds import ExportSpec, VerifySpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError
from core.system.reporting import StopRequested

__all__ = ["project"]


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "模型"
    lively_model().save_model(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "数据", val=3, size=151)


@pytest.fixture(scope="module")
def export_dir(model_dir, data, tmp_path_factory):
    """Exported by the task, with a reference."""
    out = tmp_path_factory.mktemp("exports") / "输出"
    spec = ExportSpec(
        model_dir=model_dir, out_dir=out, reference=True, store_images=True, data_dir=data
    )
    run = RunFolder.create(tmp_path_factory.mktemp("runs") / "1", spec)
    result = run_task(spec, run, Recorder())
    assert any(name.endswith("reference.json") for name in result["files"])
    return out


def test_the_job_leaves_result_and_picture(model_dir, data, export_dir, tmp_path):
    spec = VerifySpec(model_dir=model_dir, export_dir=export_dir, data_dir=data, most_images=2)
    folder = RunFolder.create(tmp_path / "1", spec)
    reporter = Recorder()
    result = run_task(spec, folder, reporter)
    assert result["verified"] and result["images"] == 2 and result["miou_model"] is not None
    assert json.loads((folder.path / "verification.json").read_text("utf-8"))["verified"]
    assert (folder.path / "previews" / "worst_image.png").is_file()
    assert result["pictures"]["worst_image"].endswith("worst_image.png")
    assert {one["stage"] for one in reporter.progresses} == {"verify"}
    with pytest.raises(StopRequested):
        run_task(spec, folder, Recorder(stop_at=1))


def test_images_without_masks_and_stored_ones(model_dir, data, export_dir, tmp_path):
    images = sorted(data.glob("val ?.png"))
    spec = VerifySpec(model_dir=model_dir, export_dir=export_dir, images=images)
    result = run_task(spec, RunFolder.create(tmp_path / "1", spec), Recorder())
    assert result["verified"] and result["miou_model"] is None and result["images"] == 3
    spec = VerifySpec(model_dir=model_dir, export_dir=export_dir)
    result = run_task(spec, RunFolder.create(tmp_path / "2", spec), Recorder())
    assert result["verified"] and result["miou_model"] is not None and result["images"] == 3
    bare = shutil.copytree(export_dir, tmp_path / "bare")
    shutil.rmtree(bare / "reference")
    spec = VerifySpec(model_dir=model_dir, export_dir=bare)
    with pytest.raises(InputError, match="no images to verify"):
        run_task(spec, RunFolder.create(tmp_path / "3", spec), Recorder())


def test_data_of_other_classes_is_refused(model_dir, data, export_dir, tmp_path):
    other = shutil.copytree(data, tmp_path / "other")
    (other / "labels.txt").write_text("\n".join(LABELS[:2]), encoding="utf-8")
    spec = VerifySpec(model_dir=model_dir, export_dir=export_dir, data_dir=other)
    with pytest.raises(InputError, match="2 classes and the model 3"):
        run_task(spec, RunFolder.create(tmp_path / "1", spec), Recorder())


def last_json(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_command_with_the_model(model_dir, data, export_dir, tmp_path, capsys):
    arguments = ["verify", "--export", str(export_dir), "--model-dir", str(model_dir)]
    arguments += ["--data", str(data), "--json"]
    assert run_command([*arguments, "--out", str(tmp_path / "found")]) == 0
    assert last_json(capsys)["verified"] is True
    assert (tmp_path / "found" / "verification.json").is_file()
    spoilt = shutil.copytree(export_dir, tmp_path / "spoilt")
    change_manifest(spoilt, input=ModelInput(color_order="RGB"))
    arguments[2] = str(spoilt)
    assert run_command(arguments) == 2
    streams = capsys.readouterr()
    result = json.loads(streams.out.splitlines()[-1])
    assert (result["verified"], result["stage"]) == (False, "preprocessing")
    assert "is not verified: manifest.json says that the file takes RGB" in streams.err


def test_the_command_without_the_model(data, export_dir, tmp_path, capsys):
    arguments = ["verify", "--export", str(export_dir)]
    assert run_command([*arguments, "--data", str(data), "--out", str(tmp_path / "found")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("verified\n") and "onnxruntime" in out
    assert (tmp_path / "found" / "worst_image.png").is_file()
    assert run_command([*arguments, "--json"]) == 0
    assert last_json(capsys)["images"] == 3
    assert run_command([*arguments, "--images", "2", "--json"]) == 0
    assert last_json(capsys)["images"] == 2
    plain = tmp_path / "images"
    plain.mkdir()
    shutil.copy(data / "val 1.png", plain / "a.png")
    assert run_command([*arguments, "--data", str(plain), "--json"]) == 0
    result = last_json(capsys)
    assert result["images"] == 1 and result["miou_model"] is not None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--bound", "0.9"], "in percent"),
        (["--int8-loss", "-1"], "points of mIoU"),
        (["--data", "nowhere"], "is not a folder"),
        (["--model-dir", "nowhere"], "is not a folder"),
        (["--split", "all"], "Invalid value for '--split': 'all' is not one of 'train'"),
    ],
)
def test_bad_options_of_the_command(export_dir, capsys, arguments, sentence):
    assert run_command(["verify", "--export", str(export_dir), *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_nothing_to_compare_with_is_one_sentence(tmp_path, capsys):
    export_model(lively_model(), tmp_path / "a")
    write_image(tmp_path / "b.png", np.zeros((40, 40, 3), np.uint8))
    arguments = ["verify", "--export", str(tmp_path / "a"), "--data", str(tmp_path)]
    assert run_command(arguments) == 2
    error = capsys.readouterr().err
    assert "give --model-dir, or export the model with --data" in error
    assert len(error.strip().splitlines()) == 1
    (tmp_path / "empty").mkdir()  # what is missing is the reference, whatever images there are
    assert run_command([*arguments[:3], "--data", str(tmp_path / "empty")]) == 2
    assert "give --model-dir, or export" in capsys.readouterr().err
    assert run_command(["verify", "--export", str(tmp_path)]) == 2
    assert "no exported model" in capsys.readouterr().err


def test_a_project_is_a_data_set(project, model_dir, export_dir, tmp_path, capsys):
    labelled(project, write_images(tmp_path / "images", 2), 0, 1, 2, subset="val")
    arguments = ["verify", "--export", str(export_dir), "--model-dir", str(model_dir)]
    assert run_command([*arguments, "--data", str(project.folder), "--json"]) == 0
    streams = capsys.readouterr()
    assert json.loads(streams.out.splitlines()[-1])["images"] == 2
    assert "called scratch in the data" in streams.err


@pytest.mark.parametrize("options", [["--plain"], ["--format", "paddle"]])
def test_an_order_of_colours_that_a_plain_file_cannot_have(model_dir, tmp_path, capsys, options):
    out = tmp_path / "out"
    arguments = ["export", "--model-dir", str(model_dir), "--out", str(out), *options]
    assert run_command([*arguments, "--color-order", "rgb"]) == 2
    assert "red first: leave it out" in capsys.readouterr().err
    assert not out.exists()
