from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F  # noqa: N812
import pytest
from network_formulas import CASES, DOUBLE, NUM_CLASSES, OWN_FILES, digest, observe
from paddle import nn

from core.networks import hrnet, layers, resize
from core.networks.bisenetv2 import BiSeNetV2Net
from core.networks.deeplabv3p import DeepLabV3PNet
from core.networks.efficientnet_fpn import EfficientNetFPNNet
from core.networks.fast_scnn import FastSCNNNet
from core.networks.hrnet import HRNetNet
from core.networks.layers import ConvBN, ConvBNReLU
from core.networks.resize import resize_bilinear
from core.networks.unet import UNetNet

DATA = Path(__file__).parents[2] / "data"
NETWORKS = {
    "FastSCNN": FastSCNNNet,
    "UNet": UNetNet,
    "DeepLabV3P": DeepLabV3PNet,
    "BiSeNetV2": BiSeNetV2Net,
    "HRNet": HRNetNet,
}
#: Wider and deeper than other cases, and built as those are.
LARGE = ("deeplabv3p_resnet101", "hrnet_48")


@lru_cache
def oracle(network):
    suffix = f"_{network.lower()}" if network in OWN_FILES else ""
    return json.loads((DATA / f"network_oracle{suffix}.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def on_the_cpu():
    paddle.set_device("cpu")
    paddle.seed(0)


def assert_described(found, expected, *, tolerance=1e-4):
    assert found["shape"] == expected["shape"]
    scale = expected["absolute_sum"]
    assert found["sum"] == pytest.approx(expected["sum"], abs=tolerance * scale)
    assert found["absolute_sum"] == pytest.approx(scale, rel=tolerance)
    samples = np.array(expected["samples"])
    error = np.linalg.norm(np.array(found["samples"]) - samples)
    assert error < tolerance * np.linalg.norm(samples)


@pytest.mark.parametrize(
    ("case", "network", "arguments", "shape"),
    [
        pytest.param(*case, marks=pytest.mark.thorough) if case[0] in LARGE else case
        for case in CASES
    ],
    ids=[case[0] for case in CASES],
)
def test_outputs_gradients_and_running_means_are_paddlesegs(case, network, arguments, shape):
    """Oracle: scripts/make_network_oracle.py, run with PaddleSeg 2.8.0."""
    net = NETWORKS[network](NUM_CLASSES, **arguments)
    if network in OWN_FILES:
        assert digest(net.state_dict()) == oracle(network)["state"][case]
    found = observe(paddle, net, shape, double=network in DOUBLE)
    expected = oracle(network)["cases"][case]
    for mode in ("eval", "train"):
        assert len(found[mode]) == len(expected[mode])
        for ours, theirs in zip(found[mode], expected[mode], strict=True):
            assert_described(ours, theirs)
    assert found["gradients"].keys() == expected["gradients"].keys()
    # A change of 1e-7 in the input moves these gradients by up to 1e-2, where a rectifier of the
    # few pooled values switches.
    for name, theirs in expected["gradients"].items():
        assert_described(found["gradients"][name], theirs, tolerance=2e-2)
    assert found["running_means"].keys() == expected["running_means"].keys()
    for name, (total, absolute) in expected["running_means"].items():
        ours = found["running_means"][name]
        assert ours[0] == pytest.approx(total, abs=1e-4 * absolute), name
        assert ours[1] == pytest.approx(absolute, rel=1e-4), name


@pytest.mark.parametrize(
    ("variant", "make", "parameters"),
    [
        ("FastSCNN", lambda count: FastSCNNNet(count), 1_420_342),
        ("UNet", lambda count: UNetNet(count), 13_406_227),
        ("UNet_deconv", lambda count: UNetNet(count, use_deconv=True), 12_579_091),
    ],
)
def test_state_is_named_and_shaped_like_paddlesegs(variant, make, parameters):
    state = make(NUM_CLASSES).state_dict()
    shapes = {name: list(value.shape) for name, value in state.items()}
    assert shapes == oracle(variant.removesuffix("_deconv"))["state"][variant]
    assert trainable_parameters(make(19)) == parameters


def trainable_parameters(net):
    return sum(int(np.prod(value.shape)) for value in net.parameters() if not value.stop_gradient)


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (lambda: DeepLabV3PNet(19), 26_723_395),
        (lambda: DeepLabV3PNet(19, "ResNet101_vd"), 45_715_523),
        (lambda: BiSeNetV2Net(19), 2_516_455),
        (lambda: HRNetNet(19, 18), 9_641_119),
        (lambda: HRNetNet(19, 48), 65_859_379),
    ],
    ids=["DeepLabV3P_50", "DeepLabV3P_101", "BiSeNetV2", "HRNet_18", "HRNet_48"],
)
def test_as_many_parameters_as_paddlexs(make, parameters):
    assert trainable_parameters(make()) == parameters


