"""Whole networks as ONNX graphs: the numbers, the names, the bytes."""

from __future__ import annotations

import numpy as np
import onnx
import paddle
import pytest
from exported_networks import NETWORKS
from onnx_parts import Network, assert_computes_the_same, initializers, noise, operators, written
from paddle import nn
from prunable_networks import trained_looking

from core import seg
from core.deploy.onnx_writer.network_writing import OPSET, write_network
from core.networks.operators import Add
from core.system.errors import InputError


def network():
    """Two convolutions, one around the other, and a layer that changes nothing."""
    layers = nn.Conv2D(3, 4, 3, padding=1), nn.Identity(), nn.Conv2D(4, 4, 1), Add(), nn.ReLU()

    def step(x):
        first, nothing, second, add, relu = layers
        x = nothing(first(x))
        return relu(add(x, second(x)))

    return Network(step, *layers)


def test_the_same_network_gives_the_same_bytes():
    """Whatever else was made in the process, which Paddle's own names count."""
    files = []
    for _ in range(2):
        paddle.seed(0)
        files.append(written(network(), None).SerializeToString())
    assert files[0] == files[1]


def test_names_are_those_of_the_network():
    net = network()
    net.eval()
    model, names = write_network(net, size=None, image="x", logits="y")
    assert names == {
        "layers.0": "conv_0",
        "layers.1": "conv_0",
        "layers.2": "conv_1",
        "layers.3": "add_2",
        "layers.4": "y",
    }
    made = {node.name: node.output[0] for node in model.graph.node}
    assert made == {path: name for path, name in names.items() if path != "layers.1"}
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == ["x", "y"]
    kept = {f"layers.{index}.{kind}" for index in (0, 2) for kind in ("weight", "bias")}
    assert initializers(model).keys() == kept
    assert [(one.domain, one.version) for one in model.opset_import] == [("", OPSET)]


def test_what_the_output_does_not_need_is_left_out():
    layers = nn.Conv2D(3, 4, 3), nn.Conv2D(3, 2, 1), nn.Tanh()

    def step(x):
        first, second, unknown = layers
        unknown(second(x))
        return first(x)

    model = written(Network(step, *layers), None)
    assert operators(model) == ["Conv"]
    assert initializers(model).keys() == {"layers.0.weight", "layers.0.bias"}


def test_an_unknown_operator_is_named():
    with pytest.raises(InputError, match=r"operator pd_op\.tanh, which cannot be written"):
        written(Network(paddle.tanh), None)


def test_the_network_is_left_as_it_was():
    net = network()
    net.train()
    before = {name: value.numpy() for name, value in net.state_dict().items()}
    hooks = [len(layer._forward_post_hooks) for layer in net.sublayers()]
    write_network(net, size=None, image="x", logits="y")
    assert net.training
    assert [len(layer._forward_post_hooks) for layer in net.sublayers()] == hooks
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    """Features of 2 × 3 at 1/32, which pyramids do not divide evenly; whole batches."""
    net = trained_looking(seg.create(name, seed=0, num_classes=3, **NETWORKS[name]).net)
    model = written(net, (90, 62))
    declared = onnx.shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape
    assert [dim.dim_value for dim in declared.dim[1:]] == [3, 62, 90]
    assert_computes_the_same(net, model, noise(2, 3, 62, 90))
