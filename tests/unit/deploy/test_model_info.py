"""The keys that OpenVINO Model API's users look for."""

from __future__ import annotations

import numpy as np
import pytest
from exported_networks import plain_manifest

from core import transforms as T  # noqa: N812
from core.deploy.model_info import model_info, onnx_metadata
from core.portable.manifest import Manifest, Tiling


def test_a_plain_graph_says_how_images_are_prepared():
    info = model_info(plain_manifest("onnx"))
    assert info["model_type"] == "Segmentation"
    assert info["labels"] == "back_ground crack 缺陷"
    assert info["layout"] == "image:NCHW"
    assert info["reverse_input_channels"] == "True"  # images are BGR, it takes RGB
    assert info["resize_type"] == "standard"
    assert info["embedded_processing"] == "False"
    mean, scale = (
        [float(one) for one in info[key].split()] for key in ("mean_values", "scale_values")
    )
    assert mean == pytest.approx([123.675, 116.28, 103.53])
    assert scale == pytest.approx([58.395, 57.12, 57.375])
    assert all(isinstance(value, str) for value in info.values())


def test_mean_and_scale_do_what_the_transforms_do():
    normalize = T.Normalize(mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7), min_val=(10, 20, 30))
    items = tuple(T.Compose([T.Resize((8, 8)), normalize]).to_list())
    info = model_info(plain_manifest("openvino", preprocessing=items))
    mean, scale = (np.array(info[key].split(), float) for key in ("mean_values", "scale_values"))
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    expected = normalize({"image": image})["image"]
    np.testing.assert_allclose((image - mean) / scale, expected, rtol=1e-5, atol=1e-5)


def test_a_letterbox_is_called_so():
    steps = [T.Resize((64, 64), keep_ratio=True), T.Padding((64, 64)), T.Normalize()]
    info = model_info(plain_manifest("onnx", preprocessing=tuple(T.Compose(steps).to_list())))
    assert info["resize_type"] == "fit_to_window_letterbox"
    assert info["pad_value"] == "128"


def test_nothing_is_left_to_do_for_a_complete_graph():
    manifest = Manifest(format="openvino", model="UNet", labels=("a", "b"), tiling=Tiling())
    info = model_info(manifest)
    assert info["embedded_processing"] == "True"
    assert info["reverse_input_channels"] == "False"
    assert info["mean_values"] == info["scale_values"] == ""
    assert (info["tile_size"], info["tiles_overlap"]) == ("1024", "0.25")
    assert onnx_metadata(manifest)["model_info labels"] == "a b"
