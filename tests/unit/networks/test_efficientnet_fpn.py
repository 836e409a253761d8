"""EfficientNet-Lite0 with its published weights, against PyTorch's numbers.

Oracle: scripts/make_efficientnet_oracle.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import paddle
import pytest
from network_formulas import NUM_CLASSES, describe, image, pattern, weight
from paddle import nn
from tiny_dataset import Recorder

from core.models import weights
from core.networks.efficientnet_fpn import EfficientNetFPNNet

ORACLE = json.loads(
    (Path(__file__).parents[2] / "data" / "network_oracle_efficientnetfpn.json").read_text("utf-8")
)


def published(count=NUM_CLASSES):
    """The encoder with published weights, all else by formula; nothing is dropped."""
    paddle.set_device("cpu")
    net = EfficientNetFPNNet(count)
    for name, value in net.state_dict().items():
        value.set_value(weight(name, value.shape))
    weights.load_pretrained(net, "IMAGENET", model_name="EfficientNetFPN", reporter=Recorder())
    for layer in net.sublayers():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    return net


def assert_described(found, expected, tolerance=1e-4):
    found = describe(found.numpy())
    assert found["shape"] == expected["shape"]
    scale = expected["absolute_sum"]
    assert abs(found["sum"] - expected["sum"]) < tolerance * scale
    assert abs(found["absolute_sum"] - scale) < tolerance * scale
    theirs = np.array(expected["samples"])
    error = np.linalg.norm(np.array(found["samples"]) - theirs)
    assert error < tolerance * np.linalg.norm(theirs)


@pytest.mark.parametrize("case", ORACLE)
def test_pytorch_computes_the_same(case):
    expected = ORACLE[case]
    net = published()
    x = paddle.to_tensor(image(tuple(expected["shape"])))
    net.eval()
    with paddle.no_grad():
        for found, theirs in zip(net.backbone(x), expected["features"], strict=True):
            assert_described(found, theirs)
        assert_described(net(x)[0], expected["eval"])
    net.train()
    (logits,) = net(x)
    assert_described(logits, expected["train"])
    (logits * paddle.to_tensor(pattern(logits.shape))).mean().backward()
    parameters, state = dict(net.named_parameters()), net.state_dict()
    for name, theirs in expected["gradients"].items():
        # In float32 a rectifier near its bend switches now and then, on each processor another,
        # and changes what lies below it by some hundredths.
        assert_described(parameters[name].grad, theirs, 5e-2)
    assert len(expected["gradients"]) >= 5
    for name, theirs in expected["statistics"].items():
        # A hundredth of the batch's variance: PyTorch divides by n - 1, Paddle by n.
        assert_described(state[name], theirs, 1e-3 if name.endswith("_variance") else 1e-4)
