"""Convolutions as ONNX has them: padding, groups, biases."""

from __future__ import annotations

import numpy as np
import onnx
import paddle.nn.functional as F  # noqa: N812
import pytest
from onnx_parts import (
    Network,
    assert_computes_the_same,
    initializers,
    network_of,
    noise,
    operators,
    written,
)
from paddle import nn

from core.system.errors import InputError

SIZE = (11, 8)  # width, height
BATCHES = noise(1, 3, 8, 11), noise(2, 3, 8, 11)


def attributes_of(node):
    return {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 1},
        {"kernel_size": 3, "padding": 1, "stride": 2},
        {"kernel_size": (3, 5), "padding": (1, 2), "bias_attr": False},
        {"kernel_size": 3, "padding": [0, 1, 2, 0]},
        {"kernel_size": 3, "padding": 2, "dilation": 2, "groups": 3},
        {"kernel_size": 2, "padding": "same", "stride": 1},
        {"kernel_size": 3, "padding": "same", "stride": 2},
        {"kernel_size": 3, "padding": "valid"},
    ],
    ids=str,
)
def test_convolutions(options):
    net = network_of(nn.Conv2D(3, 6, **options))
    if net.layers[0].bias is not None:
        net.layers[0].bias.set_value(noise(6))
    model = written(net, SIZE)
    assert operators(model) == ["Conv"]
    names = {"layers.0.weight"} | ({"layers.0.bias"} if options.get("bias_attr", True) else set())
    assert initializers(model).keys() == names
    assert_computes_the_same(net, model, *BATCHES)


@pytest.mark.parametrize("stride", [1, 2])
def test_same_padding_of_images_of_any_size(stride):
    net = network_of(nn.Conv2D(3, 4, 3, stride=stride, padding="same"))
    model = written(net, None)
    # What does not depend on the size is written as numbers, which every runtime reads alike.
    assert ("pads" in attributes_of(model.graph.node[0])) == (stride == 1)
    assert_computes_the_same(net, model, noise(1, 3, 8, 11), noise(2, 3, 7, 6))


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2, "stride": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
        {"kernel_size": 3, "padding": [0, 1, 1, 0], "groups": 3, "bias_attr": False},
        {"kernel_size": 3, "dilation": 2},
    ],
    ids=str,
)
def test_transposed_convolutions(options):
    net = network_of(nn.Conv2DTranspose(3, 6, **options))
    model = written(net, None)
    assert operators(model) == ["ConvTranspose"]
    assert_computes_the_same(net, model, *BATCHES, noise(1, 3, 5, 4))


def test_a_convolution_that_is_taken_twice_keeps_its_result():
    """Its bias is added behind it, since the other one takes it without."""
    weight = nn.Conv2D(3, 4, 3, bias_attr=False)
    bias = network_of(nn.Conv2D(3, 4, 3)).layers[0].bias

    def step(x):
        y = weight(x)
        return y * (y + bias.reshape([1, -1, 1, 1]))

    net = Network(step, weight)
    net.shift = bias
    bias.set_value(noise(4))
    model = written(net, SIZE)
    assert operators(model) == ["Conv", "Add", "Mul"]
    assert_computes_the_same(net, model, *BATCHES)


def test_normalisation():
    norm = nn.BatchNorm2D(3, epsilon=1e-3)
    norm.weight.set_value(noise(3))
    norm.bias.set_value(noise(3, seed=1))
    norm._mean.set_value(noise(3, seed=2))
    norm._variance.set_value(np.abs(noise(3, seed=3)))
    net = network_of(norm)
    model = written(net, None)
    assert operators(model) == ["BatchNormalization"]
    kept = {"layers.0.weight", "layers.0.bias", "layers.0._mean", "layers.0._variance"}
    assert initializers(model).keys() == kept
    assert_computes_the_same(net, model, *BATCHES)


@pytest.mark.parametrize(
    ("layer", "settings"),
    [
        (nn.Conv2D(3, 4, 3, data_format="NHWC"), "data_format=NHWC"),
        (nn.Conv2DTranspose(3, 4, 3, stride=2, padding="same"), "padding_algorithm=SAME"),
        (nn.BatchNorm2D(3, use_global_stats=False), "trainable_statistics=True"),
    ],
)
def test_what_cannot_be_written_is_named(layer, settings):
    with pytest.raises(InputError, match=f"pd_op.* with {settings}, which cannot be"):
        written(network_of(layer), (3, 3) if "NHWC" in settings else SIZE)


def test_a_size_to_come_out_is_refused():
    layer = nn.Conv2DTranspose(3, 4, 3, stride=2)
    net = Network(
        lambda x: F.conv2d_transpose(x, layer.weight, stride=2, output_size=[18, 24]), layer
    )
    with pytest.raises(InputError, match=r"pd_op\.conv2d_transpose with output_size,"):
        written(net, SIZE)
