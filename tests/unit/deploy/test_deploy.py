"""Exported models: folders, descriptions, prediction without paddle, measurements."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import numpy as np
import onnx
import paddle
import pytest
from tiny_dataset import LABELS, Recorder, dataset, write_folder

from core import seg
from core import transforms as T  # noqa: N812
from core.compression.quantization.calibration import calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import quantize
from core.deploy.latency import latency
from core.deploy.measurement import measure_variant
from core.deploy.model_export import DESCRIPTION, MODEL, export_model
from core.images import io as images
from core.models.variant import Variant
from core.portable.manifest import MANIFEST
from core.portable.onnx_sessions import PRODUCT, products_overflow
from core.prediction.onnx_predictor import METADATA_KEY, OnnxModel
from core.prediction.paddle_predictor import inference_mode
from core.system.errors import InputError
from core.system.files import read_yaml


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "数据 2", train=1, val=3)


def new_model():
    model = seg.create("FastSCNN", seed=1, num_classes=3)
    model.labels = list(LABELS)
    model.colors = [(0, 0, 0), (255, 0, 0), (0, 0, 255)]
    model.test_transforms = T.Compose([T.Resize((48, 56)), T.Normalize()])
    model.net.eval()
    return model


@pytest.fixture(scope="module")
def model():
    return new_model()


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    return export_model(model, tmp_path_factory.mktemp("export") / "输出 1")


def test_folder_says_everything(exported):
    assert exported.precision == "float32"
    assert exported.size == (56, 48)
    assert exported.size_bytes == exported.model.stat().st_size
    names = sorted(file.name for file in exported.folder.iterdir())
    assert names == [MANIFEST, MODEL, DESCRIPTION]
    assert [file.name for file in exported.files] == [MODEL, DESCRIPTION, MANIFEST]
    content = read_yaml(exported.folder / DESCRIPTION)
    assert content["labels"] == list(LABELS)
    assert content["size"] == [56, 48]
    description = OnnxModel(exported.model).description
    assert description.labels == LABELS
    assert description.colors[2] == (0, 0, 255)
    assert [next(iter(item)) for item in description.transforms] == ["Resize", "Normalize"]
    assert description.libraries["onnx"] == onnx.__version__


def test_file_alone_predicts_as_the_model(model, exported, data_folder):
    file = sorted(data_folder.glob("val ?.png"))[0]
    own = model.predict(file)
    got = OnnxModel(exported.model).predict_image(file)
    assert got["label_map"].shape == images.read_image(file).shape[:2]
    np.testing.assert_array_equal(got["label_map"], own["label_map"])
    np.testing.assert_allclose(got["score_map"], own["score_map"], atol=1e-4)


def test_evaluates_as_the_model(model, exported, data_folder):
    data = dataset(data_folder, "val")
    data.transforms = model.test_transforms
    matrix = OnnxModel(exported.model).evaluate(data).matrix
    details = model.evaluate(data, return_details=True)[1]
    np.testing.assert_array_equal(matrix, details["confusion_matrix"])


def test_images_of_another_size_than_the_file_takes(tmp_path):
    model = new_model()
    model.test_transforms = T.Compose([T.Normalize()])
    file = OnnxModel(export_model(model, tmp_path / "a", size=(64, 64)).model)
    large = np.random.default_rng(0).integers(0, 256, (100, 150, 3)).astype(np.uint8)
    expected = model.predict(large, window=(64, 64))["label_map"]
    # The windows' scores are blended, not the logits: the last digit decides between equal ones.
    assert (file.predict_image(large)["label_map"] == expected).mean() > 0.999
    prepared_here = file.network_predictor().predict(large)["label_map"]
    np.testing.assert_array_equal(prepared_here, expected)
    assert file.predict_image(large[:30, :50])["label_map"].shape == (30, 50)


def test_a_chosen_size_replaces_the_models_own(model, tmp_path):
    result = export_model(model, tmp_path / "a", size=(64, 32))
    file = OnnxModel(result.model)
    assert file.size == (64, 32)
    image = np.zeros((20, 30, 3), np.uint8)
    assert file.network_predictor().prepare(image).image.shape == (3, 32, 64)


def test_nothing_foreign_is_overwritten(model, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files, such as notes\.txt"):
        export_model(model, folder)
    assert (folder / "notes.txt").read_text() == "mine"
    with pytest.raises(InputError, match="is a file"):
        export_model(model, folder / "notes.txt")


def test_an_earlier_export_is_replaced(model, tmp_path):
    export_model(model, tmp_path / "a", size=(64, 32))
    export_model(model, tmp_path / "a", size=(32, 64))
    assert OnnxModel(tmp_path / "a" / MODEL).size == (32, 64)


def test_bad_files(exported, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        OnnxModel(tmp_path / "missing.onnx")
    (tmp_path / "noise.onnx").write_bytes(b"no model at all")
    with pytest.raises(InputError, match="no ONNX model"):
        OnnxModel(tmp_path / "noise.onnx")
    content = onnx.load(exported.model)
    onnx.helper.set_model_props(content, {METADATA_KEY: json.dumps({"labels": 5})})
    onnx.save(content, tmp_path / "damaged.onnx")
    with pytest.raises(InputError, match="damaged"):
        OnnxModel(tmp_path / "damaged.onnx")
    del content.metadata_props[:]
    onnx.save(content, tmp_path / "silent.onnx")
    with pytest.raises(InputError, match="is no segmentation model"):
        OnnxModel(tmp_path / "silent.onnx")
    plain = onnx.load(export_model(new_model(), tmp_path / "plain", plain=True).model)
    del plain.metadata_props[:]
    onnx.save(plain, tmp_path / "silent.onnx")
    with pytest.raises(InputError, match="does not say how images are prepared"):
        OnnxModel(tmp_path / "silent.onnx").predict_image(np.zeros((8, 8, 3), np.uint8))


def test_latency(exported):
    found = latency(exported.model, runs=4, threads=1)
    assert found.runs == 4
    assert latency(exported.model, runs=1, least_seconds=0.3).runs > 1
    assert 0 < found.median_ms <= found.p90_ms
    with pytest.raises(InputError, match="56×48 pixels only"):
        latency(exported.model, size=(10, 10))


def test_logits_are_the_networks(model, exported):
    batch = np.random.default_rng(0).standard_normal((2, 3, 48, 56)).astype(np.float32)
    with inference_mode(model.net):
        expected = model.net(paddle.to_tensor(batch))[0].numpy()
    difference = np.abs(OnnxModel(exported.model).logits(batch) - expected)
    assert difference.max() < 1e-4 * np.abs(expected).max()


def test_products_that_overflow_are_noticed(monkeypatch):
    (node,) = onnx.load_from_string(PRODUCT).graph.node
    assert (node.op_type, list(node.input)) == ("MatMulInteger", ["a", "b"])

    class Saturating:
        def __init__(self, *_args, **_options):
            pass

        def run(self, _outputs, feeds):
            pairs = feeds["a"].astype(int) @ feeds["b"].astype(int)
            return [np.minimum(pairs, 32 * 32767).astype(np.int32)]

    if platform.machine() not in ("x86_64", "AMD64"):
        assert not products_overflow()
    monkeypatch.setattr("onnxruntime.InferenceSession", Saturating)
    assert products_overflow.__wrapped__()


def test_running_needs_no_paddle():
    code = (
        "import sys, core.prediction.onnx_predictor, core.deploy.latency, core.models.variant;"
        "sys.exit(any(name in sys.modules for name in ('paddle', 'onnxruntime', 'onnx')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_variants_of_a_model(data_folder, tmp_path):
    model = new_model()
    data = dataset(data_folder, "val")
    recorder = Recorder()
    plain = measure_variant(model, tmp_path / "浮 点", data, runs=2, threads=1, reporter=recorder)
    assert {step["stage"] for step in recorder.progresses} == {"measure"}
    assert plain.agreement == 1.0
    assert plain.image_size == (56, 48)
    data.transforms = model.test_transforms
    assert plain.miou == pytest.approx(model.evaluate(data)["miou"])
    quantize(model.net, QuantConfig(), size=(48, 56))
    rng = np.random.default_rng(0)
    calibrate(model.net, [rng.standard_normal((2, 3, 48, 56)).astype(np.float32)])
    int8 = measure_variant(model, tmp_path / "整 数", data, runs=2, threads=1)
    assert (int8.precision, int8.float_layers) == ("int8", ("classifier.conv",))
    assert (int8.flops, int8.parameters) == (plain.flops, plain.parameters)
    assert int8.size_bytes < 0.32 * plain.size_bytes
    assert Variant.from_dict(json.loads(json.dumps(int8.to_dict()))) == int8
    with pytest.raises(InputError, match="was quantised for images of 56×48"):
        export_model(model, tmp_path / "other", size=(32, 32))
