"""OpenVINO's representation: the numbers of the ONNX file, int8 where that is, and what it says."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
from exported_networks import LABELS, NETWORKS, SIZE, noise, plain_manifest, trained_model

from core.deploy.complete_graph import complete_graph
from core.deploy.model_export import export_model
from core.deploy.openvino_export import export_openvino
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import Manifest, ModelInput, read_manifest, write_manifest
from core.prediction.openvino_network import OpenVinoNetwork
from core.system.errors import InputError


def plain_export(name, folder, *, int8=False):
    """ONNX file and IR of one network, both with logits."""
    folder.mkdir()
    model = trained_model(name, int8=int8)
    onnx_file = export_model(model, folder / "onnx", plain=True).model
    manifest = plain_manifest("openvino", name, precision="int8" if int8 else "float32")
    export_openvino(onnx_file, folder, manifest=manifest)
    write_manifest(folder, manifest)
    return onnx_file


def onnx_logits(file, batch):
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"image": batch})[0]


def kernels(folder):
    """Precisions of the convolutions as they are compiled for this processor."""
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(folder / "model.xml"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    found = []
    for node in compiled.get_runtime_model().get_ops():
        info = node.get_rt_info()
        if "layerType" in info and info["layerType"].astype(str) == "Convolution":
            found.append(info["runtimePrecision"].astype(str))
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_float_agrees_with_onnx_runtime(name, tmp_path):
    folder = tmp_path / "输出 1"
    onnx_file = plain_export(name, folder)
    batch = noise(2, 3, *SIZE)
    expected = onnx_logits(onnx_file, batch)
    network = OpenVinoNetwork(folder, read_manifest(folder), threads=1)
    compiled = network._request.get_compiled_model()
    assert compiled.get_property("ENABLE_CPU_PINNING") is False  # it evaluates in every process
    found = network.logits(batch)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.9999
    assert set(kernels(folder)) == {"f32"}
    halved = 0.75 * onnx_file.stat().st_size
    assert (folder / "model.bin").stat().st_size > halved  # weights are as they were


@pytest.mark.parametrize("name", ["FastSCNN", "BiSeNetV2", "EfficientNetFPN"])
def test_int8_stays_int8(name, tmp_path):
    folder = tmp_path / "int8"
    onnx_file = plain_export(name, folder, int8=True)
    batch = noise(2, 3, *SIZE)
    expected = onnx_logits(onnx_file, batch)
    found = OpenVinoNetwork(folder, read_manifest(folder), threads=1).logits(batch)
    # Networks that look trained but are not: half a step decides many pixels.
    assert (found.argmax(1) == expected.argmax(1)).mean() > 0.9
    precisions = kernels(folder)
    quantized = sum(
        node.op_type == "Conv" and node.input[1].endswith(".dequantized")
        for node in onnx.load(onnx_file).graph.node
    )
    assert sum(one in ("u8", "i8") for one in precisions) == quantized > 0
    assert (folder / "model.bin").stat().st_size < 1.05 * onnx_file.stat().st_size


def test_a_complete_graph_runs_in_both_runtimes(tmp_path):
    model = trained_model("FastSCNN")
    plain = export_model(model, tmp_path / "plain", plain=True).model
    folder = tmp_path / "complete"
    folder.mkdir()
    onnx.save(complete_graph(onnx.load(plain), model.test_transforms), folder / "model.onnx")
    manifest = Manifest(format="openvino", model="FastSCNN", labels=LABELS, input=ModelInput())
    write_manifest(folder, Manifest(format="onnx", model="FastSCNN", labels=LABELS))
    by_onnx = LinePredictor(folder, runtime="onnxruntime", threads=1)
    export_openvino(folder / "model.onnx", folder, manifest=manifest)
    write_manifest(folder, manifest)
    by_openvino = LinePredictor(folder, threads=1)
    assert by_openvino.runtime.name == "openvino"
    assert by_openvino.runtime.compute_precision == "float32"
    for height, width in ((64, 96), (51, 77), (130, 41)):
        image = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
        same = by_openvino.label_map(image) == by_onnx.label_map(image)
        assert same.mean() >= 0.9999
        np.testing.assert_allclose(by_openvino.scores(image), by_onnx.scores(image), atol=1e-4)


def test_the_file_says_what_the_manifest_says(tmp_path):
    folder = tmp_path / "ir"
    plain_export("FastSCNN", folder)
    model = openvino.Core().read_model(folder / "model.xml")
    said = json.loads(model.get_rt_info("maskwright").astype(str))
    assert said["labels"] == list(LABELS)
    assert said["preprocessing"][0] == {
        "Resize": {"target_size": list(SIZE), "interp": "LINEAR", "keep_ratio": False}
    }
    assert "files" not in said  # hashes of files that are not written yet
    info = model.get_rt_info("model_info").value
    assert info["labels"] == "back_ground crack 缺陷"
    assert info["reverse_input_channels"] == "True"
    text = (folder / "model.xml").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert "export-" not in text


def test_what_is_missing_or_damaged_is_named(tmp_path):
    folder = tmp_path / "ir"
    plain_export("FastSCNN", folder)
    manifest = read_manifest(folder)
    network = folder / "model.xml"
    network.write_text(network.read_text(encoding="utf-8")[:5000], encoding="utf-8")
    with pytest.raises(InputError, match=r"model\.xml is no model that OpenVINO can run here"):
        OpenVinoNetwork(folder, manifest)
    network.unlink()
    with pytest.raises(InputError, match=r"model\.xml does not exist"):
        OpenVinoNetwork(folder, manifest)
