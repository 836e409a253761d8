"""A trained model becomes a bundle in one job."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from job_runs import SIDE, write_data
from tiny_dataset import Recorder

from core import seg
from core import transforms as T  # noqa: N812
from core.deploy.model_export import export_model
from core.images.io import read_image
from core.jobs.tasks import run_task
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import read_manifest, write_manifest
from core.portable.selftest import run_selftest
from core.runs.kinds import BundleSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.system.errors import InputError


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    """A network that was never trained, and finds something of every class."""
    model = seg.create("FastSCNN", seed=3, num_classes=2)
    model.labels = ["background", "明亮"]
    model.test_transforms = T.Compose([T.Resize((SIDE, SIDE)), T.Normalize()])
    folder = tmp_path_factory.mktemp("models") / "模 型"
    model.save_model(folder, dataset_hash="abc")
    return folder


def _do(folder: Path, spec: BundleSpec):
    run = RunFolder.create(folder, spec)
    reporter = Recorder()
    result = run_task(run.spec, run, reporter)
    json.dumps(result, allow_nan=False)
    return result, reporter


def test_a_model_is_bundled_with_samples(model_dir, tmp_path):
    data = write_data(tmp_path / "data", val=6)
    out = tmp_path / "产线"
    spec = BundleSpec(model_dir=model_dir, out=out, data_dir=data)
    result, reporter = _do(tmp_path / "run", spec)
    assert result["bundle"] == str(out) and result["samples"] == 4
    assert reporter.progresses[-1]["step"] == reporter.progresses[-1]["steps"] == 6
    predictor = LinePredictor(out)
    assert predictor.manifest.revision == "abc"
    assert run_selftest(out, predictor).passed
    model = load_model(model_dir)
    for image in sorted(data.glob("val ?.png")):
        own = model.predict(str(image))["label_map"]
        assert (predictor.label_map(image) != own).mean() < 0.001
        again = predictor.label_map(read_image(image))
        np.testing.assert_array_equal(predictor.label_map(image), again)


def test_without_data_there_are_no_samples(model_dir, tmp_path):
    result, _ = _do(tmp_path / "run", BundleSpec(model_dir=model_dir, out=tmp_path / "a.zip"))
    assert result["samples"] == 0 and (tmp_path / "a.zip").is_file()


def test_what_is_in_the_way_is_told_before_the_model_is_loaded(model_dir, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"mine")
    with pytest.raises(InputError, match="choose another name"):
        _do(tmp_path / "run", BundleSpec(model_dir=tmp_path / "none", out=tmp_path / "a.zip"))
    data = write_data(tmp_path / "data")
    (data / "labels.txt").write_text("background\na\nb\n", encoding="utf-8")
    with pytest.raises(InputError, match="classes"):
        _do(
            tmp_path / "run 2",
            BundleSpec(model_dir=model_dir, out=tmp_path / "b", data_dir=data),
        )
    assert not (tmp_path / "b").exists()


def test_a_bundle_of_an_export_that_is_there_keeps_its_rules(model_dir, tmp_path):
    export = export_model(load_model(model_dir), tmp_path / "export").folder
    rule = "any 明亮 longer than 5 px -> reject"
    write_manifest(export, replace(read_manifest(export), rules=(rule,), pixel_size_mm=0.5))
    out = tmp_path / "out"
    spec = BundleSpec(model_dir=model_dir, export_dir=export, out=out)
    result, _ = _do(tmp_path / "run", spec)
    assert result["samples"] == 0
    manifest = read_manifest(out)
    assert (manifest.rules, manifest.pixel_size_mm) == ((rule,), 0.5)
    assert manifest.files["model.onnx"] == read_manifest(export).files["model.onnx"]
