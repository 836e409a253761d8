from __future__ import annotations

import copy

import numpy as np
import paddle
import pytest
from prunable_networks import NETWORKS, SIZE, trained_looking

from core.compression.quantization.calibration import calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import quantize, quantizers_of
from core.compression.quantization.record import table
from core.compression.quantization.table import ActivationScale
from core.system.errors import InputError


@pytest.fixture(scope="module")
def net():
    net = trained_looking(NETWORKS["FastSCNN"]())
    config = QuantConfig(activation_bits=7, weight_bits=6)
    quantize(net, config, size=SIZE, float_layers=["classifier.conv", "feature_fusion.add"])
    paddle.seed(1)
    calibrate(net, [paddle.randn([2, 3, *SIZE])])
    return net


def test_the_table_names_every_grid(net):
    content = table(net).model_dump(mode="json")
    assert content["size"] == list(SIZE)
    assert content["float_layers"] == ["classifier.conv", "feature_fusion.add"]
    assert {one["bits"] for one in content["activations"].values()} == {7}
    conv = content["weights"]["feature_fusion.conv_low_res._conv"]
    weight = net.feature_fusion.conv_low_res._conv.weight.numpy()
    np.testing.assert_allclose(conv["scales"], np.abs(weight).max(axis=(1, 2, 3)) / 31, rtol=1e-6)
    assert conv["axis"] == 0


def test_the_largest_value_of_a_grid():
    assert ActivationScale(scale=0.5, zero_point=0, bits=8).largest == 127.5
    assert ActivationScale(scale=0.5, zero_point=128, bits=4).largest == 3.5


def test_a_channel_of_zeros_has_a_usable_scale():
    net = trained_looking(NETWORKS["FastSCNN"]())
    quantize(net, QuantConfig(), size=SIZE)
    layer = net.feature_fusion.conv_low_res._conv
    weight = layer.weight.numpy()
    weight[3] = 0.0
    layer.weight.set_value(weight)
    scales = table(net).weights["feature_fusion.conv_low_res._conv"].scales
    assert scales[3] == max(scales)


def test_a_diverged_network_is_refused(net):
    broken = copy.deepcopy(net)
    weight = broken.feature_fusion.conv_low_res._conv.weight
    weight.set_value(paddle.full_like(weight, float("nan")))
    with pytest.raises(InputError, match=r"“feature_fusion\.conv_low_res\._conv” are not finite"):
        table(broken)
    broken = copy.deepcopy(net)
    quantizer = quantizers_of(broken).quantizer(quantizers_of(broken).points[0])
    for value in ("inf", "nan"):
        quantizer._scale.set_value(paddle.full([1], float(value)))
        with pytest.raises(InputError, match="“input” are not finite"):
            table(broken)
