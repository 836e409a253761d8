from __future__ import annotations

import copy

import numpy as np
import paddle
import paddle.nn.functional as F  # noqa: N812
import pytest
from paddle import nn
from prunable_networks import NETWORKS, SIZE, trained_looking

from core.compression.channel_groups import find_groups
from core.compression.folding import fold_batch_norms, layer_at
from core.compression.quantization.activation_quantizer import ActivationQuantizer
from core.compression.quantization.calibration import calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import (
    is_quantized,
    keep_in_float,
    prepare,
    quantize,
    quantized_weight_layers,
    quantizers_of,
    remove_quantizers,
)
from core.compression.quantization.record import table
from core.compression.slicing import slice_channels
from core.compression.trace import trace
from core.training.optimizers import make_optimizer

SIX = sorted(NETWORKS.keys() - {"HRNet_48", "DeepLabV3P_101"})
PACT = QuantConfig(weight_preprocess_type="PACT", activation_preprocess_type="PACT")


def images(count=2, seed=1):
    paddle.seed(seed)
    return paddle.randn([count, 3, *SIZE])


def quantized(name, config=None, **options):
    net = trained_looking(NETWORKS[name]())
    quantize(net, config or QuantConfig(), size=SIZE, **options)
    calibrate(net, [images()])
    return net


def logits(net, x=None):
    with paddle.no_grad():
        return net(images() if x is None else x)[0].numpy()


def on_grid(values, grid):
    """The nearest values of a tensor's grid, by formula."""
    largest = 2**grid.bits - 1 if grid.zero_point == 0 else 2 ** (grid.bits - 1) - 1
    # Eight bits reach one step further below zero.
    smallest = 0 if grid.zero_point == 0 else -128 if grid.bits == 8 else -largest
    return np.clip(np.rint(values / grid.scale), smallest, largest) * grid.scale


def weight_on_grid(weight, grid):
    shape = [1] * weight.ndim
    if grid.axis is not None:
        shape[grid.axis] = -1
    scales = np.array(grid.scales).reshape(shape)
    limit = 2 ** (grid.bits - 1) - 1
    return (np.clip(np.rint(weight / scales), -limit, limit) * scales).astype("float32")


def bias_on_grid(bias, grid, weight):
    """The bias as a run time holds it: 32-bit steps of the input's times the weight's."""
    steps = grid.scale * np.array(weight.scales)
    return (np.rint(bias / steps) * steps).astype("float32")


def recorded(net):
    """What each leaf layer takes and gives, quantisers' work included."""
    tensors = {}
    hooks = []
    for call in quantizers_of(net).trace.calls:

        def record(_layer, inputs, output, path=call.path):
            tensors[path] = (inputs, output)

        hooks.append(layer_at(net, call.path).register_forward_post_hook(record))
    logits(net)
    for hook in hooks:
        hook.remove()
    return tensors


CONFIGS = {
    "default": QuantConfig(),
    "one scale": QuantConfig(weight_quantize_type="abs_max", activation_quantize_type="abs_max"),
    "few bits": QuantConfig(weight_bits=3, activation_bits=4),
    "PACT": PACT,
    "transposed": QuantConfig(quantizable_layer_type=("Conv2D", "Conv2DTranspose")),
}


@pytest.mark.parametrize(
    ("name", "settings"),
    [("FastSCNN", one) for one in CONFIGS if one != "transposed"]
    + [("BiSeNetV2", "default"), ("UNet_deconv", "transposed")],
)
def test_the_network_computes_what_its_table_says(name, settings):
    net = quantized(name, CONFIGS[settings])
    if settings == "PACT":
        for layer in quantized_weight_layers(net).values():
            alpha = layer._weight_preprocess.alpha
            alpha.set_value(alpha * 0.7)
    quantizers, content = quantizers_of(net), table(net)
    tensors = recorded(net)
    keys = {point.tensor: point.key for point in quantizers.points}
    tipped = []
    for call in quantizers.trace.deployed().calls:
        inputs, output = tensors[call.path]
        grid = content.activations.get(call.path)
        output = output.numpy()
        behind = [consumer.path for consumer in quantizers.trace.consumers(call.output)]
        after_relu = content.activations.get(behind[0]) if len(behind) == 1 else None
        if grid is not None:
            steps = output / grid.scale
            np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
            np.testing.assert_allclose(output, on_grid(output, grid), atol=1e-5 * grid.largest)
            assert (output.min() >= 0.0) or grid.zero_point == 128
        if (weight := content.weights.get(call.path)) is None:
            continue
        layer = quantizers.originals[call.path]
        if layer.bias is not None:
            bias = layer.bias.numpy()
            if call.kind == "conv":
                bias = bias_on_grid(bias, content.activations[keys[call.inputs[0]]], weight)
        options = {
            "bias": None if layer.bias is None else paddle.to_tensor(bias),
            "stride": layer._stride,
            "padding": layer._padding,
            "dilation": layer._dilation,
            "groups": layer._groups,
        }
        function = F.conv2d if call.kind == "conv" else F.conv2d_transpose
        grid_weight = paddle.to_tensor(weight_on_grid(layer.weight.numpy(), weight))
        with paddle.no_grad():
            expected = function(inputs[0], grid_weight, **options).numpy()
        size = np.abs(expected).max()
        if grid is None and call.kind == "conv" and after_relu is not None:
            steps = output / after_relu.scale
            np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
            apart = np.abs(steps - expected / after_relu.scale)
            assert apart.max() < 1.51
            assert (apart > 0.51).mean() < 0.005
        elif grid is None:
            # A weight halfway between two steps may go to the other one.
            apart = np.abs(output - expected) / size
            assert apart.max() < 0.02
            assert (apart > 1e-4).mean() < 0.005
        else:
            apart = np.abs(output - on_grid(expected, grid)) / grid.scale
            assert apart.max() < 1.01
            tipped.append((apart > 0.5).ravel())
            assert tipped[-1].mean() < 0.005
    assert np.concatenate(tipped).mean() < 1e-4  # by float rounding, if not by the bias's
    assert content.activations["input"].zero_point == 128


