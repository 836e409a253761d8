"""Depthwise convolutions by filters: the same numbers as Paddle's, where they serve at all."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle import nn

from core.networks.depthwise import _compiled, _geometry, quick_depthwise
from core.networks.fast_scnn import FastSCNNNet


@pytest.fixture(autouse=True)
def on_the_cpu():
    paddle.set_device("cpu")
    paddle.seed(0)


def depthwise(channels, kernel, **options):
    conv = nn.Conv2D(channels, channels, kernel, groups=channels, bias_attr=False, **options)
    conv.train()
    return conv


def image(*shape):
    x = paddle.randn(shape)
    x.stop_gradient = False
    return x


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        (3, 1, 1),
        (3, 1, "same"),
        (3, 1, 0),
        (3, 2, 1),
        (3, 2, [0, 2, 0, 2]),
        (5, 1, 2),
        (5, 1, [1, 3, 0, 2]),
        (5, 2, [1, 3, 1, 3]),
        (5, 2, 2),
    ],
)
# The narrow ones take the gradient by products, the wide ones in parts of 8192 numbers.
@pytest.mark.parametrize("size", [(5, 5), (6, 9), (17, 30), (96, 131)])
def test_values_and_gradients_are_paddles(kernel, stride, padding, size):
    conv = depthwise(4, kernel, stride=stride, padding=padding)
    x, factors = image(3, 4, *size), None
    found = []
    for convolve in (lambda: quick_depthwise(conv, x), lambda: conv(x)):
        conv.clear_gradients()
        x.clear_grad()
        y = convolve()
        factors = paddle.randn(y.shape) if factors is None else factors
        (y * factors).sum().backward()
        found.append((y.numpy(), x.grad.numpy(), conv.weight.grad.numpy()))
    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * max(1, np.abs(theirs).max()))


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2D(4, 4, 3),
        nn.Conv2D(4, 8, 3, groups=4),
        nn.Conv2D(4, 4, 3, groups=2),
        nn.Conv2D(4, 4, (3, 5), groups=4),
        nn.Conv2D(4, 4, 7, groups=4),
        nn.Conv2D(4, 4, 3, groups=4, dilation=2),
        nn.Conv2D(4, 4, 3, groups=4, stride=3),
        nn.Conv2D(4, 4, 3, groups=4, stride=(1, 2)),
        nn.Conv2D(4, 4, 3, groups=4, stride=2, padding="same"),
        nn.Conv2D(4, 4, 3, groups=4, padding=[1, 2]),
    ],
)
def test_other_convolutions_stay_paddles(conv):
    conv.train()
    assert quick_depthwise(conv, image(1, 4, 9, 9)) is None


def test_it_serves_training_only():
    conv, x = depthwise(4, 3), image(1, 4, 9, 9)
    assert quick_depthwise(conv, x) is not None
    with paddle.no_grad():
        assert quick_depthwise(conv, x) is None
    assert quick_depthwise(conv, x.detach()) is None
    assert quick_depthwise(conv, x.astype("float64")) is None
    conv.eval()
    assert quick_depthwise(conv, x) is None


def test_a_batch_of_none_stays_paddles():
    assert quick_depthwise(depthwise(4, 3), image(1, 4, 9, 9)[:0]) is None


def test_the_same_network_learns_the_same_to_the_last_bit():
    """Wherever in memory its numbers lie: what Paddle computes with them depends on that."""
    net = FastSCNNNet(3)
    net.train()
    for layer in net.sublayers():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    x, gradients, kept = paddle.randn([2, 3, 64, 64]), [], []
    for number in range(4):
        kept.append(np.empty(1000 * number + 3, np.uint8))
        sum((logits**2).mean() for logits in net(x)).backward()
        gradients.append([one.grad.numpy() for one in net.parameters() if not one.stop_gradient])
        net.clear_gradients()
    for later in gradients[1:]:
        for ours, first in zip(later, gradients[0], strict=True):
            np.testing.assert_array_equal(ours, first)


def test_processes_that_train_together_do_not_share_a_core():
    geometry = _geometry(depthwise(4, 3))
    assert geometry is not None
    compiled = _compiled(geometry).get_compiled_model()
    assert compiled.get_property("ENABLE_CPU_PINNING") is False
