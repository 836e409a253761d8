"""Pooling as ONNX has it, in windows and to grids."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from onnx_parts import assert_computes_the_same, network_of, noise, operators, written
from paddle import nn

from core.deploy.onnx_writer.pooling import pooling_matrix
from core.system.errors import InputError


@pytest.mark.parametrize(
    ("layer", "operator"),
    [
        (nn.MaxPool2D(3, stride=2, padding=1), "MaxPool"),
        (nn.MaxPool2D(2, stride=2), "MaxPool"),
        (nn.AvgPool2D(3, stride=2, padding=1), "AveragePool"),
        (nn.AvgPool2D(3, stride=2, padding=1, exclusive=False), "AveragePool"),
        (nn.AvgPool2D(2, stride=2, ceil_mode=True), "AveragePool"),
        (nn.AdaptiveAvgPool2D(1), "GlobalAveragePool"),
    ],
    ids=str,
)
def test_images_of_any_size(layer, operator):
    net = network_of(layer)
    model = written(net, None)
    assert operators(model) == [operator]
    assert_computes_the_same(net, model, noise(1, 3, 9, 14), noise(2, 3, 8, 5))


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        ((2, 3), ["AveragePool"]),
        ((5, 3), ["MatMul", "MatMul"]),
        ((7, 11), ["MatMul", "MatMul"]),
        ((1, 4), ["MatMul", "MatMul"]),
    ],
)
def test_grids(grid, expected):
    net = network_of(nn.AdaptiveAvgPool2D(grid))
    model = written(net, (9, 6))
    assert operators(model) == expected
    assert_computes_the_same(net, model, noise(1, 3, 6, 9), noise(2, 3, 6, 9))


@pytest.mark.parametrize("grid", [(2, 3), (7, 1), (6, 6)])
def test_grids_of_images_of_any_size(grid):
    net = network_of(nn.AdaptiveAvgPool2D(grid))
    model = written(net, None)
    assert_computes_the_same(net, model, noise(1, 3, 6, 9), noise(2, 3, 3, 3), noise(1, 3, 13, 40))


@pytest.mark.parametrize(
    ("layer", "size", "settings"),
    [
        (
            nn.AvgPool2D(3, stride=2, padding=1, ceil_mode=True),
            (9, 6),
            r"ceil_mode=True, paddings=\[1, 1\]",
        ),
    ],
)
def test_what_cannot_be_written_is_named(layer, size, settings):
    with pytest.raises(InputError, match=rf"pd_op\.pool2d with {settings}, which"):
        written(network_of(layer), size)


@pytest.mark.parametrize(("source", "target"), [(8, 3), (7, 6), (3, 6), (5, 1), (6, 6)])
def test_pooling_matrix(source, target):
    x = noise(1, 2, source, 4)
    pooled = paddle.nn.functional.adaptive_avg_pool2d(paddle.to_tensor(x), (target, 4)).numpy()
    np.testing.assert_allclose(pooling_matrix(source, target) @ x, pooled, atol=1e-6)
