"""OpenCV's resize in ONNX operators, in either runtime: the same pixels."""

from __future__ import annotations

import io

import cv2
import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
from onnx import TensorProto, helper

from core.deploy.image_nodes import nearest_by_centres, resize_image
from core.deploy.node_writer import NodeWriter

FLAGS = {
    "NEAREST": cv2.INTER_NEAREST,
    "LINEAR": cv2.INTER_LINEAR,
    "AREA": cv2.INTER_AREA,
    "SMALLER": cv2.INTER_AREA,
    "CUBIC": cv2.INTER_CUBIC,
    "LANCZOS4": cv2.INTER_LANCZOS4,
}
#: Share of pixels that may be one grey level off: OpenCV rounds sums of cubic weights a little
#: otherwise.
MAY_DIFFER = {"CUBIC": 0.1, "LANCZOS4": 0.005}
SIZES = [
    ((120, 160), (64, 64)),
    ((51, 39), (128, 128)),
    ((128, 128), (64, 64)),  # halves, which OpenCV takes means for
    ((96, 96), (32, 24)),
    ((64, 64), (64, 64)),
    ((33, 55), (13, 10)),
    ((80, 60), (60, 45)),  # means just between two grey levels
    ((40, 30), (20, 60)),  # one side smaller, the other larger
    ((1, 7), (4, 4)),
    ((5, 1), (2, 1)),
]


def graph_of(interp: str, dtype: type) -> onnx.ModelProto:
    nodes = NodeWriter("p.")
    source = nodes.side("x", 1), nodes.side("x", 2)
    levels = dtype is np.uint8
    resized = resize_image(nodes, "x", source, ("h", "w"), interp=interp, levels=levels)
    nodes.cast(resized, np.float32, name="y")
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    sides = [helper.make_tensor_value_info(name, TensorProto.INT64, [1]) for name in "hw"]
    graph = helper.make_graph(
        nodes.nodes,
        "resize",
        [helper.make_tensor_value_info("x", kind, ["n", "a", "b", 3]), *sides],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", None, None, 3])],
        nodes.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def picture(size, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1)


def expected(image, size, interp):
    if image.shape[:2] == size:
        return image.astype(np.float32)
    return cv2.resize(image, size[::-1], interpolation=FLAGS[interp]).astype(np.float32)


def cases(interp):
    for source, target in SIZES:
        if interp == "SMALLER" and (source[0] < target[0] or source[1] < target[1]):
            continue
        yield source, target


@pytest.mark.parametrize("interp", FLAGS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_same_pixels_as_opencv(interp, dtype):
    session = onnxruntime.InferenceSession(graph_of(interp, dtype).SerializeToString())
    for source, target in cases(interp):
        images = [picture(source, seed).astype(dtype) for seed in (0, 1)]
        feeds = {"x": np.stack(images), "h": np.array(target[:1]), "w": np.array(target[1:])}
        found = session.run(None, feeds)[0]
        for image, one in zip(images, found, strict=True):
            wanted = expected(image, target, interp)
            if dtype is np.float32:
                np.testing.assert_allclose(one, wanted, atol=1e-3)
                continue
            difference = np.abs(one - wanted)
            assert difference.max() <= 1, (source, target)
            if min(target) > 10:
                assert (difference > 0).mean() <= MAY_DIFFER.get(interp, 0), (source, target)


def test_bilinear_pixels_are_opencvs_at_any_size():
    """Products of 26 binary places, rounded as floats, were a level off in one of 50 000 pixels."""
    session = onnxruntime.InferenceSession(graph_of("LINEAR", np.uint8).SerializeToString())
    draw = np.random.default_rng(0)
    for seed in range(30):
        source, target = (tuple(draw.integers(16, 300, 2).tolist()) for _ in range(2))
        image = picture(source, seed)
        feeds = {"x": image[None], "h": np.array(target[:1]), "w": np.array(target[1:])}
        found = session.run(None, feeds)[0][0]
        np.testing.assert_array_equal(found, expected(image, target, "LINEAR"), str(source))


#: Halves after a division that must be rounded correctly, and whole numbers of more than 24 bits.
HARD_SIZES = [((144, 203), (72, 102)), ((181, 257), (90, 128)), ((3, 10007), (3, 9999))]


@pytest.mark.parametrize("interp", [name for name in FLAGS if name != "LANCZOS4"])
def test_openvino_computes_the_same(interp):
    """It divides by multiplying with the reciprocal, and whole numbers as floats."""
    model = graph_of(interp, np.uint8).SerializeToString()
    session = onnxruntime.InferenceSession(model)
    core = openvino.Core()
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(io.BytesIO(model)), "CPU", config)
    for source, target in (*cases(interp), *HARD_SIZES):
        image = picture(source)[None]
        feeds = {"x": image, "h": np.array(target[:1]), "w": np.array(target[1:])}
        difference = compiled(feeds)[0] != session.run(None, feeds)[0]
        assert not difference.any(), (source, target, difference.mean())


@pytest.mark.parametrize(("source", "target"), [(10, 7), (7, 10), (1, 5), (64, 64), (97, 130)])
def test_nearest_by_centres(source, target):
    nodes = NodeWriter("p.")
    nodes.add("Identity", nearest_by_centres(nodes, "s", "t"), name="y")
    sides = [helper.make_tensor_value_info(name, TensorProto.INT64, [1]) for name in "st"]
    output = helper.make_tensor_value_info("y", TensorProto.INT64, [None])
    graph = helper.make_graph(nodes.nodes, "g", sides, [output], nodes.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found = session.run(None, {"s": np.array([source]), "t": np.array([target])})[0]
    row = np.arange(source, dtype=np.float32)[None]
    wanted = cv2.resize(row, (target, 1), interpolation=cv2.INTER_NEAREST_EXACT)[0]
    np.testing.assert_array_equal(found, wanted)
