from __future__ import annotations

import pytest
from paddle import nn
from prunable_networks import NETWORKS, SIZE

from core.compression.folding import fold_batch_norms
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.quantized_tensors import (
    default_float_layers,
    quantization_points,
    quantized_layers,
)
from core.compression.trace import trace
from core.networks.operators import Add, Concat, Resize
from core.system.errors import InputError

SIX = sorted(NETWORKS.keys() - {"HRNet_48", "DeepLabV3P_101"})
CONFIG = QuantConfig()


class Branched(nn.Layer):
    """One of each rule: ReLU behind conv and behind add, pooling, resizing, concatenation."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2D(3, 4, 3, padding=1)
        self.stem_relu = nn.ReLU()
        self.pool = nn.MaxPool2D(2)
        self.plain = nn.Conv2D(4, 4, 1)
        self.left = nn.Conv2D(4, 4, 1)
        self.add = Add()
        self.add_relu = nn.ReLU()
        self.resize = Resize()
        self.dropout = nn.Dropout(0.1)
        self.concat = Concat()
        self.head = nn.Conv2D(8, 2, 1)
        self.last = Resize()

    def forward(self, x):
        stem = self.stem_relu(self.stem(x))
        pooled = self.pool(stem)
        both = self.add_relu(self.add(self.plain(pooled), self.left(pooled)))
        joined = self.concat([stem, self.resize(both, [16, 16])])
        return [self.last(self.head(self.dropout(joined)), [32, 32])]


@pytest.fixture(scope="module")
def branched():
    return trace(Branched(), (16, 16))


def summary(points):
    return {point.key: (point.unsigned, point.kind, point.same_as) for point in points}


def test_each_rule_is_followed(branched):
    assert summary(quantization_points(branched, CONFIG)) == {
        "input": (False, "input", None),
        "stem_relu": (True, "relu", None),
        "pool": (True, "max_pool", "stem_relu"),
        "plain": (False, "conv", None),
        "left": (False, "conv", None),
        "add_relu": (True, "relu", None),
        "resize": (True, "resize", None),
        "concat": (True, "concat", None),
    }
    assert [call.path for call in quantized_layers(branched, CONFIG)] == ["stem", "plain", "left"]


def test_the_head_is_quantised_on_request(branched):
    points = summary(quantization_points(branched, CONFIG, ()))
    assert points["head"] == (False, "conv", None)
    assert "last" not in points


def test_what_only_float_layers_see_stays_float(branched):
    points = summary(quantization_points(branched, CONFIG, ["plain", "left", "add", "head"]))
    # The pool's input is still the stem's int8 output; what the float layers make is not.
    assert points.keys() == {"input", "stem_relu", "pool", "resize", "concat"}
    points = summary(quantization_points(branched, CONFIG, ["stem", "concat", "head"]))
    # Without an int8 producer of its input, pooling has a scale for its int8 consumers.
    assert points["pool"] == (True, "max_pool", None)
    assert points.keys() == {"pool", "plain", "left", "add_relu"}


def test_a_float_layer_that_does_not_exist_is_refused(branched):
    with pytest.raises(InputError, match="no layer “haed” to keep in float"):
        quantization_points(branched, CONFIG, ["haed"])


def test_nothing_left_to_quantise_is_refused(branched):
    with pytest.raises(InputError, match="nothing to quantise: no layer of the types Linear"):
        quantization_points(branched, QuantConfig(quantizable_layer_type=("Linear",)))


@pytest.mark.parametrize("name", SIX)
def test_each_deployed_convolution_gets_and_gives_int8(name):
    net = NETWORKS[name]()
    fold_batch_norms(net, trace(net, SIZE))
    found = trace(net, SIZE).deployed()
    floats = default_float_layers(found)
    head, *slow = floats
    assert head == {
        "BiSeNetV2": "head.conv_1x1",
        "DeepLabV3P_50": "head.decoder.conv",
        "EfficientNetFPN": "classifier.conv",
        "FastSCNN": "classifier.conv",
        "HRNet_18": "head.cls",
    }.get(name, "cls")
    # Of BiSeNetV2's depthwise convolutions, the one of each block that has six outputs a channel.
    assert slow == [
        f"sb.{block}.depthwise_conv._conv"
        for block in (
            "stage3.0.branch_1.1",
            "stage3.1.conv.1",
            "stage4.0.branch_1.1",
            "stage4.1.conv.1",
            "stage5_4.0.branch_1.1",
            "stage5_4.1.conv.1",
            "stage5_4.2.conv.1",
            "stage5_4.3.conv.1",
        )
        if name == "BiSeNetV2"
    ]
    points = quantization_points(found, CONFIG)
    tensors = {point.tensor: point for point in points}
    assert len({point.key for point in points}) == len(points)
    convs = [call for call in found.calls if call.kind == "conv" and call.path not in floats]
    assert [call.path for call in quantized_layers(found, CONFIG)] == [call.path for call in convs]
    for conv in convs:
        assert conv.inputs[0] in tensors
        (consumer, *others) = found.consumers(conv.output)
        rectified = consumer.kind == "relu" and not others
        assert (conv.output in tensors) is not rectified
        output = consumer.output if rectified else conv.output
        assert tensors[output].unsigned is rectified
    assert not any(call.output in tensors for call in found.calls if call.path == head)


def test_transposed_convolutions_are_quantised_on_request():
    net = NETWORKS["UNet_deconv"]()
    fold_batch_norms(net, trace(net, SIZE))
    found = trace(net, SIZE)
    both = QuantConfig(quantizable_layer_type=("Conv2D", "Conv2DTranspose"))
    plain = {call.path for call in quantized_layers(found, CONFIG)}
    assert {call.path for call in quantized_layers(found, both)} - plain == {
        f"decode.up_sample_list.{level}.deconv" for level in range(4)
    }
