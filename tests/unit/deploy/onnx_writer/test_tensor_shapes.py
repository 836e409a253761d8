"""Resizing and joining as ONNX has them, for known sizes and for any."""

from __future__ import annotations

import numpy as np
import paddle
import paddle.nn.functional as F  # noqa: N812
import pytest
from onnx_parts import Network, assert_computes_the_same, initializers, noise, operators, written

from core.deploy.onnx_writer.tensor_shapes import scale_between
from core.networks.operators import Concat, Resize
from core.networks.resize import spatial_size
from core.system.errors import InputError


def enlarged(align_corners):
    """Pooled to a third, and resized to what it was."""
    resize = Resize(align_corners)

    def step(x):
        return resize(F.max_pool2d(x, 3, stride=3), spatial_size(x))

    return Network(step, resize)


@pytest.mark.parametrize("align_corners", [False, True])
def test_one_size_is_a_scale(align_corners):
    net = enlarged(align_corners)
    model = written(net, (11, 7))
    assert operators(model) == ["MaxPool", "Resize"]
    assert_computes_the_same(net, model, noise(1, 3, 7, 11), noise(2, 3, 7, 11))


@pytest.mark.parametrize("align_corners", [False, True])
def test_any_size(align_corners):
    net = enlarged(align_corners)
    model = written(net, None)
    # Asked for as they are wanted: height and width of one, number and channels of the other.
    assert operators(model) == ["MaxPool", "Shape", "Shape", "Concat", "Resize"]
    shapes = noise(1, 3, 7, 11), noise(2, 3, 12, 6), noise(1, 3, 3, 3)
    assert_computes_the_same(net, model, *shapes)


def test_a_known_size_of_images_of_any():
    net = Network(lambda x: F.interpolate(x, [5, 9], mode="bilinear"))
    model = written(net, None)
    assert operators(model) == ["Shape", "Concat", "Resize"]
    assert_computes_the_same(net, model, noise(1, 3, 4, 7), noise(2, 3, 6, 3))


@pytest.mark.parametrize("target", [[1, 1], [3, 20], [1, 7]])
@pytest.mark.parametrize("align_mode", [0, 1])
def test_smaller_and_larger_sizes(target, align_mode):
    net = Network(lambda x: F.interpolate(x, target, mode="bilinear", align_mode=align_mode))
    model = written(net, (9, 6))
    assert_computes_the_same(net, model, noise(2, 3, 6, 9))


def test_scales_give_every_pixel_in_single_and_in_double_precision():
    for source in range(1, 60):
        for target in range(1, 200):
            scale = scale_between(source, target)
            assert float(np.float32(scale)) == scale
            assert int(scale * source) == target
            assert int(np.float32(scale) * np.float32(source)) == target


def test_parts_side_by_side():
    concat = Concat()
    net = Network(lambda x: concat([x, F.relu(x), x]), concat)
    model = written(net, None)
    assert operators(model) == ["Relu", "Concat"]
    assert_computes_the_same(net, model, noise(2, 3, 4, 5))


def test_numbers_in_the_code_are_constants():
    net = Network(lambda x: x * paddle.full([1, 3, 1, 1], 2.5) + paddle.full([1], -1.0))
    model = written(net, None)
    assert operators(model) == ["Mul", "Add"]
    assert {value.shape for value in initializers(model).values()} == {(1, 3, 1, 1), (1,)}
    assert_computes_the_same(net, model, noise(2, 3, 4, 5))


@pytest.mark.parametrize(
    ("step", "named"),
    [
        (lambda x: x[:, 1:], r"pd_op\.slice with input=Tensor"),
        (
            lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
            r"pd_op\.bilinear_interp with out_size=None",
        ),
    ],
)
def test_what_cannot_be_written_is_named(step, named):
    with pytest.raises(InputError, match=named):
        written(Network(step), None)
