"""Arithmetic and activations as ONNX has them."""

from __future__ import annotations

import paddle
import pytest
from onnx_parts import Network, assert_computes_the_same, network_of, noise, operators, written
from paddle import nn

from core.system.errors import InputError


@pytest.mark.parametrize(
    ("layer", "operator"), [(nn.ReLU(), "Relu"), (nn.ReLU6(), "Clip"), (nn.Sigmoid(), "Sigmoid")]
)
def test_activations(layer, operator):
    net = network_of(layer)
    model = written(net, None)
    assert operators(model) == [operator]
    assert_computes_the_same(net, model, 9 * noise(2, 3, 4, 5))


def test_sums_and_products():
    def step(x):
        return paddle.nn.functional.relu(x) * x + x

    net = Network(step)
    model = written(net, None)
    assert operators(model) == ["Relu", "Mul", "Add"]
    assert_computes_the_same(net, model, noise(2, 3, 4, 5))


def test_a_gate_for_each_channel():
    pool = nn.AdaptiveAvgPool2D(1)
    net = Network(lambda x: pool(x) * x, pool)
    model = written(net, None)
    assert operators(model) == ["GlobalAveragePool", "Mul"]
    assert_computes_the_same(net, model, noise(2, 3, 4, 5))


def test_dropout_is_left_out():
    drop, relu = nn.Dropout(0.5), nn.ReLU()
    net = Network(lambda x: relu(drop(x)), drop, relu)
    model = written(net, None)
    assert operators(model) == ["Relu"]
    assert_computes_the_same(net, model, noise(2, 3, 4, 5))


def test_a_network_that_changes_nothing():
    net = network_of(nn.Dropout(0.5))
    model = written(net, (5, 4))
    assert operators(model) == ["Identity"]
    assert_computes_the_same(net, model, noise(2, 3, 4, 5))


def test_a_dropout_that_scales_in_use_is_named():
    net = network_of(nn.Dropout(0.5, mode="downscale_in_infer"))
    with pytest.raises(InputError, match=r"pd_op\.dropout with .*mode=downgrade_in_infer"):
        written(net, None)
