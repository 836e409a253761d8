"""Exports of every network in every format, as their users have them."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import yaml
from exported_networks import LABELS, NETWORKS, SIZE, trained_model

import core as pdx
from core import cli
from core.deploy.model_export import export_model
from core.portable.manifest import damaged_files, read_manifest
from core.prediction.exported_model import inspect_export
from core.system.reporting import Reporter

pytestmark = pytest.mark.thorough

FORMATS = {
    "onnx": ("model.onnx",),
    "openvino": ("model.xml", "model.bin"),
    "paddle": ("model.json", "model.pdiparams"),
}


def image(height, width):
    """Random colours, changing slowly."""
    rng = np.random.default_rng(height)
    coarse = rng.integers(0, 256, (-(-height // 8), -(-width // 8), 3), np.uint8)
    return np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)[:height, :width]


def agreement(model, exported):
    """Share of equal pixels in images of an even and an odd size."""
    images = [image(*SIZE), image(131, 87)]
    found = [
        (model.predict(one)["label_map"] == exported.predict(one)["label_map"]).mean()
        for one in images
    ]
    return min(found)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_in_float(name, form, tmp_path):
    model = trained_model(name)
    folder = export_model(model, tmp_path / "输出 1", format=form).folder
    manifest = read_manifest(folder)
    assert (manifest.format, manifest.precision) == (form, "float32")
    assert damaged_files(folder, manifest) == []
    assert set(FORMATS[form]) < set(manifest.files)
    assert agreement(model, pdx.load_model(folder, threads=1)) >= 0.9999


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["FastSCNN", "BiSeNetV2", "EfficientNetFPN"])
def test_quantised_networks(name, form, tmp_path):
    model = trained_model(name, int8=True)
    folder = export_model(model, tmp_path / "int8", format=form).folder
    manifest = read_manifest(folder)
    # Paddle's library computes in float what was rounded to integers.
    assert manifest.precision == ("float32" if form == "paddle" else "int8")
    assert manifest.status == "Quantized"
    loaded = pdx.load_model(folder, threads=1)
    assert loaded.info.status == "Quantized"
    # Weights are drawn, so that half a step decides many pixels; trained ones agree in 99.8 %.
    assert agreement(model, loaded) > 0.95
    assert inspect_export(folder / FORMATS[form][0]).precision == manifest.precision


@pytest.mark.parametrize("form", ["openvino", "paddle"])
@pytest.mark.parametrize("plain", [False, True])
def test_evaluated_and_predicted_with(form, plain, tmp_path):
    """By the names that PaddleX's scripts use."""
    model = trained_model("FastSCNN")
    folder = export_model(model, tmp_path / "export", format=form, plain=plain).folder
    expected = model.predict(image(*SIZE))
    file = folder / read_manifest(folder).model_file
    for predictor in (
        pdx.deploy.Predictor(str(folder)),
        pdx.load_model(folder),
        pdx.load_model(file),
    ):
        found = predictor.predict(image(*SIZE))
        assert (found["label_map"] == expected["label_map"]).mean() >= 0.9999
        np.testing.assert_allclose(found["score_map"], expected["score_map"], atol=1e-3)
        assert predictor.labels == list(LABELS)


@pytest.mark.parametrize("form", ["openvino", "paddle"])
def test_thresholds_become_part_of_the_file(form, tmp_path):
    model = trained_model("FastSCNN")
    chosen = [None, 0.2, 0.6]
    folder = export_model(model, tmp_path / "export", format=form, thresholds=chosen).folder
    expected = model.predict(image(*SIZE), thresholds=chosen)["label_map"]
    assert (expected != model.predict(image(*SIZE))["label_map"]).any()
    found = pdx.load_model(folder).predict(image(*SIZE))["label_map"]
    assert (found == expected).mean() >= 0.9999


@pytest.mark.parametrize("form", FORMATS)
def test_a_pruned_network(form, tmp_path):
    model = trained_model("UNet")
    model.prune(0.4, reporter=Reporter())
    folder = export_model(model, tmp_path / "pruned", format=form).folder
    assert agreement(model, pdx.load_model(folder, threads=1)) >= 0.9999


def test_the_layout_of_paddlex(tmp_path):
    model = trained_model("UNet")
    result = export_model(model, tmp_path / "inference_model", format="paddle")
    names = {file.name for file in result.folder.iterdir()}
    assert names == {
        "model.json",
        "model.pdiparams",
        "model.yml",
        "pipeline.yml",
        "manifest.json",
        ".success",
    }
    assert {file.name for file in result.files} == names
    described = yaml.safe_load((result.folder / "model.yml").read_text(encoding="utf-8"))
    assert described["status"] == "Infer"  # or PaddleX refuses it
    assert int(described["version"].split(".")[0]) >= 2
    assert described["Model"] == "UNet"
    assert described["_Attributes"] == {
        "model_type": "segmenter",
        "num_classes": 3,
        "labels": list(LABELS),
        "fixed_input_shape": [None, 3, *SIZE],
    }
    assert described["_init_params"]["use_deconv"] is True
    assert [next(iter(item)) for item in described["Transforms"]] == ["Resize", "Normalize"]
    pipeline = yaml.safe_load((result.folder / "pipeline.yml").read_text(encoding="utf-8"))
    assert pipeline["pipeline_nodes"][2]["predict0"]["init_params"]["model_dir"] == "."
    again = export_model(model, result.folder, format="onnx")  # another format replaces it
    assert not (again.folder / "model.json").exists()


def test_openvino_needs_no_paddle(tmp_path):
    folder = export_model(trained_model("FastSCNN"), tmp_path / "e", format="openvino").folder
    code = (
        "import sys; import core as pdx; import numpy as np; "
        f"m = pdx.load_model({str(folder)!r}); "
        "m.predict(np.zeros((9, 9, 3), np.uint8)); "
        "assert 'paddle' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("form", ["openvino", "paddle"])
def test_the_command_writes_what_is_asked_for(form, tmp_path, capsys):
    model_dir = trained_model("FastSCNN").save_model(tmp_path / "模型")
    out = tmp_path / "输出 1"
    command = ["export", "--model-dir", str(model_dir), "--out", str(out), "--format", form]
    assert cli.run([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["format"] == form
    assert {str(out / name) for name in FORMATS[form]} < set(told["files"])
    assert sorted(told["files"]) == sorted(str(file) for file in out.iterdir())
    assert read_manifest(out).graph == ("plain" if form == "paddle" else "complete")
