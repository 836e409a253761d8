"""ONNX Runtime and OpenVINO: the same classes and scores, and clear words about wrong models."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest
from line_models import complete_graph, parts_picture, write_line_model

from core import portable
from core.portable.manifest import ModelInput, read_manifest, write_manifest
from core.portable.portable_error import PortableError
from core.portable.runtimes import open_runtime

NAMES = ("onnxruntime", "openvino")


@pytest.fixture
def batch() -> np.ndarray:
    return np.stack([parts_picture(seed=seed) for seed in range(3)])


def _as_openvino(folder: Path, target: Path) -> None:
    """The same model as OpenVINO's two files."""
    target.mkdir()
    model = openvino.Core().read_model(folder / "model.onnx")
    openvino.save_model(model, target / "model.xml", compress_to_fp16=False)
    write_manifest(target, replace(read_manifest(folder), format="openvino", files={}))


def test_runtimes_agree(tmp_path, batch):
    manifest = write_line_model(tmp_path / "模 型", model=complete_graph(kernel=5, seed=1))
    _as_openvino(tmp_path / "模 型", tmp_path / "ir")
    opened = [open_runtime(tmp_path / "模 型", manifest, runtime=name, threads=1) for name in NAMES]
    opened.append(open_runtime(tmp_path / "ir", read_manifest(tmp_path / "ir")))
    assert [one.name for one in opened] == ["onnxruntime", "openvino", "openvino"]
    assert [one.threads for one in opened[:2]] == [1, 1]
    assert {one.compute_precision for one in opened} == {"float32"}
    compiled = opened[1]._request("label_map").get_compiled_model()
    assert compiled.get_property("ENABLE_CPU_PINNING") is False
    assert opened[1].version == openvino.__version__.split("-")[0]
    for one in opened:
        scores = one.scores(batch)
        assert (scores.shape, scores.dtype) == ((3, 3, 60, 80), np.float32)
        np.testing.assert_allclose(scores, opened[0].scores(batch), atol=1e-5)
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
        label_maps = one.label_maps(batch)
        assert (label_maps.shape, label_maps.dtype) == ((3, 60, 80), np.uint8)
        np.testing.assert_array_equal(label_maps, scores.argmax(axis=1))
    assert len(np.unique(label_maps)) > 1


def test_a_size_that_comes_again_is_computed_alike(tmp_path, batch):
    """From the third time on by a model that is compiled for it alone, of a few sizes only."""
    manifest = write_line_model(tmp_path, model=complete_graph(kernel=5, seed=1))
    opened = open_runtime(tmp_path, manifest, runtime="openvino", threads=1)
    other = open_runtime(tmp_path, manifest, runtime="onnxruntime", threads=1)
    compiled = []
    core = opened._core
    opened._core = _Counting(core, compiled)
    cut = [batch, batch[:, :50], batch[:, :, :70], batch[:1]]
    for _ in range(5):
        for images in cut:
            np.testing.assert_array_equal(opened.label_maps(images), other.label_maps(images))
            np.testing.assert_allclose(opened.scores(images), other.scores(images), atol=1e-5)
    shapes = [shape for shape in compiled if "?" not in shape]
    assert sorted(shapes) == ["[3,50,80,3]", "[3,50,80,3]", "[3,60,80,3]", "[3,60,80,3]"]


class _Counting:
    """Notes the shapes of inputs that models are compiled for."""

    def __init__(self, core, shapes):
        self._core, self._shapes = core, shapes

    def compile_model(self, model, *arguments):
        self._shapes.append(str(model.inputs[0].get_partial_shape()))
        return self._core.compile_model(model, *arguments)


@pytest.mark.parametrize("runtime", NAMES)
def test_results_are_the_callers_own(tmp_path, batch, runtime):
    opened = open_runtime(tmp_path, write_line_model(tmp_path), runtime=runtime)
    first = opened.label_maps(batch)
    kept = first.copy()
    opened.label_maps(np.zeros_like(batch))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("runtime", NAMES)
def test_the_order_of_colours(tmp_path, batch, runtime):
    write_line_model(tmp_path / "bgr")
    manifest = write_line_model(
        tmp_path / "rgb",
        model=complete_graph(order="RGB"),
        input=ModelInput(color_order="RGB"),
    )
    bgr = open_runtime(tmp_path / "bgr", read_manifest(tmp_path / "bgr"), runtime=runtime)
    rgb = open_runtime(tmp_path / "rgb", manifest, runtime=runtime)
    expected = bgr.label_maps(batch)
    assert (expected == 1).any()
    np.testing.assert_array_equal(rgb.label_maps(batch), expected)


@pytest.mark.parametrize("runtime", NAMES)
def test_wrong_models_are_named(tmp_path, batch, runtime):
    manifest = write_line_model(tmp_path)

    def refused(words: str, **changes: object) -> None:
        with pytest.raises(PortableError, match=words):
            one = open_runtime(tmp_path, replace(manifest, **changes), runtime=runtime)
            one.label_maps(batch)
            one.scores(batch)

    refused("is not the model", outputs={"label_map": "masks", "scores": "scores"})
    refused("is not the model", input=ModelInput(name="picture"))
    refused("is not the model", outputs={"label_map": "scores", "scores": "label_map"})
    refused("is not the model", labels=("background", "Crack"))
    refused("takes images of 64×48 pixels", input=ModelInput(height=48, width=64))
    refused("done elsewhere", graph="plain")
    (tmp_path / "model.onnx").write_bytes((tmp_path / "model.onnx").read_bytes()[:80])
    refused("can(not)? (be )?run here|that can be run here")
    (tmp_path / "model.onnx").unlink()
    refused("does not exist")


def test_wrong_choices_are_named(tmp_path, monkeypatch):
    manifest = write_line_model(tmp_path)
    with pytest.raises(PortableError, match="choose one of auto, onnxruntime, openvino"):
        open_runtime(tmp_path, manifest, runtime="tensorrt")
    with pytest.raises(PortableError, match="threads is 0"):
        open_runtime(tmp_path, manifest, threads=0)
    with pytest.raises(PortableError, match="does not read this model"):
        open_runtime(tmp_path, replace(manifest, format="openvino"), runtime="onnxruntime")
    monkeypatch.setattr("core.portable.runtimes.find_spec", lambda name: None)
    with pytest.raises(PortableError, match="pip install onnxruntime"):
        open_runtime(tmp_path, manifest)


def test_the_package_stands_alone(tmp_path):
    """A copy of it runs without the rest of the program; runtimes come when one is opened."""
    shutil.copytree(Path(portable.__file__).parent, tmp_path / "portable")
    write_line_model(tmp_path / "export")
    code = (
        "import sys, numpy, pkgutil, importlib, portable\n"
        "for one in pkgutil.iter_modules(portable.__path__):\n"
        "    importlib.import_module('portable.' + one.name)\n"
        "names = {name.split('.')[0] for name in sys.modules}\n"
        "foreign = {'core', 'paddle', 'onnxruntime', 'openvino', 'PIL', 'yaml', 'pydantic'}\n"
        "assert not names & foreign, names & foreign\n"
        "predictor = portable.line_predictor.LinePredictor('export')\n"
        "assert predictor.label_map(numpy.zeros((4, 4, 3), 'uint8')).tolist() == [[2] * 4] * 4\n"
        "assert 'core' not in sys.modules and 'openvino' not in sys.modules\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)
