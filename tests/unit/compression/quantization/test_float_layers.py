from __future__ import annotations

import numpy as np
import paddle
import pytest
from prunable_networks import NETWORKS, SIZE, trained_looking

from core.compression.quantization.calibration import calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import keep_in_float, quantize
from core.compression.quantization.float_layers import choose_float_layers
from core.compression.quantization.record import table

BAD = "feature_fusion.conv_low_res._conv"


@pytest.fixture(scope="module")
def batches():
    paddle.seed(2)
    return [paddle.randn([1, 3, *SIZE]) for _ in range(2)]


@pytest.fixture
def net(batches):
    """One weight far above the others takes the steps of its layer away: one scale serves all."""
    net = trained_looking(NETWORKS["FastSCNN"]())
    weight = net.feature_fusion.conv_low_res._conv.weight
    values = weight.numpy()
    values[0, 0] = np.abs(values).max() * 100.0
    weight.set_value(values)
    quantize(net, QuantConfig(weight_quantize_type="abs_max"), size=SIZE)
    calibrate(net, batches)
    return net


def logits(net, batches):
    with paddle.no_grad():
        return np.concatenate([net(batch)[0].numpy() for batch in batches])


def test_the_network_stays_as_it_is(net, batches):
    before, content = logits(net, batches), table(net)
    told = []
    choice = choose_float_layers(
        net, batches, agreement=1.0, progress=lambda done, count: told.append((done, count))
    )
    assert choice.ranking[0].path == BAD
    assert choice.ranking[0].gain_db > 3.0
    assert told[-1][0] == told[-1][1] <= len(content.weights)
    np.testing.assert_array_equal(logits(net, batches), before)
    assert table(net) == content


def test_the_choice_keeps_what_it_promises(net, batches):
    choice = choose_float_layers(net, batches, agreement=1.0, max_layers=2, max_share=0.2)
    assert choice.layers[0] == BAD
    assert len(choice.layers) <= 2
    assert 0.0 < choice.share <= 0.2
    assert choice.after.sqnr_db > choice.before.sqnr_db + 3.0
    assert choice.after.agreement > choice.before.agreement
    reference = trained_looking(NETWORKS["FastSCNN"]())
    weight = reference.feature_fusion.conv_low_res._conv.weight
    values = weight.numpy()
    values[0, 0] = np.abs(values).max() * 100.0
    weight.set_value(values)
    exact = logits(reference, batches)
    keep_in_float(net, choice.layers)
    result = logits(net, batches)
    sqnr = 10 * np.log10(np.square(exact).sum() / np.square(exact - result).sum())
    assert sqnr == pytest.approx(choice.after.sqnr_db, abs=1.0)


def test_the_budget_holds(net, batches):
    assert choose_float_layers(net, batches, agreement=1.0, max_layers=0).layers == ()
    assert BAD not in choose_float_layers(net, batches, agreement=1.0, max_share=1e-6).layers


def test_bytes_are_a_budget_too(net, batches):
    tight = choose_float_layers(net, batches, agreement=1.0, max_size=0.25)
    assert (tight.layers, tight.ranking) == ((), ())
    wide = choose_float_layers(net, batches, agreement=1.0)
    assert BAD in wide.layers
    assert tight.size < wide.size <= 0.295


def test_few_evaluations_find_the_one_among_many(net, batches):
    forwards = []
    net.register_forward_post_hook(lambda *_: forwards.append(1))
    choice = choose_float_layers(net, batches, agreement=1.0, min_gain_db=3.0)
    assert choice.layers == (BAD,)
    layers = len(table(net).weights)
    assert len(forwards) / len(batches) < layers / 2


def test_noise_from_everywhere_is_left(batches):
    net = trained_looking(NETWORKS["FastSCNN"]())
    quantize(net, QuantConfig(), size=SIZE)
    calibrate(net, batches)
    choice = choose_float_layers(net, batches, agreement=1.0, min_gain_db=6.0)
    assert (choice.layers, choice.after) == ((), choice.before)


def test_what_is_good_enough_stays_int8(net, batches):
    choice = choose_float_layers(net, batches, agreement=0.0)
    assert (choice.layers, choice.ranking, choice.share) == ((), (), 0.0)
    assert choice.before == choice.after


def test_images_are_needed(net):
    with pytest.raises(ValueError, match="without images"):
        choose_float_layers(net, [])