@pytest.mark.parametrize(
    ("name", "config"),
    [(name, QuantConfig()) for name in SIX] + [("FastSCNN", PACT), ("BiSeNetV2", PACT)],
)
def test_the_networks_run_forward_and_backward(name, config):
    net = quantized(name, config)
    float_net = trained_looking(NETWORKS[name]())
    signal, noise = logits(float_net), logits(net) - logits(float_net)
    assert np.square(noise).sum() < 0.1 * np.square(signal).sum()
    net.train()
    sum(head.square().mean() for head in net(images())).backward()
    for path, layer in quantized_weight_layers(net).items():
        assert np.abs(layer.weight.grad.numpy()).sum() > 0, path
    assert (quantizers_of(net).quantizer(quantizers_of(net).points[0]).preprocess is None) == (
        config.activation_preprocess_type is None
    )


def test_a_pruned_network_is_quantised():
    net = trained_looking(NETWORKS["BiSeNetV2"]())
    groups = find_groups(net, SIZE)
    slice_channels(net, groups, {group.name: np.arange(group.width // 3) for group in groups})
    before = logits(net)
    quantize(net, QuantConfig(), size=SIZE)
    calibrate(net, [images()])
    assert np.square(logits(net) - before).sum() < 0.1 * np.square(before).sum()


@pytest.mark.parametrize("bits", [8, 5, 2])
@pytest.mark.parametrize("unsigned", [True, False])
def test_the_grid_is_that_of_the_formula(bits, unsigned):
    quantizer = ActivationQuantizer(QuantConfig(activation_bits=bits), unsigned=unsigned)
    quantizer.set_scale(2.0)
    quantizer.eval()
    random = np.random.default_rng(0)
    values = random.uniform(-3.0, 3.0, 20000).astype("float32")
    if unsigned:
        values = np.abs(values)
    steps = 2**bits - 1 if unsigned else 2 ** (bits - 1) - 1
    lowest = -128 if bits == 8 else -steps
    expected = np.clip(np.rint(values * steps / 2.0), lowest, steps) * 2.0 / steps
    result = quantizer(paddle.to_tensor(values)).numpy()
    np.testing.assert_allclose(result, expected, atol=1e-6)
    assert len(np.unique(result.round(5))) == (steps + 1 if unsigned else steps + 1 - lowest)


def test_a_moving_average_follows_in_training_and_rests_in_evaluation():
    quantizer = ActivationQuantizer(QuantConfig(moving_rate=0.5), unsigned=False)
    quantizer.set_scale(1.0)
    quantizer(paddle.to_tensor([3.0, -0.5]))
    # Two old steps of weight halve to one beside the new value.
    assert quantizer.largest == pytest.approx((0.5 * 2.0 * 1.0 + 3.0) / (0.5 * 2.0 + 1.0))
    quantizer.eval()
    quantizer(paddle.to_tensor([9.0]))
    assert quantizer.largest == pytest.approx(2.0)


def test_abs_max_scales_each_batch_by_itself_and_evaluation_by_the_largest():
    quantizer = ActivationQuantizer(QuantConfig(activation_quantize_type="abs_max"), unsigned=True)
    quantizer(paddle.to_tensor([4.0, 1.0]))
    values = paddle.to_tensor([0.5, 0.4983])
    np.testing.assert_allclose(
        quantizer(values).numpy(), [0.5, np.rint(0.4983 / 0.5 * 255) * 0.5 / 255], rtol=1e-5
    )
    assert quantizer.largest == 4.0
    quantizer.eval()
    np.testing.assert_allclose(quantizer(values).numpy(), np.rint(127.5 / 4) * 4 / 255, rtol=1e-5)


def test_pact_learns_its_threshold_and_evaluation_stops_at_it():
    quantizer = ActivationQuantizer(PACT, unsigned=True)
    quantizer.set_scale(4.0)
    alpha = quantizer.preprocess.alpha
    alpha.set_value(paddle.to_tensor([2.0]))
    values = paddle.to_tensor([1.0, 3.0, 3.5], stop_gradient=False)
    quantizer(values).sum().backward()
    assert alpha.grad.item() == 2.0
    np.testing.assert_array_equal(values.grad.numpy(), [1.0, 0.0, 0.0])
    quantizer.eval()
    assert quantizer.largest == 2.0
    assert quantizer(values).numpy().max() == 2.0
    alpha.set_value(paddle.to_tensor([-1.0]))
    quantizer.train()
    quantizer(values)
    assert 0.0 < alpha.item() < 1e-6


def test_training_lowers_the_loss_and_moves_scales():
    net = quantized("FastSCNN", PACT)
    before = table(net)
    net.train()
    optimizer = make_optimizer(net, learning_rate=1e-4, lr_decay_power=0.9, total_steps=100)
    x = images()
    masks = (x[:, 0] > 0).astype("int64")
    losses = []
    for _ in range(6):
        paddle.seed(0)  # dropout must not decide
        loss = F.cross_entropy(net(x)[0], masks, axis=1)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    after = table(net)
    assert after.weights != before.weights
    assert after.activations != before.activations
    net.eval()
    np.testing.assert_array_equal(logits(net), logits(net))
    assert table(net) == after


def test_the_state_is_all_there_is(tmp_path):
    net = quantized("UNet_deconv", PACT)
    file = str(tmp_path / "量化 quantised.pdparams")
    paddle.save(net.state_dict(), file)
    other = NETWORKS["UNet_deconv"]()
    quantize(other, PACT, size=SIZE)
    state = paddle.load(file)
    assert state.keys() == other.state_dict().keys()
    other.set_state_dict(state)
    other.eval()
    np.testing.assert_array_equal(logits(other), logits(net))
    for one in (net, other):
        one.train()
        with paddle.no_grad():
            one(images(seed=5))
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name].numpy(), value.numpy(), name)


def test_a_copy_has_quantisers_of_its_own():
    net = quantized("FastSCNN")
    before, other = logits(net), copy.deepcopy(net)
    np.testing.assert_array_equal(logits(other), before)
    calibrate(other, [images() * 10.0])
    np.testing.assert_array_equal(logits(net), before)
    assert np.abs(logits(other) - before).max() > 0


def test_the_float_network_comes_back():
    net = trained_looking(NETWORKS["UNet"]())
    fold_batch_norms(net, trace(net, SIZE))
    before, state = logits(net), set(net.state_dict())
    prepare(net, trace(net, SIZE), QuantConfig())
    assert is_quantized(net)
    calibrate(net, [images()])
    assert np.abs(logits(net) - before).max() > 0
    remove_quantizers(net)
    assert not is_quantized(net)
    np.testing.assert_array_equal(logits(net), before)
    assert set(net.state_dict()) == state


def test_a_layer_goes_back_to_float_and_the_others_keep_their_scales():
    net = quantized("FastSCNN")
    before = table(net)
    path = "feature_fusion.conv_high_res._conv"
    keep_in_float(net, [path])
    after = table(net)
    assert set(after.float_layers) == {"classifier.conv", path}
    assert before.weights.keys() - after.weights.keys() == {path}
    assert isinstance(layer_at(net, path), nn.Conv2D)
    for key, scale in after.activations.items():
        assert scale.scale == pytest.approx(before.activations[key].scale, rel=1e-6)
    # A new network that is prepared so from the start is the same.
    fresh = quantized("FastSCNN", float_layers=["classifier.conv", path])
    assert table(fresh).weights == after.weights
    assert {key: one.zero_point for key, one in table(fresh).activations.items()} == {
        key: one.zero_point for key, one in after.activations.items()
    }


def test_a_head_under_two_names_is_quantised_under_both():
    net = quantized("UNet", float_layers=())
    assert net.cls is net.conv
    assert "cls" in table(net).weights


def test_the_auxiliary_head_stays_float():
    net = quantized("FastSCNN")
    assert isinstance(net.auxlayer.conv, nn.Conv2D)
    assert not any("auxlayer" in path for path in table(net).weights)
