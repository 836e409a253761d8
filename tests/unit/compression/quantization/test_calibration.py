from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle import nn

from core.compression.quantization.calibration import calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import quantize, quantizers_of
from core.system.errors import InputError

SIZE = (32, 32)


class Tiny(nn.Layer):
    """The first tensor is the image itself, so that its values are known."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2D(3, 4, 3, padding=1)
        self.relu = nn.ReLU()
        self.head = nn.Conv2D(4, 2, 1)

    def forward(self, x):
        return [self.head(self.relu(self.conv(x)))]


@pytest.fixture
def net():
    paddle.seed(0)
    tiny = Tiny()
    quantize(tiny, QuantConfig(), size=SIZE)
    return tiny


@pytest.fixture
def batches():
    random = np.random.default_rng(0)
    # The range grows from batch to batch, and few values lie far out.
    return [
        (random.standard_t(4, (2, 3, *SIZE)) * scale).astype("float32") for scale in (0.1, 1.0, 0.5)
    ]


def scale_of_input(net):
    points = quantizers_of(net)
    assert points.points[0].key == "input"
    return points.quantizer(points.points[0]).largest


def test_min_max_takes_the_largest(net, batches):
    calibrate(net, iter(batches))
    largest = max(np.abs(batch).max() for batch in batches)
    assert scale_of_input(net) == pytest.approx(largest, rel=1e-6)


@pytest.mark.parametrize("percentile", [99.0, 99.9, 100.0])
def test_a_percentile_cuts_the_largest_values_off(net, batches, percentile):
    calibrate(net, batches, method="percentile", percentile=percentile)
    values = np.abs(np.concatenate([batch.ravel() for batch in batches]))
    expected = np.percentile(values, percentile)
    assert scale_of_input(net) == pytest.approx(expected, abs=float(values.max()) / 500)


def test_entropy_cuts_a_long_tail_off(net):
    batch = np.random.default_rng(0).laplace(size=(16, 3, *SIZE)).astype("float32")
    calibrate(net, [batch], method="entropy")
    largest = np.abs(batch).max()
    assert 0.45 * largest < scale_of_input(net) < 0.95 * largest


def test_entropy_of_a_few_values_takes_the_largest(net, batches):
    calibrate(net, [batches[1][:1, :, :8, :8]], method="entropy")
    assert scale_of_input(net) == pytest.approx(np.abs(batches[1][:1, :, :8, :8]).max(), rel=1e-6)


def test_a_tensor_of_zeros_is_no_trouble(net):
    calibrate(net, [np.zeros((1, 3, *SIZE), "float32")], method="percentile")
    with paddle.no_grad():
        assert np.isfinite(net(paddle.zeros([1, 3, *SIZE]))[0].numpy()).all()


def test_modes_and_gradients_are_left_as_they_were(net, batches):
    net.train()
    net.relu.eval()
    before = [layer.training for layer in net.sublayers(include_self=True)]
    calibrate(net, batches)
    assert [layer.training for layer in net.sublayers(include_self=True)] == before
    assert net.conv.weight.grad is None


def test_pact_starts_at_what_was_found(batches):
    tiny = Tiny()
    config = QuantConfig(weight_preprocess_type="PACT", activation_preprocess_type="PACT")
    quantize(tiny, config, size=SIZE)
    calibrate(tiny, batches)
    quantizer = next(quantizer for _, quantizer in quantizers_of(tiny).own())
    assert quantizer.preprocess.alpha.item() == pytest.approx(scale_of_input(tiny))
    weight = np.abs(tiny.conv.weight.numpy()).max()
    assert tiny.conv._weight_preprocess.alpha.item() == pytest.approx(weight)


def test_what_cannot_be_calibrated_is_refused(net, batches):
    with pytest.raises(InputError, match="no calibration method “max”; choose from min_max"):
        calibrate(net, batches, method="max")
    with pytest.raises(InputError, match=r"percentile must be 50 … 100, not 0.9"):
        calibrate(net, batches, percentile=0.9)
    with pytest.raises(InputError, match="at least one image"):
        calibrate(net, [])
    with pytest.raises(InputError, match="not finite"):
        calibrate(net, [np.full((1, 3, *SIZE), np.nan, "float32")])
