"""Batch norms folded into the convolutions before them, as they will be at run time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from paddle import nn

if TYPE_CHECKING:
    from core.compression.trace import Call, Trace

_CONVOLUTIONS = ("conv", "conv_transpose")


def fold_batch_norms(net: nn.Layer, trace: Trace) -> tuple[str, ...]:
    """Fold each batch norm that directly follows a convolution into its weight and bias.

    In evaluation the network computes what it did, to float rounding; in training the statistics
    are constants now. Only the deployed network is changed, auxiliary heads keep their batch
    norms, and so do batch norms that follow something else. The same network always gives the
    same structure, so that a folded one is rebuilt by folding before its weights are loaded.

    Args:
        net: changed in place: a folded batch norm becomes ``nn.Identity``, its convolution gets
            a ``bias``.
        trace: of ``net``; out of date afterwards.

    Returns:
        Paths of the convolutions that took a batch norm in.
    """
    folded = []
    identities: dict[nn.Layer, nn.Layer] = {}
    deployed = trace.deployed()
    for norm in deployed.calls:
        conv = deployed.producer(norm.inputs[0])
        if (
            norm.kind != "batch_norm"
            or conv is None
            or conv.kind not in _CONVOLUTIONS
            # An auxiliary head that takes the tensor before the norm needs it as it is.
            or len(trace.consumers(conv.output)) != 1
        ):
            continue
        _fold(conv, norm)
        identities[norm.layer] = nn.Identity()
        folded.append(conv.path)
    replace_layers(net, identities)
    return tuple(folded)


def layer_at(net: nn.Layer, path: str) -> nn.Layer:
    """Return the layer at ``path`` ("backbone.conv1_1._conv") in ``net``."""
    for name in path.split("."):
        net = net._sub_layers[name]
    return net


def replace_layers(net: nn.Layer, replacements: Mapping[nn.Layer, nn.Layer]) -> None:
    """Put new layers in the place of old ones, under all names that one has."""
    for parent in net.sublayers(include_self=True):
        for name, child in parent._sub_layers.items():
            if child in replacements:
                parent._sub_layers[name] = replacements[child]


def _fold(conv: Call, norm: Call) -> None:
    layer, batch_norm = conv.layer, norm.layer
    # In double precision, so that only the result is rounded.
    gain = 1.0 / np.sqrt(_double(batch_norm._variance) + batch_norm._epsilon)
    if batch_norm.weight is not None:
        gain = gain * _double(batch_norm.weight)
    shift = -_double(batch_norm._mean) * gain
    if batch_norm.bias is not None:
        shift = shift + _double(batch_norm.bias)
    if layer.bias is None:
        layer.bias = layer.create_parameter(shape=[len(gain)], is_bias=True)
    else:
        shift = shift + _double(layer.bias) * gain
    weight = _double(layer.weight)
    layer.weight.set_value(_scaled(weight, gain, conv).astype(np.float32))
    layer.bias.set_value(shift.astype(np.float32))


def _scaled(
    weight: npt.NDArray[np.float64], gain: npt.NDArray[np.float64], conv: Call
) -> npt.NDArray[np.float64]:
    """Multiply the weights of each output channel by its gain."""
    if conv.kind == "conv":
        return weight * gain[:, None, None, None]
    # Transposed: (in, out / groups, h, w), where inputs and outputs belong group by group.
    groups = conv.layer._groups
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    return (grouped * gain.reshape(groups, 1, -1, 1, 1)).reshape(weight.shape)


def _double(tensor: Any) -> npt.NDArray[np.float64]:
    array: npt.NDArray[np.float64] = tensor.numpy().astype(np.float64)
    return array
