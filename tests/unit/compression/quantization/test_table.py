from __future__ import annotations

import copy
import json

import numpy as np
import paddle
import pytest
import yaml
from prunable_networks import NETWORKS, SIZE, trained_looking

from core.compression.quantization.calibration import calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import quantize, quantizers_of
from core.compression.quantization.record import apply_table, table
from core.compression.quantization.table import ActivationScale, QuantizationTable
from core.system.errors import InputError


@pytest.fixture(scope="module")
def net():
    net = trained_looking(NETWORKS["FastSCNN"]())
    config = QuantConfig(activation_bits=7, weight_bits=6)
    quantize(net, config, size=SIZE, float_layers=["classifier.conv", "feature_fusion.add"])
    paddle.seed(1)
    calibrate(net, [paddle.randn([2, 3, *SIZE])])
    return net


@pytest.fixture(scope="module")
def content(net):
    return table(net).to_dict()


def test_text_keeps_the_table_exactly(net, content):
    assert QuantizationTable.from_dict(json.loads(json.dumps(content))) == table(net)
    assert QuantizationTable.from_dict(yaml.safe_load(yaml.safe_dump(content))) == table(net)


def test_the_table_names_every_grid(net, content):
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


def test_the_network_is_rebuilt_from_its_table_and_weights(net, content, tmp_path):
    file = str(tmp_path / "量化 weights.pdparams")
    paddle.save(net.state_dict(), file)
    other = NETWORKS["FastSCNN"]()
    apply_table(other, QuantizationTable.from_dict(content))
    loose = table(other).activations
    for key, one in table(net).activations.items():
        assert loose[key].scale == pytest.approx(one.scale, rel=1e-6)
    other.set_state_dict(paddle.load(file))
    assert table(other) == table(net)
    other.eval()
    with paddle.no_grad():
        x = paddle.randn([1, 3, *SIZE])
        np.testing.assert_array_equal(other(x)[0].numpy(), net(x)[0].numpy())


def test_the_table_of_another_network_is_refused(content):
    with pytest.raises(InputError, match=r"no layer “classifier\.conv”"):
        apply_table(NETWORKS["UNet"](), QuantizationTable.from_dict(content))
    fewer = copy.deepcopy(content)
    del fewer["activations"]["feature_fusion.relu"]
    with pytest.raises(InputError, match=r"another network: .* “feature_fusion\.relu”"):
        apply_table(NETWORKS["FastSCNN"](), QuantizationTable.from_dict(fewer))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda c: c.pop("size"), "size"),
        (lambda c: c.update(size=[64]), "size"),
        (lambda c: c.update(size=[64, 10**9]), r"size\.1"),
        (lambda c: c.update(extra=1), "extra"),
        (lambda c: c["config"].update(weight_bits=64), r"config\.weight_bits"),
        (lambda c: c["activations"]["input"].update(scale=0.0), r"activations\.input\.scale"),
        (lambda c: c["activations"]["input"].update(scale=float("inf")), r"input\.scale"),
        (lambda c: c["activations"]["input"].update(zero_point=7), r"input\.zero_point"),
        (lambda c: c["weights"].update(a={"bits": 8, "axis": 0, "scales": []}), r"weights\.a"),
        (lambda c: c.update(float_layers="classifier"), "float_layers"),
    ],
)
def test_a_damaged_table_is_refused(content, change, place):
    damaged = copy.deepcopy(content)
    change(damaged)
    with pytest.raises(InputError, match=rf"模型 quant\.yml is not a .*{place}"):
        QuantizationTable.from_dict(damaged, file="模型 quant.yml")


@pytest.mark.parametrize("content", [None, [], "text", 3])
def test_something_else_is_refused(content):
    with pytest.raises(InputError, match="is not a quantisation table"):
        QuantizationTable.from_dict(content)
