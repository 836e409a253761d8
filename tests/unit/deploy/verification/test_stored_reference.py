"""What is stored beside an export verifies it where neither the engine nor the model is."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from tiny_dataset import LABELS, Recorder, write_folder
from verification_parts import change_file, change_manifest, lively_model

from core.deploy.model_export import export_model
from core.deploy.verification import stored_reference
from core.deploy.verification.export_verification import verify_by_reference
from core.deploy.verification.samples import Sample, data_samples, image_samples
from core.deploy.verification.stored_reference import (
    choose_samples,
    read_reference,
    write_reference,
)
from core.deploy.verification.trained_network import trained_network
from core.images.io import write_image, write_mask
from core.portable.manifest import ModelInput, damaged_files, read_manifest
from core.system.errors import InputError


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("data") / "数据", val=3, size=151)
    return data_samples(folder, "val", LABELS, reporter=Recorder())


@pytest.fixture(scope="module")
def stored(samples, tmp_path_factory):
    """An export with a reference and its images."""
    model = lively_model()
    model.thresholds = [None, 0.4, 0.6]
    folder = tmp_path_factory.mktemp("exports") / "输出"
    export_model(model, folder)
    reporter = Recorder()
    write_reference(
        folder, trained_network(folder, model), samples, with_images=True, reporter=reporter
    )
    assert {one["stage"] for one in reporter.progresses} == {"reference"}
    return folder


@pytest.fixture
def folder(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "输出 1")


def test_right_on_known_images_whatever_they_are_called(stored, samples, tmp_path):
    shutil.copy(samples[0].image, tmp_path / "another name.png")
    write_image(tmp_path / "unknown.png", np.zeros((30, 40, 3), np.uint8))
    images = image_samples(sorted(tmp_path.glob("*.png")))
    found = verify_by_reference(stored, images)
    assert found.verified, found.to_dict()["faults"]
    assert (found.compared_with, len(found.images), found.unknown_images) == ("reference", 1, 1)
    assert found.agreement == 1.0
    assert found.miou_export == found.miou_model is not None  # masks were stored
    assert found.largest_difference < 0.02  # half precision


def test_the_stored_images_will_do(stored):
    found = verify_by_reference(stored, None, runtime="openvino")
    assert found.verified and len(found.images) == 3
    assert damaged_files(stored, read_manifest(stored)) == []


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ({"input": ModelInput(color_order="RGB")}, "preprocessing"),
        ({"labels": LABELS[::-1]}, "postprocessing"),
        ({"thresholds": (None, 0.4, 0.7)}, "postprocessing"),
        ({"preprocessing": ({"Normalize": {}},)}, "preprocessing"),
    ],
)
def test_a_wrong_manifest_is_named_without_the_model(folder, samples, changes, stage):
    change_manifest(folder, **changes)
    assert verify_by_reference(folder, samples).to_dict()["stage"] == stage


def test_another_file_is_told_by_what_was_stored(folder, samples, tmp_path):
    export_model(lively_model(seed=7), tmp_path / "other")
    shutil.copy(tmp_path / "other" / "model.onnx", folder / "model.onnx")
    manifest = read_manifest(tmp_path / "other")
    files = {**read_manifest(folder).files, "model.onnx": manifest.files["model.onnx"]}
    change_manifest(folder, files=files)
    change_manifest(folder, thresholds=None)
    found = verify_by_reference(folder, samples)
    assert "network" in [one.stage for one in found.faults]


def test_nothing_stored_or_nothing_known(folder, tmp_path):
    write_image(tmp_path / "unknown.png", np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(InputError, match="None of these images"):
        verify_by_reference(folder, image_samples([tmp_path / "unknown.png"]))
    shutil.rmtree(folder / "reference")
    with pytest.raises(InputError, match="holds nothing to compare with: give --model-dir"):
        verify_by_reference(folder, None)


@pytest.mark.parametrize("name", ["reference.json", "000.png", "000.npz"])
def test_a_damaged_reference_proves_nothing(folder, name):
    change_file(folder / "reference" / name, lambda content: content.__setitem__(20, 1))
    with pytest.raises(InputError, match="is damaged"):
        verify_by_reference(folder, None)


def test_a_reference_of_strange_content_is_refused(folder):
    index = folder / "reference" / "reference.json"
    content = json.loads(index.read_text(encoding="utf-8"))
    content["images"][0]["label_map"] = "../../secret.png"
    index.write_text(json.dumps(content), encoding="utf-8")
    change_manifest(folder, files={})
    with pytest.raises(InputError, match=r"images → 0 → label_map"):
        read_reference(folder, read_manifest(folder))


def test_without_room_label_maps_alone_are_stored(samples, tmp_path, monkeypatch):
    monkeypatch.setattr(stored_reference, "_MOST_BYTES", 1000)
    model = lively_model()
    export_model(model, tmp_path / "a")
    write_reference(tmp_path / "a", trained_network(tmp_path / "a", model), samples)
    assert not list((tmp_path / "a" / "reference").glob("*.npz"))
    assert not list((tmp_path / "a" / "reference").glob("*_image.*"))
    found = verify_by_reference(tmp_path / "a", samples)
    assert found.verified and found.scored_images == 0 and found.largest_difference is None
    change_manifest(tmp_path / "a", input=ModelInput(color_order="RGB"))
    assert verify_by_reference(tmp_path / "a", samples).to_dict()["stage"] == "preprocessing"
    with pytest.raises(InputError, match="holds no images"):
        verify_by_reference(tmp_path / "a", None)


def test_images_that_show_every_class_are_chosen(tmp_path):
    made = []
    for index in range(40):
        mask = np.zeros((8, 8), np.uint8)
        mask[0, 0] = 255
        if index == 23:
            mask[3:5] = 2
        if index in (5, 31, 32):
            mask[6:] = 1
        write_mask(tmp_path / f"{index}.png", mask)
        made.append(Sample(str(index), np.zeros((8, 8, 3), np.uint8), tmp_path / f"{index}.png"))
    chosen = choose_samples(made, 6)
    assert len(chosen) == 6
    assert "23" in {one.name for one in chosen}
    assert {one.name for one in chosen} & {"5", "31", "32"}
    assert choose_samples(made[:3], 6) == made[:3]
    assert len(choose_samples([dataclasses.replace(one, mask=None) for one in made], 6)) == 6


def test_the_line_needs_no_engine(stored, samples):
    data = str(samples[0].image.parent)
    code = f"""
import sys
from pathlib import Path
from core.cli import run
code = run(["verify", "--export", {str(stored)!r}, "--data", {data!r}, "--json"])
assert not [name for name in sys.modules if name.split(".")[0] in ("paddle", "PySide6")]
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["verified"] and result["images"] == 3
    assert result["model_dir"] is None and result["compared_with"] == "reference"
