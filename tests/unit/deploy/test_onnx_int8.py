"""Int8 ONNX files: int8 throughout, and the same classes as the fake-quantised network."""

from __future__ import annotations

from itertools import product

import numpy as np
import onnx
import onnxruntime
import paddle
import pytest
from onnx import TensorProto, helper, numpy_helper

from core import seg
from core.compression.folding import layer_at
from core.compression.quantization.calibration import calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import (
    quantize,
    quantizers_of,
    remove_quantizers,
    round_weights,
)
from core.compression.quantization.record import table
from core.compression.trace import trace
from core.deploy.onnx_export import INPUT, OUTPUT, export_float
from core.deploy.onnx_int8 import ActivationGrid, WeightGrid, export_int8, quantize_graph

SIZE = (48, 64)  # height, width


def small_graph(weight, bias):
    """x → Conv → y → Relu → z."""
    float_tensor = TensorProto.FLOAT
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Conv", ["x", "w", "b"], ["y"], name="conv"),
                helper.make_node("Relu", ["y"], ["z"], name="relu"),
            ],
            "small",
            [helper.make_tensor_value_info("x", float_tensor, ["n", weight.shape[1], 6, 5])],
            [helper.make_tensor_value_info("z", float_tensor, ["n", weight.shape[0], 6, 5])],
            [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )


def run(model, feeds, output=None, *, optimized=None):
    options = onnxruntime.SessionOptions()
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None if output is None else [output], feeds)[0]


def test_integers_of_a_convolution(tmp_path):
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((4, 3, 1, 1)).astype(np.float32)
    bias = rng.standard_normal(4).astype(np.float32)
    scales = (np.abs(weight).max(axis=(1, 2, 3)) / 127).astype(np.float32)
    x_scale, z_scale = np.float32(0.02), np.float32(0.01)
    model = small_graph(weight, bias)
    quantize_graph(
        model,
        activations={"x": ActivationGrid(x_scale, 128), "z": ActivationGrid(z_scale, 0)},
        weights={"y": WeightGrid(scales)},
    )
    del model.graph.output[:]
    model.graph.output.append(onnx.ValueInfoProto(name="z.quantized"))
    x = rng.uniform(-3, 3, (2, 3, 6, 5)).astype(np.float32)
    got = run(model, {"x": x}, "z.quantized", optimized=tmp_path / "fused.onnx")
    q = np.clip(np.rint(x / x_scale), -128, 127)
    products = np.einsum("oi,nihw->nohw", np.round(weight[:, :, 0, 0] / scales[:, None]), q)
    steps = (x_scale * scales)[:, None, None]
    exact = (products + np.rint(bias[:, None, None] / steps)) * steps / z_scale
    expected = np.clip(np.rint(exact), 0, 255)
    # Float rounding may tip a value that lies between two steps.
    assert (got != expected).mean() < 0.02
    np.testing.assert_allclose(got.astype(int), expected, atol=1)
    operators = {node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node}
    assert "QLinearConv" in operators
    assert not operators & {"Conv", "Relu"}


def limited_graph(weight):
    """x → Conv → y → ReLU6 → z."""
    model = small_graph(weight, np.zeros(len(weight), np.float32))
    model.graph.initializer.append(numpy_helper.from_array(np.float32(0), "lowest"))
    model.graph.initializer.append(numpy_helper.from_array(np.float32(6), "highest"))
    node = model.graph.node[1]
    node.op_type = "Clip"
    node.input.extend(["lowest", "highest"])
    return model


@pytest.mark.parametrize("largest", [6.0, 2.0, 5.99])
def test_the_grid_limits_what_a_relu6_would(largest, tmp_path):
    """One int8 kernel from image to output; ``255 * scale`` may be rounded to more than 6."""
    model = limited_graph(np.full((1, 3, 1, 1), 0.5, np.float32))
    scale = np.float32(largest / 255)
    quantize_graph(
        model,
        activations={"x": ActivationGrid(0.1, 128), "z": ActivationGrid(scale, 0)},
        weights={"y": WeightGrid(np.full(1, 0.5, np.float32))},
    )
    del model.graph.output[:]
    model.graph.output.append(onnx.ValueInfoProto(name="z.dequantized"))
    x = np.repeat(np.linspace(-9, 9, 30).round(1).astype(np.float32).reshape(1, 1, 6, 5), 3, 1)
    got = run(model, {"x": x}, "z.dequantized", optimized=tmp_path / "fused.onnx")
    expected = np.clip(1.5 * x[:, :1], 0, largest)
    np.testing.assert_allclose(got, expected, atol=0.51 * scale + 1e-6)
    operators = {node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node}
    assert "QLinearConv" in operators
    assert not operators & {"Conv", "FusedConv", "Clip"}


