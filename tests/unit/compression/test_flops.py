from __future__ import annotations

import numpy as np
import pytest
from flops_counting import count_flops
from paddle import nn
from prunable_networks import CLASSES, NETWORKS

from core.compression.channel_groups import find_groups
from core.compression.flops import FlopsModel, count_parameters, flops_of
from core.compression.slicing import slice_channels
from core.compression.trace import trace
from core.networks.deeplabv3p import DeepLabV3PNet
from core.networks.fast_scnn import FastSCNNNet
from core.networks.unet import UNetNet


@pytest.mark.parametrize(
    ("make", "everything"),
    [
        (FastSCNNNet, 24_314_560),
        (UNetNet, 2_923_978_752),
        (DeepLabV3PNet, 2_678_084_352),
    ],
    ids=["FastSCNN", "UNet", "DeepLabV3P"],
)
def test_whole_networks_cost_what_paddleslim_counts(make, everything):
    """Oracle: PaddleSlim 2.6.0's ``dygraph_flops(net, [1, 3, 64, 96])`` for five classes."""
    found = trace(make(CLASSES), (64, 96))
    assert flops_of(found) == everything


def test_the_deployed_network_has_no_auxiliary_head():
    net = FastSCNNNet(CLASSES)
    head = 8 * 12 * (9 * 64 * 32 + 32 * CLASSES) + 8 * 12 * 32 * (2 + 1)
    assert flops_of(trace(net, (64, 96))) - count_flops(net, (64, 96)) == head


class Small(nn.Layer):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2D(3, 4, 3, stride=2, padding=1)
        self.norm, self.relu, self.sigmoid = nn.BatchNorm2D(4), nn.ReLU(), nn.Sigmoid()
        self.up = nn.Conv2DTranspose(4, 6, 2, stride=2, groups=2)
        self.grouped = nn.Conv2D(6, 9, 3, groups=3)
        self.pool = nn.AvgPool2D(2)
        self.context = nn.AdaptiveAvgPool2D(1)

    def forward(self, x):
        x = self.sigmoid(self.relu(self.norm(self.conv(x))))
        return [self.context(self.pool(self.grouped(self.up(x))))]


def test_each_kind_of_layer_by_hand():
    """(1, 3, 8, 12) → 4×4×6 → 6×8×12 → 9×6×10 → 9×3×5 → 9×1×1; a multiply-add counts once."""
    convolutions = 4 * 4 * 6 * 3 * 9 + 4 * 6 * 4 * 3 * 4 + 6 * 10 * 9 * 2 * 9
    others = 4 * 4 * 6 * (2 + 1 + 1) + 9 * 3 * 5 * 4 * 2 + 9 * 2
    assert count_flops(Small(), (8, 12)) == convolutions + others
    assert count_parameters(Small()) == (4 * 27 + 4) + 8 + (4 * 3 * 4 + 6) + (9 * 2 * 9 + 9)


@pytest.mark.parametrize("name", ["FastSCNN", "UNet_deconv", "BiSeNetV2", "HRNet_18"])
def test_costs_are_foretold_exactly(name):
    net, random = NETWORKS[name](), np.random.default_rng(3)
    groups = find_groups(net)
    counts = np.array([random.integers(0, group.width) for group in groups])
    model = FlopsModel(trace(net, (32, 48)).deployed(), groups)
    assert model.count(0 * counts) == count_flops(net, (32, 48))
    more = np.array(
        [
            random.integers(-count, group.width - count)
            for count, group in zip(counts, groups, strict=True)
        ]
    )
    saved = model.savings(counts, more)
    for index in range(0, len(groups), 5):
        changed = counts.copy()
        changed[index] += more[index]
        expected = model.count(counts) - model.count(changed)
        assert saved[index] == pytest.approx(expected, rel=1e-9, abs=1)
    drop = {group.name: np.arange(count) for group, count in zip(groups, counts, strict=True)}
    slice_channels(net, groups, drop)
    assert model.count(counts) == count_flops(net, (32, 48))
