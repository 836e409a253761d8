"""A quantised network as a table, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from paddle import nn

from core.compression.quantization.prepare import (
    quantize,
    quantized_weight_layers,
    quantizers_of,
)
from core.compression.quantization.table import ActivationScale, QuantizationTable, WeightScales
from core.errors import InputError


def table(net: nn.Layer) -> QuantizationTable:
    """Return everything about a quantised network but its weights.

    Raises:
        ValueError: ``net`` is not quantised.
    """
    quantizers = quantizers_of(net)
    activations = {}
    for point in quantizers.points:
        quantizer = quantizers.quantizer(point)
        activations[point.key] = ActivationScale(
            scale=quantizer.step,
            zero_point=0 if quantizer.unsigned else 128,
            bits=quantizer.bits,
        )
    return QuantizationTable(
        config=quantizers.config,
        size=quantizers.size,
        float_layers=quantizers.float_layers,
        activations=activations,
        weights={path: _scales(layer) for path, layer in quantized_weight_layers(net).items()},
    )


def apply_table(net: nn.Layer, content: QuantizationTable) -> None:
    """Make the float network ``net`` the quantised one that ``content`` describes, in place.

    Batch norms are folded on the way. Afterwards ``net`` has the structure whose weights were
    saved; load them then.

    Raises:
        InputError: the table belongs to another network.
    """
    quantize(net, content.config, size=content.size, float_layers=content.float_layers)
    quantizers = quantizers_of(net)
    layers = quantized_weight_layers(net)
    unfit = {point.key for point in quantizers.points} ^ content.activations.keys()
    unfit |= layers.keys() ^ content.weights.keys()
    if unfit:
        raise InputError(
            "The quantisation table belongs to another network: they differ at “{name}”.",
            name=min(unfit),
        )
    for point, quantizer in quantizers.own():
        quantizer.set_scale(content.activations[point.key].scale * quantizer.steps)


def _scales(layer: Any) -> WeightScales:
    quantizer = layer._fake_quant_weight
    axis = getattr(quantizer, "_quant_axis", None)
    weight = np.abs(layer.weight.numpy())
    if layer._weight_preprocess is not None:
        weight = np.minimum(weight, layer._weight_preprocess.alpha.numpy())
    other_axes = None if axis is None else tuple(i for i in range(weight.ndim) if i != axis)
    largest = np.atleast_1d(weight.max(axis=other_axes)).astype(np.float64)
    steps = 2 ** (quantizer._quant_bits - 1) - 1
    return WeightScales(
        bits=quantizer._quant_bits, axis=axis, scales=tuple(_positive(largest) / steps)
    )


def _positive(largest: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A channel of zeros takes any scale; a usual one keeps its bias in the run time's range."""
    usual = float(largest.max()) or 1.0
    return np.where(largest > 0.0, largest, usual)
