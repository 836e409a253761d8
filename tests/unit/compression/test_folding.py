from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle import nn
from prunable_networks import NETWORKS, SIZE, trained_looking

from core.compression.channel_groups import find_groups
from core.compression.folding import fold_batch_norms
from core.compression.slicing import slice_channels
from core.compression.trace import trace
from core.networks.operators import Add
from core.training.optimizers import make_optimizer

SIX = sorted(NETWORKS.keys() - {"HRNet_48", "DeepLabV3P_101"})


class Small(nn.Layer):
    """Layers one after another, as a network: images → [result]."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return [self.layers(x)]


class Shared(nn.Layer):
    """A convolution whose output is needed with and without its batch norm."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2D(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2D(4)
        self.add = Add()

    def forward(self, x):
        x = self.conv(x)
        return [self.add(x, self.norm(x))]


def logits(net, size=SIZE, seed=3):
    paddle.seed(seed)
    with paddle.no_grad():
        return net(paddle.randn([2, 3, *size]))[0].numpy()


def assert_folding_changes_nothing(net):
    before = logits(net)
    folded = fold_batch_norms(net, trace(net, SIZE))
    np.testing.assert_allclose(logits(net), before, rtol=0, atol=1e-5 * np.abs(before).max())
    return folded


@pytest.mark.parametrize("name", SIX)
def test_the_folded_network_computes_the_same(name):
    net = trained_looking(NETWORKS[name]())
    folded = assert_folding_changes_nothing(net)
    left = [call.path for call in trace(net, SIZE).deployed().calls if call.kind == "batch_norm"]
    # Behind a pooling there is no convolution that could take it in.
    assert left == (["sb.ce.bn"] if name == "BiSeNetV2" else [])
    state = net.state_dict()
    assert folded
    assert all(f"{path}.bias" in state for path in folded)


def test_a_pruned_network_folds_too():
    net = trained_looking(NETWORKS["FastSCNN"]())
    groups = find_groups(net, SIZE)
    slice_channels(net, groups, {group.name: np.arange(group.width // 3) for group in groups})
    assert_folding_changes_nothing(net)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_takes_its_batch_norm_in(groups):
    net = trained_looking(
        Small(
            nn.Conv2D(3, 4, 1),
            nn.Conv2DTranspose(4, 6, 2, stride=2, groups=groups, bias_attr=False),
            nn.BatchNorm2D(6),
        )
    )
    assert assert_folding_changes_nothing(net) == ("layers.1",)


def test_a_batch_norm_stays_where_its_input_is_needed_as_it_is():
    net = trained_looking(Shared())
    assert assert_folding_changes_nothing(net) == ()
    assert isinstance(net.norm, nn.BatchNorm2D)


def test_auxiliary_heads_keep_their_batch_norms():
    net = trained_looking(NETWORKS["FastSCNN"]())
    fold_batch_norms(net, trace(net, SIZE))
    assert isinstance(net.auxlayer.conv_bn_relu._batch_norm, nn.BatchNorm2D)
    assert isinstance(net.classifier.dsconv1.depthwise_conv._batch_norm, nn.Identity)


def test_a_folded_network_is_rebuilt_by_folding(tmp_path):
    file = tmp_path / "折叠 folded.pdparams"
    net = trained_looking(NETWORKS["BiSeNetV2"]())
    fold_batch_norms(net, trace(net, SIZE, training_heads=True))
    paddle.save(net.state_dict(), str(file))
    other = NETWORKS["BiSeNetV2"]()
    fold_batch_norms(other, trace(other, SIZE))
    state = paddle.load(str(file))
    assert state.keys() == other.state_dict().keys()
    other.set_state_dict(state)
    other.eval()
    np.testing.assert_array_equal(logits(other), logits(net))


def test_a_folded_network_learns():
    paddle.seed(0)
    net = trained_looking(NETWORKS["FastSCNN"]())
    folded = fold_batch_norms(net, trace(net, SIZE))
    net.train()
    optimizer = make_optimizer(net, learning_rate=0.01, lr_decay_power=0.9, total_steps=100)
    images = paddle.randn([2, 3, *SIZE])
    masks = (images[:, 0] > 0).astype("int64")
    losses = []
    before = net.state_dict()[f"{folded[0]}.bias"].numpy()
    for _ in range(8):
        loss = nn.functional.cross_entropy(net(images)[0], masks, axis=1)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(float(loss))
    assert losses[-1] < losses[0]
    assert np.abs(net.state_dict()[f"{folded[0]}.bias"].numpy() - before).max() > 0