def test_both_names_of_unets_classifier_are_one_layer():
    net = UNetNet(2)
    net.set_state_dict({"cls.bias": paddle.to_tensor([1.0, 2.0])})
    assert net.state_dict()["conv.bias"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "make", [FastSCNNNet, UNetNet, lambda n: UNetNet(n, use_deconv=True), EfficientNetFPNNet]
)
@pytest.mark.parametrize("size", [(33, 47), (64, 48)])
def test_logits_have_the_images_size_and_every_parameter_learns(make, size):
    net = make(3)
    net.train()
    outputs = net(paddle.randn([2, 3, *size]))
    assert [list(logits.shape) for logits in outputs] == [[2, 3, *size]] * len(outputs)
    sum((logits**2).mean() for logits in outputs).backward()
    without = [
        name
        for name, value in net.named_parameters()
        if not value.stop_gradient and value.grad is None
    ]
    assert without == []


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ((32, 32), (256, 256)),
        ((5, 9), (13, 7)),
        ((1, 1), (6, 5)),
        ((6, 6), (1, 1)),
        ((45, 60), (360, 480)),
        ((7, 3), (7, 4)),
    ],
)
def test_resize_equals_interpolate_with_its_gradient(source, target, align_corners):
    values = np.random.default_rng(0).normal(size=(2, 3, *source)).astype("float32")
    factors = paddle.randn([2, 3, *target])
    results = []
    for resized in (resize_bilinear, plain_resize):
        x = paddle.to_tensor(values, stop_gradient=False)
        y = resized(x * 1.0, list(target), align_corners=align_corners)
        (y * factors).sum().backward()
        results.append((y.numpy(), x.grad.numpy()))
    for ours, plain in zip(*results, strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-6 * np.abs(plain).max(), rtol=0)


def plain_resize(x, size, *, align_corners):
    return F.interpolate(x, size, mode="bilinear", align_corners=align_corners)


def test_resize_uses_matrix_products_only_where_a_gradient_is_wanted(monkeypatch):
    calls = []
    interpolate = F.interpolate
    monkeypatch.setattr(
        resize.F, "interpolate", lambda *a, **k: (calls.append(1), interpolate(*a, **k))[1]
    )
    x = paddle.randn([1, 1, 4, 4])
    resize_bilinear(x, [8, 8], align_corners=False)
    assert len(calls) == 1
    x.stop_gradient = False
    resize_bilinear(x, [8, 8], align_corners=False)
    assert len(calls) == 1
    with paddle.no_grad():
        resize_bilinear(x * 1.0, [8, 8], align_corners=False)
    assert len(calls) == 2


def pair_of_blocks(block, **options):
    ours = block(4, 6, 3, **options)
    plain = nn.Sequential(
        ("_conv", nn.Conv2D(4, 6, 3, padding="same", **options)), ("_batch_norm", nn.BatchNorm2D(6))
    )
    ours._conv.bias.set_value(np.linspace(-2, 2, 6).astype("float32"))
    plain.set_state_dict(ours.state_dict())
    return ours, plain


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"groups": 2}])
def test_convolution_without_its_redundant_bias_trains_and_evaluates_the_same(options):
    ours, plain = pair_of_blocks(ConvBN, **options)
    optimizers = [
        paddle.optimizer.Momentum(0.01, parameters=net.parameters(), weight_decay=0.1)
        for net in (ours, plain)
    ]
    for step in range(4):
        x = paddle.randn([3, 4, 9, 8]) + step
        outputs = [net(x) for net in (ours, plain)]
        np.testing.assert_allclose(outputs[0].numpy(), outputs[1].numpy(), atol=2e-5)
        for output, optimizer in zip(outputs, optimizers, strict=True):
            (output * output.detach().sin()).mean().backward()
            optimizer.step()
            optimizer.clear_grad()
    for name, value in plain.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), value.numpy(), atol=2e-4)
    ours.eval()
    plain.eval()
    np.testing.assert_allclose(ours(x).numpy(), plain(x).numpy(), atol=2e-4)


