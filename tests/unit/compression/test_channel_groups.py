from __future__ import annotations

import numpy as np
import pytest
from paddle import nn
from prunable_networks import NETWORKS

from core.compression.channel_groups import find_groups
from core.networks.operators import Add, Concat, Multiply

# Their outputs are classes, or serve auxiliary heads alone.
NOT_PRUNED = {
    "FastSCNN": {"classifier.conv", "auxlayer.conv_bn_relu._conv", "auxlayer.conv"},
    "UNet": {"cls"},
    "UNet_deconv": {"cls"},
    "DeepLabV3P_50": {"head.decoder.conv"},
    "DeepLabV3P_101": {"head.decoder.conv"},
    "BiSeNetV2": {"head.conv_1x1"}
    | {f"aux_head{i}.conv_1x1" for i in range(1, 5)}
    | {f"aux_head{i}.conv_3x3.0._conv" for i in range(1, 5)},
    "HRNet_18": {"head.cls"},
    "HRNet_48": {"head.cls"},
    "EfficientNetFPN": {"classifier.conv"},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_convolution_but_the_heads_is_covered(name):
    net = NETWORKS[name]()
    groups = find_groups(net)
    layers = {
        path: layer
        for path, layer in net.named_sublayers()
        if isinstance(layer, (nn.Conv2D, nn.Conv2DTranspose))
    }
    covered = {path for group in groups for path in group.convs}
    assert layers.keys() - covered == NOT_PRUNED[name]
    # Each channel of a covered convolution belongs to exactly one atom.
    made = {path: [] for path in covered}
    for group in groups:
        assert group.width > 0
        for member in group.members:
            assert len(member.channels) == group.width
            if member.side == "out" and member.path in made:
                made[member.path].append(member.channels.ravel())
    for path, channels in made.items():
        assert sorted(np.concatenate(channels)) == list(range(layers[path]._out_channels)), path
    state = net.state_dict()
    assert len({group.name for group in groups}) == len(groups)
    assert all(group.name in state for group in groups)


class Net(nn.Layer):
    """Layers by name; ``forward`` is given as a function of the network and the image."""

    def __init__(self, forward, **layers):
        super().__init__()
        for name, layer in layers.items():
            self.add_sublayer(name, layer)
        self._forward = forward

    def forward(self, x):
        return [self._forward(self, x)]


def described(net):
    """Group name → (width, {(path, side): channels of the first and of the last atom})."""
    return {
        group.name: (
            group.width,
            {
                (m.path, m.side): (m.channels[0].tolist(), m.channels[-1].tolist())
                for m in group.members
            },
        )
        for group in find_groups(net, (8, 8))
    }


def test_concatenation_shifts_channels_and_sums_tie_them():
    net = Net(
        lambda s, x: s.head(s.add(s.concat([s.a(x), s.b(x)]), s.c(x))),
        a=nn.Conv2D(3, 4, 1),
        b=nn.Conv2D(3, 6, 1),
        c=nn.Conv2D(3, 10, 1),
        concat=Concat(),
        add=Add(),
        head=nn.Conv2D(10, 2, 1),
    )
    first, last = [0], [3]
    assert described(net) == {
        "a.weight": (
            4,
            {("a", "out"): (first, last), ("c", "out"): (first, last), ("head", "in"): ([0], [3])},
        ),
        "b.weight": (
            6,
            {("b", "out"): ([0], [5]), ("c", "out"): ([4], [9]), ("head", "in"): ([4], [9])},
        ),
    }


def test_depthwise_expansion_keeps_its_filters_together():
    net = Net(
        lambda s, x: s.head(s.norm(s.expand(s.stem(x)))),
        stem=nn.Conv2D(3, 4, 1),
        expand=nn.Conv2D(4, 24, 3, padding=1, groups=4),
        norm=nn.BatchNorm2D(24),
        head=nn.Conv2D(24, 2, 1),
    )
    first, last = list(range(6)), list(range(18, 24))
    assert described(net) == {
        "stem.weight": (
            4,
            {
                ("stem", "out"): ([0], [3]),
                ("expand", "in"): ([0], [3]),
                ("expand", "out"): (first, last),
                ("norm", "out"): (first, last),
                ("head", "in"): (first, last),
            },
        )
    }


@pytest.mark.parametrize("layer", [nn.Conv2D, nn.Conv2DTranspose])
def test_grouped_convolutions_lose_whole_groups(layer):
    net = Net(
        lambda s, x: s.head(s.grouped(s.stem(x))),
        stem=nn.Conv2D(3, 8, 1),
        grouped=layer(8, 12, 1, groups=4),
        head=nn.Conv2D(12, 2, 1),
    )
    assert described(net) == {
        "stem.weight": (
            4,
            {
                ("stem", "out"): ([0, 1], [6, 7]),
                ("grouped", "in"): ([0, 1], [6, 7]),
                ("grouped", "out"): ([0, 1, 2], [9, 10, 11]),
                ("head", "in"): ([0, 1, 2], [9, 10, 11]),
            },
        )
    }


def test_gates_are_tied_to_what_they_gate():
    net = Net(
        lambda s, x: s.head(s.multiply(s.stem(x), s.gate(s.pool(x)))),
        stem=nn.Conv2D(3, 8, 1),
        pool=nn.AdaptiveAvgPool2D(1),
        gate=nn.Conv2D(3, 8, 1),
        multiply=Multiply(),
        head=nn.Conv2D(8, 2, 1),
    )
    ((width, members),) = described(net).values()
    assert width == 8
    assert members.keys() == {("stem", "out"), ("gate", "out"), ("head", "in")}


def test_what_is_tied_to_the_image_or_the_classes_stays():
    net = Net(
        lambda s, x: s.head(s.mix(s.add(x, s.like_image(x)))),
        like_image=nn.Conv2D(3, 3, 1),
        add=Add(),
        mix=nn.Conv2D(3, 3, 1, groups=3),
        head=nn.Conv2D(3, 2, 1),
    )
    assert described(net) == {}


def test_a_layer_that_works_twice_ties_its_channels():
    net = Net(
        lambda s, x: s.add(s.head(x), s.more(s.head(x))),
        head=nn.Conv2D(3, 2, 1),
        more=nn.Conv2D(2, 2, 1),
        add=Add(),
    )
    assert described(net) == {}
    net = Net(
        lambda s, x: s.head(s.concat([s.twice(x), s.twice(s.image(x))])),
        image=nn.Conv2D(3, 3, 1),
        twice=nn.Conv2D(3, 4, 1),
        concat=Concat(),
        head=nn.Conv2D(8, 2, 1),
    )
    assert described(net) == {
        "twice.weight": (4, {("twice", "out"): ([0], [3]), ("head", "in"): ([0, 4], [3, 7])})
    }


def test_sums_of_different_numbers_of_channels_are_an_error():
    net = Net(
        lambda s, x: s.add(s.wide(x), s.narrow(x)),
        wide=nn.Conv2D(3, 4, 1),
        narrow=nn.Conv2D(3, 1, 1),
        add=Add(),
    )
    with pytest.raises(ValueError, match="add joins different numbers of channels"):
        find_groups(net, (8, 8))