def test_a_convolution_in_float_before_a_relu6_stays_so(tmp_path):
    weight = np.random.default_rng(0).standard_normal((4, 3, 1, 1)).astype(np.float32)
    model = limited_graph(weight)
    quantize_graph(
        model,
        activations={"x": ActivationGrid(0.02, 128), "z": ActivationGrid(6 / 255, 0)},
        weights={},
    )
    del model.graph.output[:]
    model.graph.output.append(onnx.ValueInfoProto(name="z.dequantized"))
    x = (0.02 * np.random.default_rng(1).integers(-120, 120, (1, 3, 6, 5))).astype(np.float32)
    got = run(model, {"x": x}, "z.dequantized", optimized=tmp_path / "fused.onnx")
    exact = np.clip(np.einsum("oi,nihw->nohw", weight[:, :, 0, 0], x), 0, 6)
    np.testing.assert_allclose(got, exact, atol=0.51 * 6 / 255)
    operators = {node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node}
    assert "QLinearConv" not in operators


def test_weights_are_kept_once_and_as_int8():
    weight = np.random.default_rng(0).standard_normal((4, 3, 1, 1)).astype(np.float32)
    model = small_graph(weight, np.ones(4, np.float32))
    quantize_graph(
        model,
        activations={"x": ActivationGrid(0.1, 128), "z": ActivationGrid(0.1, 0)},
        weights={"y": WeightGrid(np.full(4, 0.02, np.float32))},
    )
    kept = {value.data_type for value in model.graph.initializer if np.prod(value.dims) == 12}
    assert kept == {TensorProto.INT8}
    assert not {"w", "b"} & {value.name for value in model.graph.initializer}


@pytest.mark.parametrize("per_channel", [True, False])
def test_a_bias_beyond_int32_survives(per_channel):
    weight = np.full((2, 3, 1, 1), 1e-12, np.float32)
    bias = np.array([5.0, 0.5], np.float32)
    model = small_graph(weight, bias)
    scales = np.full(2, 1e-14, np.float32) if per_channel else np.float32(1e-14).reshape(())
    quantize_graph(
        model,
        activations={"x": ActivationGrid(0.02, 128), "z": ActivationGrid(0.02, 0)},
        weights={"y": WeightGrid(scales)},
    )
    got = run(model, {"x": np.ones((1, 3, 6, 5), np.float32)})
    np.testing.assert_allclose(got[0, :, 0, 0], bias, atol=0.011)


def test_fewer_bits_limit_the_tensor():
    model = small_graph(np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32))
    quantize_graph(
        model,
        activations={"x": ActivationGrid(0.5, 128, bits=4), "z": ActivationGrid(0.5, 0, bits=3)},
        weights={"y": WeightGrid(np.ones(1, np.float32), limit=7)},
    )
    model.graph.output.append(onnx.ValueInfoProto(name="x.dequantized"))
    x = np.linspace(-9, 9, 30, dtype=np.float32).reshape(1, 1, 6, 5)
    limited = run(model, {"x": x}, "x.dequantized")
    assert (limited.min(), limited.max()) == (-3.5, 3.5)
    model.graph.output.append(onnx.ValueInfoProto(name="z.dequantized"))
    assert run(model, {"x": x}, "z.dequantized").max() == 3.5


def test_a_table_of_another_network_is_refused():
    model = small_graph(np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32))
    with pytest.raises(ValueError, match="no such tensors"):
        quantize_graph(model, activations={"elsewhere": ActivationGrid(1.0, 0)}, weights={})


def scenes(count, seed):
    """Images of three kinds of ground with masks that say which."""
    rng = np.random.default_rng(seed)
    masks = np.repeat(np.repeat(rng.integers(0, 3, (count, 3, 4)), 16, axis=1), 16, axis=2)
    colors = np.array([[-1, 0, 1], [1, 0, -1], [0, 1, 0]], np.float32)
    images = colors[masks].transpose(0, 3, 1, 2) + rng.normal(0, 0.3, (count, 3, *SIZE))
    return images.astype(np.float32), masks.astype(np.int64)


def trained(name):
    """A network that has learnt the scenes: random ones choose classes by their rounding."""
    net = seg.create(name, seed=0, num_classes=3).net
    net.train()
    for layer in net.sublayers():
        if isinstance(layer, paddle.nn.BatchNorm2D):
            layer._momentum = 0.7  # few steps
    optimizer = paddle.optimizer.Adam(3e-3, parameters=net.parameters())
    for step in range(40):
        images, masks = scenes(4, step)
        logits = net(paddle.to_tensor(images))[0]
        loss = paddle.nn.functional.cross_entropy(logits, paddle.to_tensor(masks), axis=1)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    net.eval()
    return net


