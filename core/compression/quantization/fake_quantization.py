"""Networks with fake quantisation: weights by Paddle, tensors where ONNX Runtime has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import paddle
from paddle import nn
from paddle.nn.quant.quant_layers import FakeQuantMAOutputScaleLayer, MAOutputScaleLayer
from paddle.quantization import ImperativeQuantAware

from core.compression.folding import fold_batch_norms, layer_at, replace_layers
from core.compression.quantization.activation_quantizer import (
    PACT,
    ActivationQuantizer,
    keep_threshold_positive,
)
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.quantized_tensors import (
    INPUT,
    QuantizationPoint,
    default_float_layers,
    quantization_points,
    quantized_layers,
)
from core.compression.quantization.weight_grid import IntegerConvolution, IntegerSums
from core.compression.trace import trace as run_trace

if TYPE_CHECKING:
    from core.compression.trace import Trace

#: Name of the sublayer that holds the quantisers of tensors, and so of their state.
QUANTIZERS = "activation_quantizers"


class ActivationQuantizers(nn.Layer):
    """The quantisers of a network's tensors, and how it was prepared.

    Attributes:
        config: settings of quantisation.
        size: height and width that the network was traced at.
        trace: of the network with folded batch norms, without its layers.
        float_layers: paths of the layers that stay in float.
        points: the quantised tensors.
        originals: the layers whose weights are quantised, as they were, by path.
    """

    def __init__(
        self,
        config: QuantConfig,
        trace: Trace,
        *,
        float_layers: tuple[str, ...],
        originals: dict[str, nn.Layer],
    ) -> None:
        super().__init__()
        self.config = config
        self.size = trace.shapes[trace.input][1:]
        # What the layers were is of no use any more, and would be copied with the network.
        calls = tuple(replace(call, layer=None) for call in trace.calls)
        self.trace = replace(trace, calls=calls)
        self.float_layers = float_layers
        self.points = quantization_points(trace, config, float_layers)
        self.originals = originals
        for point in self.points:
            if point.same_as is None:
                name = _state_name(point.key)
                self.add_sublayer(name, ActivationQuantizer(config, unsigned=point.unsigned))

    def quantizer(self, point: QuantizationPoint) -> ActivationQuantizer:
        """Return the quantiser whose scale ``point`` has."""
        quantizer: ActivationQuantizer = self._sub_layers[_state_name(point.same_as or point.key)]
        return quantizer

    def own(self) -> Iterator[tuple[QuantizationPoint, ActivationQuantizer]]:
        """Points with scales of their own, and their quantisers."""
        return ((point, self.quantizer(point)) for point in self.points if point.same_as is None)


def quantize(
    net: nn.Layer,
    config: QuantConfig,
    *,
    size: tuple[int, int],
    float_layers: Collection[str] | None = None,
) -> None:
    """Fold the batch norms of ``net`` and prepare it, in place.

    Args:
        net: a float network (N, 3, H, W) → list of logits; pruned ones too.
        config: settings of quantisation.
        size: height and width of the images it will be exported for: at other sizes a resizing
            may be no computation at all, and the quantised tensors differ.
        float_layers: as in ``prepare``.

    Raises:
        InputError: a float layer does not exist, or nothing is left to quantise.
    """
    fold_batch_norms(net, run_trace(net, size))
    prepare(net, run_trace(net, size), config, float_layers)


def prepare(
    net: nn.Layer,
    trace: Trace,
    config: QuantConfig,
    float_layers: Collection[str] | None = None,
) -> None:
    """Make ``net`` compute with fake quantisation, in place; only its deployed part.

    Weights are quantised by Paddle's wrappers of layers, those of PaddleSlim's QAT. They would also
    quantise each layer's input anew; instead each tensor has one quantiser, behind the layer that
    makes it, because that is what runs in the end. Scales are unknown until ``calibrate`` or
    training finds them.

    Args:
        net: with folded batch norms.
        trace: of ``net``.
        config: settings of quantisation.
        float_layers: paths of layers that stay in float; None for the head's last.

    Raises:
        InputError: a float layer does not exist, or nothing is left to quantise.
    """
    if float_layers is None:
        float_layers = default_float_layers(trace)
    layers = {call.path: call.layer for call in quantized_layers(trace, config, float_layers)}
    quantizers = ActivationQuantizers(
        config, trace, float_layers=tuple(sorted(float_layers)), originals=layers
    )
    _quantize_weights(net, layers, config)
    _compute_in_integers(net, quantizers)
    for point, quantizer in quantizers.own():
        if point.key == INPUT:
            net.register_forward_pre_hook(quantizer.on_input)
        else:
            layer_at(net, point.key).register_forward_post_hook(quantizer.on_output)
    net.add_sublayer(QUANTIZERS, quantizers)
    # New layers are in training, and would follow what a network in use computes.
    for layer in (quantizers, *quantized_weight_layers(net).values()):
        layer.train() if net.training else layer.eval()


def quantizers_of(net: nn.Layer) -> ActivationQuantizers:
    """Return the quantisers that ``prepare`` put into ``net``.

    Raises:
        ValueError: it is not quantised.
    """
    quantizers = net._sub_layers.get(QUANTIZERS)
    if not isinstance(quantizers, ActivationQuantizers):
        raise ValueError("the network is not quantised")
    return quantizers


def is_quantized(net: nn.Layer) -> bool:
    """Whether ``prepare`` has been applied to ``net``."""
    return QUANTIZERS in net._sub_layers


def quantized_weight_layers(net: nn.Layer) -> dict[str, Any]:
    """Return the layers with fake-quantised weights by path."""
    return {path: layer_at(net, path) for path in quantizers_of(net).originals}


@contextmanager
def weights_in_float(net: nn.Layer, layers: Collection[str]) -> Iterator[None]:
    """Within, these layers of a quantised network compute with the weights as they are."""
    replaced = []
    try:
        for path, layer in quantized_weight_layers(net).items():
            if path in layers:
                for name in ("_weight_preprocess", "_fake_quant_weight"):
                    if (former := getattr(layer, name)) is not None:
                        replaced.append((layer, name, former))
                        setattr(layer, name, nn.Identity())
        yield
    finally:
        for layer, name, former in replaced:
            setattr(layer, name, former)


def keep_in_float(net: nn.Layer, layers: Collection[str]) -> None:
    """Take ``layers`` of a quantised network back to float, and the tensors only they needed.

    Scales of all other tensors stay.

    Raises:
        InputError: a layer does not exist, or nothing is left to quantise.
    """
    old = quantizers_of(net)
    floats = sorted({*old.float_layers, *layers})
    quantization_points(old.trace, old.config, floats)  # refuses before anything is changed
    scales = {point.key: old.quantizer(point).largest for point in old.points}
    remove_quantizers(net)
    prepare(net, run_trace(net, old.size), old.config, floats)
    for point, quantizer in quantizers_of(net).own():
        quantizer.set_scale(scales[point.key])


def round_weights(net: nn.Layer) -> None:
    """Set the weights of the quantised layers to the values they compute with, in place.

    What is exported then need not round weights halfway between two steps as Paddle does.
    """
    with paddle.no_grad():
        for layer in quantized_weight_layers(net).values():
            weight = layer.weight
            if layer._weight_preprocess is not None:
                weight = layer._weight_preprocess(weight)
            layer.weight.set_value(layer._fake_quant_weight(weight))


def remove_quantizers(net: nn.Layer) -> None:
    """Make a quantised network the float network with folded batch norms that it was, in place."""
    quantizers = quantizers_of(net)
    for point in quantizers.points:
        if point.key != INPUT:
            _remove_hooks(layer_at(net, point.key)._forward_post_hooks)
    _remove_hooks(net._forward_pre_hooks)
    originals = {layer_at(net, path): layer for path, layer in quantizers.originals.items()}
    replace_layers(net, originals)
    del net._sub_layers[QUANTIZERS]


def _remove_hooks(hooks: Any) -> None:
    for name, hook in list(hooks.items()):
        if isinstance(getattr(hook, "__self__", None), ActivationQuantizer):
            del hooks[name]


def _quantize_weights(net: nn.Layer, layers: dict[str, nn.Layer], config: QuantConfig) -> None:
    # PaddleSlim's QAT is this class of Paddle's, and settings that look it up by name.
    qat = ImperativeQuantAware(
        quantizable_layer_type=list(config.quantizable_layer_type),
        weight_quantize_type=config.weight_quantize_type,
        weight_bits=config.weight_bits,
        weight_preprocess_layer=PACT if config.weight_preprocess_type == "PACT" else None,
        act_quantize_layer=nn.Identity,
        onnx_format=True,
    )
    chosen = {id(layer) for layer in layers.values()}
    others = [layer for layer in net.sublayers() if id(layer) not in chosen]
    for layer in others:
        layer.skip_quant = True
    qat.quantize(net)
    for layer in others:
        del layer.skip_quant
    # It also wraps layers to measure their outputs, which have quantisers here.
    measuring = (MAOutputScaleLayer, FakeQuantMAOutputScaleLayer)
    measured = [layer for layer in net.sublayers() if isinstance(layer, measuring)]
    replace_layers(net, {layer: layer._layer for layer in measured})
    # A layer may have several names, of which Paddle replaces one.
    wrapped = {layer: layer_at(net, path) for path, layer in layers.items()}
    replace_layers(net, wrapped)
    for layer in wrapped.values():
        if layer._weight_preprocess is not None:
            layer._weight_preprocess.register_forward_pre_hook(keep_threshold_positive)


def integer_sums(net: nn.Layer) -> dict[str, IntegerSums]:
    """Return what rounds the sums of the quantised convolutions in evaluation, by path."""
    return {
        path: convolution.sums(layer_at(net, path))
        for path, convolution in _integer_convolutions(quantizers_of(net)).items()
    }


def _compute_in_integers(net: nn.Layer, quantizers: ActivationQuantizers) -> None:
    """Make the quantised convolutions evaluate as at run time, before outputs are quantised."""
    for path, convolution in _integer_convolutions(quantizers).items():
        layer_at(net, path).register_forward_post_hook(convolution.on_output)


def _integer_convolutions(quantizers: ActivationQuantizers) -> dict[str, IntegerConvolution]:
    trace = quantizers.trace
    found = {point.tensor: quantizers.quantizer(point) for point in quantizers.points}
    convolutions = {}
    for call in trace.calls:
        if call.kind == "conv" and call.path in quantizers.originals:
            consumers = trace.consumers(call.output)
            target = found.get(call.output)
            if target is None and [consumer.kind for consumer in consumers] == ["relu"]:
                target = found.get(consumers[0].output)
            convolutions[call.path] = IntegerConvolution(found[call.inputs[0]], target)
    return convolutions


def _state_name(key: str) -> str:
    return key.replace(".", "/")