def test_two_forward_passes_before_one_backward_pass():
    ours, plain = pair_of_blocks(ConvBN)
    first, second = paddle.randn([2, 4, 5, 5]), paddle.randn([2, 4, 5, 5])
    for net in (ours, plain):
        ((net(first) ** 3).sum() + (net(second) ** 3).sum()).backward()
    np.testing.assert_allclose(
        ours._conv.weight.grad.numpy(), plain._conv.weight.grad.numpy(), rtol=1e-3, atol=1e-3
    )


def test_a_frozen_batch_norm_keeps_the_bias():
    ours, plain = pair_of_blocks(ConvBN)
    for net in (ours, plain):
        net._batch_norm.eval()
    x = paddle.randn([2, 4, 5, 5])
    np.testing.assert_allclose(ours(x).numpy(), plain(x).numpy(), atol=1e-5)
    assert ours._batch_norm._mean.abs().sum().item() == 0.0


def test_relu_follows_the_batch_norm():
    block = ConvBNReLU(3, 4, 1)
    assert block(paddle.randn([2, 3, 6, 6])).min().item() == 0.0


def test_separable_and_depthwise_blocks():
    x = paddle.randn([2, 4, 9, 9])
    assert list(layers.SeparableConvBNReLU(4, 7, 3, stride=2)(x).shape) == [2, 7, 5, 5]
    block = layers.DepthwiseConvBN(4, 8, 3, padding=1)
    assert list(block(x).shape) == [2, 8, 9, 9]
    assert list(block.state_dict()["depthwise_conv._conv.weight"].shape) == [8, 1, 3, 3]


def small_hrnet(classes):
    """All of HRNet's kinds of layers, few of each: tracing takes time with their number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hrnet, "_BLOCKS", 1)
        patch.setattr(hrnet, "_MODULES", {"st2": 1, "st3": 1, "st4": 1})
        return HRNetNet(classes, 18)


@pytest.mark.parametrize(
    "make",
    [
        FastSCNNNet,
        lambda classes: UNetNet(classes, use_deconv=True),
        lambda classes: DeepLabV3PNet(classes, output_stride=16, aspp_out_channels=32),
        BiSeNetV2Net,
        small_hrnet,
        EfficientNetFPNNet,
    ],
    ids=["FastSCNN", "UNet", "DeepLabV3P", "BiSeNetV2", "HRNet", "EfficientNetFPN"],
)
def test_a_saved_program_takes_any_size_and_agrees(make, tmp_path):
    net = make(3)
    net.eval()
    free = paddle.static.InputSpec([None, 3, None, None], "float32", name="image")
    prefix = tmp_path / "保存 的" / "model"
    prefix.parent.mkdir()
    program = paddle.jit.to_static(net, input_spec=[free], full_graph=True)
    paddle.jit.save(program, str(prefix))
    loaded = paddle.jit.load(str(prefix))
    for size in ((48, 64), (35, 50)):
        x = paddle.randn([2, 3, *size])
        with paddle.no_grad():
            expected = net(x)[0]
        outputs = loaded(x)  # a list of one comes back as its element
        found = outputs[0] if isinstance(outputs, (list, tuple)) else outputs
        np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DeepLabV3PNet(2),
        lambda: DeepLabV3PNet(2, output_stride=16, backbone_indices=(2, 1)),
        lambda: BiSeNetV2Net(2),
        lambda: HRNetNet(2, 18),
        lambda: EfficientNetFPNNet(2),
    ],
    ids=["DeepLabV3P", "DeepLabV3P_options", "BiSeNetV2", "HRNet", "EfficientNetFPN"],
)
def test_images_of_any_size(make):
    net = make()
    for size in ((1, 1), (2, 9), (17, 5), (31, 33)):
        x = paddle.randn([1, 3, *size])
        net.train()
        outputs = net(x)
        sum((logits**2).mean() for logits in outputs).backward()
        net.eval()
        with paddle.no_grad():
            outputs = [*outputs, *net(x)]
        for logits in outputs:
            assert list(logits.shape) == [1, 2, *size]
            assert np.isfinite(logits.numpy()).all()


def test_a_single_value_per_channel_keeps_its_bias():
    ours, plain = pair_of_blocks(ConvBN)
    x = paddle.randn([1, 4, 1, 1])
    for net in (ours, plain):
        net.train()
    np.testing.assert_allclose(ours(x).numpy(), plain(x).numpy(), atol=1e-6)
    for name, value in plain.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[name].numpy(), value.numpy())
