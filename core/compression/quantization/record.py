"""What is kept of a quantised network beside its weights."""

from __future__ import annotations

import math

import paddle
from paddle import nn

from core.compression.quantization.fake_quantization import (
    quantized_weight_layers,
    quantizers_of,
)
from core.compression.quantization.table import ActivationScale, QuantizationTable
from core.compression.quantization.weight_grid import weight_scales
from core.models.compression_records import QuantizationRecord
from core.system.errors import InputError


def table(net: nn.Layer) -> QuantizationTable:
    """Return everything about a quantised network but its weights.

    Raises:
        ValueError: ``net`` is not quantised.
        InputError: its training diverged.
    """
    quantizers = quantizers_of(net)
    for path, layer in quantized_weight_layers(net).items():
        if not bool(paddle.isfinite(layer.weight).all()):
            raise _diverged(path)
    activations = {}
    for point in quantizers.points:
        quantizer = quantizers.quantizer(point)
        if not math.isfinite(float(quantizer._scale.item()) + quantizer.step):
            raise _diverged(point.key)
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
        weights={
            path: weight_scales(layer) for path, layer in quantized_weight_layers(net).items()
        },
    )


def quantization_record(net: nn.Layer) -> QuantizationRecord:
    """Describe a quantised network as it is now, for its model folder.

    Raises:
        ValueError: ``net`` is not quantised.
        InputError: its training diverged.
    """
    with paddle.no_grad():
        content = table(net)
    height, width = content.size
    return QuantizationRecord(
        config=content.config.to_dict(),
        float_layers=content.float_layers,
        image_size=(width, height),
        activations={key: scale.model_dump() for key, scale in content.activations.items()},
    )


def _diverged(name: str) -> InputError:
    # The loss may stay finite: fake quantisation limits what passes.
    return InputError(
        "Values in the quantised layer “{name}” are not finite any more: the training diverged; "
        "lower the learning rate and train again.",
        name=name,
    )