def exported(net, folder):
    """Files of a calibrated network, in float and in 8 bits; the network is rounded in place."""
    content = table(net)
    round_weights(net)
    remove_quantizers(net)
    file, int8 = folder / "浮点 1.onnx", folder / "整数 1.onnx"
    names = export_float(net, file, size=SIZE[::-1], traced=trace(net, SIZE))
    export_int8(file, content, names, int8)
    return file, int8


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        *product(("FastSCNN", "BiSeNetV2"), ("channel_wise_abs_max", "abs_max")),
        ("EfficientNetFPN", "channel_wise_abs_max"),
    ],
)
def test_agrees_with_the_fake_quantised_network(name, weights, tmp_path):
    net = trained(name)
    quantize(net, QuantConfig(weight_quantize_type=weights), size=SIZE)
    calibrate(net, [scenes(4, seed)[0] for seed in range(100, 104)])
    images, masks = scenes(8, 200)
    with paddle.no_grad():
        expected = net(paddle.to_tensor(images))[0].numpy()
    content = table(net)
    file, int8 = exported(net, tmp_path)
    assert int8.stat().st_size <= 0.32 * file.stat().st_size  # 3 classes at 48 × 64
    got = run(onnx.load(int8), {INPUT: images}, OUTPUT, optimized=tmp_path / "fused.onnx")
    assert (got.argmax(1) == masks).mean() > 0.8  # it has learnt something to disagree about
    # Means of two or four integers lie halfway between two steps: float rounding decides.
    assert (got.argmax(1) == expected.argmax(1)).mean() >= 0.995
    fused = [node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node]
    assert fused.count("Conv") + fused.count("FusedConv") == len(content.float_layers)
    assert fused.count("QLinearConv") == len(content.weights)


@pytest.mark.parametrize(
    "path",
    ["learning_to_downsample.dsconv_bn_relu1.piontwise_conv._conv", "feature_fusion.conv_low_res"],
)
def test_a_layer_in_float_between_others_in_int8_stays_so(path, tmp_path):
    """Followed by a ReLU, or not: ONNX Runtime must not quantise its weight by itself."""
    net = trained("FastSCNN")
    path = next(
        name for name, layer in net.named_sublayers() if name.startswith(path) and is_conv(layer)
    )
    quantize(net, QuantConfig(), size=SIZE, float_layers=["classifier.conv", path])
    calibrate(net, [scenes(4, seed)[0] for seed in range(100, 104)])
    images, _ = scenes(4, 200)
    with paddle.no_grad():
        expected = net(paddle.to_tensor(images))[0].numpy()
    content = table(net)
    _, int8 = exported(net, tmp_path)
    got = run(onnx.load(int8), {INPUT: images}, OUTPUT, optimized=tmp_path / "fused.onnx")
    fused = [node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node]
    assert fused.count("Conv") + fused.count("FusedConv") == 2
    assert fused.count("QLinearConv") == len(content.weights)
    assert (got.argmax(1) == expected.argmax(1)).mean() >= 0.995


def is_conv(layer):
    return isinstance(layer, paddle.nn.Conv2D)


def test_integers_are_those_of_the_network(tmp_path):
    """All of them, through twenty-five convolutions and sums: what differed once would spread."""
    net = trained("FastSCNN")
    quantize(net, QuantConfig(), size=SIZE)
    calibrate(net, [scenes(4, seed)[0] for seed in range(100, 104)])
    content, points = table(net), quantizers_of(net).points
    before_pools = [
        point.key
        for point in points
        if point.key.startswith(("learning_to_downsample", "global_feature_extractor.bottleneck"))
    ]
    assert len(before_pools) > 30
    computed = {}

    def keep(key):
        return lambda _layer, _inputs, output: computed.update({key: output.numpy()})

    hooks = [layer_at(net, key).register_forward_post_hook(keep(key)) for key in before_pools]
    images, _ = scenes(4, 300)
    with paddle.no_grad():
        net(paddle.to_tensor(images))
    for hook in hooks:
        hook.remove()
    round_weights(net)
    remove_quantizers(net)
    names = export_float(net, tmp_path / "f.onnx", size=SIZE[::-1], traced=trace(net, SIZE))
    export_int8(tmp_path / "f.onnx", content, names, tmp_path / "i.onnx")
    model = onnx.load(tmp_path / "i.onnx")
    model.graph.output.extend(
        onnx.ValueInfoProto(name=f"{names[key]}.quantized") for key in before_pools
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for key in before_pools:
        (got,) = session.run([f"{names[key]}.quantized"], {INPUT: images})
        grid = content.activations[key]
        wanted = np.rint(computed[key] / grid.scale) + grid.zero_point
        assert (got != wanted).mean() < 1e-4, key
