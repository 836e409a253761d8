"""The grids that weights and biases have at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import paddle
from paddle import Tensor, nn

from core.compression.quantization.activation import ActivationQuantizer
from core.compression.quantization.table import WeightScales

#: Biases are kept as 32-bit integers.
LARGEST_BIAS = 2**31 - 1


def weight_scales(layer: Any) -> WeightScales:
    """Return the grid of a layer's fake-quantised weight."""
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


@dataclass(frozen=True, slots=True)
class BiasRounding:
    """Rounds a convolution's bias as the run time keeps it, where the network is evaluated.

    There it is a multiple of the input's step times the weight's. A value that this tips to
    the next step of its grid tips others in the layers behind: without it, half of a deep
    network's values end on another step than in the exported file.

    Attributes:
        quantizer: of the convolution's input.
    """

    quantizer: ActivationQuantizer

    def on_output(self, layer: Any, _inputs: Any, output: Tensor) -> Tensor:
        """Hook behind the convolution, before its output is quantised; (N, C, H, W)."""
        quantizer = self.quantizer
        # While ranges are sought or layers compared in float, there is no grid.
        passes = quantizer.observer is not None or not quantizer.enabled
        if layer.training or passes or isinstance(layer._fake_quant_weight, nn.Identity):
            return output
        bias = layer.bias.numpy().astype(np.float64)
        scales = np.asarray(weight_scales(layer).scales)
        steps = np.maximum(quantizer.step * scales, np.abs(bias) / LARGEST_BIAS)
        change = np.rint(bias / steps) * steps - bias
        return output + paddle.to_tensor(change.astype(np.float32)).reshape([1, -1, 1, 1])


def _positive(largest: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A channel of zeros takes any scale; a usual one keeps its bias in the run time's range."""
    usual = float(largest.max()) or 1.0
    return np.where(largest > 0.0, largest, usual)
