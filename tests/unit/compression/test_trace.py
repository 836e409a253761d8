from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle import nn
from prunable_networks import CLASSES, NETWORKS, trained_looking

from core.compression.trace import trace
from core.networks.operators import Add, Concat, Multiply, Resize


def replay(found, image):
    """Compute the outputs from the recorded calls alone."""
    tensors = {found.input: image}
    for call in found.calls:
        inputs = [tensors[number] for number in call.inputs]
        if call.kind == "concat":
            inputs = [inputs]
        elif call.kind == "resize":
            inputs.append(list(found.shapes[call.output][1:]))
        tensors[call.output] = call.layer(*inputs)
        assert tuple(tensors[call.output].shape[1:]) == found.shapes[call.output]
    return [tensors[number] for number in found.outputs]


@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - {"HRNet_48", "DeepLabV3P_101"}))
@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_the_calls_alone_compute_what_the_network_computes(name, size):
    net = trained_looking(NETWORKS[name]())
    found = trace(net, size)
    image = paddle.randn([1, 3, *size])
    with paddle.no_grad():
        outputs = net(image)
        for ours, theirs in zip(replay(found, image), outputs, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-5)
        logits = replay(found.deployed(), image)
        np.testing.assert_allclose(logits[0].numpy(), outputs[0].numpy(), rtol=1e-4, atol=1e-5)
    assert len({call.path for call in found.calls}) == len(found.calls)


@pytest.mark.parametrize(("name", "heads"), [("BiSeNetV2", 5), ("FastSCNN", 2), ("UNet", 1)])
def test_auxiliary_heads_are_seen_on_request_and_not_deployed(name, heads):
    net = NETWORKS[name]()
    found = trace(net, (64, 64), training_heads=True)
    assert len(found.outputs) == heads
    assert {found.shapes[number] for number in found.outputs} == {(CLASSES, 64, 64)}
    deployed = found.deployed()
    assert len(deployed.outputs) == 1
    assert not any(call.path.startswith("aux") for call in deployed.calls)
    assert {call.path for call in deployed.calls} == {
        call.path for call in trace(net, (64, 64)).deployed().calls
    }


def test_the_network_is_left_as_it_was():
    net = NETWORKS["BiSeNetV2"]()
    net.train()
    net.sb.eval()
    modes = [layer.training for layer in net.sublayers(include_self=True)]
    before = {name: value.numpy() for name, value in net.state_dict().items()}
    trace(net, (32, 32), training_heads=True)
    assert [layer.training for layer in net.sublayers(include_self=True)] == modes
    assert all((value.numpy() == before[name]).all() for name, value in net.state_dict().items())
    assert not any(layer._forward_post_hooks for layer in net.sublayers())


def test_producers_and_consumers():
    class Net(nn.Layer):
        def __init__(self):
            super().__init__()
            self.conv, self.gap = nn.Conv2D(3, 4, 3), nn.AdaptiveAvgPool2D(1)
            self.multiply, self.concat = Multiply(), Concat()
            self.dropout, self.resize = nn.Dropout(0.5), Resize()

        def forward(self, x):
            x = self.dropout(self.conv(x))
            gated = self.resize(self.multiply(x, self.gap(x)), [6, 6])
            return [self.concat([gated, x])]

    found = trace(Net(), (8, 8))
    assert [call.kind for call in found.calls] == [
        "conv",
        "adaptive_average_pool",
        "multiply",
        "concat",  # dropout and resizing to the same size pass their tensor through
    ]
    conv, gap, multiply, concat = found.calls
    assert found.producer(found.input) is None
    assert found.producer(conv.output) is conv
    assert found.consumers(conv.output) == (gap, multiply, concat)
    assert multiply.inputs == (conv.output, gap.output)
    assert concat.inputs == (multiply.output, conv.output)
    assert found.consumers(concat.output) == ()
    assert found.shapes[concat.output] == (8, 6, 6)


class Around(nn.Layer):
    def __init__(self, between):
        super().__init__()
        self.first, self.add = nn.Conv2D(3, 3, 1), Add()
        self.between = between

    def forward(self, x):
        x = self.first(x)
        return [self.add(x, self.between(x))]


def test_work_outside_the_leaf_layers_is_an_error():
    net = Around(nn.Sequential(nn.ReLU()))
    net.between.forward = lambda x: x * 2
    with pytest.raises(ValueError, match="outside the leaf layers: add"):
        trace(net, (4, 4))


def test_layers_of_an_unknown_kind_are_an_error():
    net = Around(nn.GELU())
    with pytest.raises(TypeError, match="between is GELU"):
        trace(net, (4, 4))
    assert not net.first._forward_post_hooks
