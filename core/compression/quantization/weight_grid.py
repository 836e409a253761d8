"""The grids that weights and biases have at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import paddle
from paddle import Tensor, nn

from core.compression.quantization.activation_quantizer import SMALLEST_SCALE, ActivationQuantizer
from core.compression.quantization.table import WeightScales

#: Biases are kept as 32-bit integers.
LARGEST_BIAS = 2**31 - 1


def weight_scales(layer: Any) -> WeightScales:
    """Return the grid of a layer's fake-quantised weight."""
    quantizer = layer._fake_quant_weight
    axis = getattr(quantizer, "_quant_axis", None)
    weight = np.abs(layer.weight.numpy())
    if layer._weight_preprocess is not None:
        limit = layer._weight_preprocess.alpha.numpy()
        weight = np.minimum(weight, np.maximum(limit, SMALLEST_SCALE))
    other_axes = None if axis is None else tuple(i for i in range(weight.ndim) if i != axis)
    largest = np.atleast_1d(weight.max(axis=other_axes)).astype(np.float64)
    steps = 2 ** (quantizer._quant_bits - 1) - 1
    return WeightScales(
        bits=quantizer._quant_bits, axis=axis, scales=tuple(_positive(largest) / steps)
    )


@dataclass(frozen=True, slots=True)
class IntegerSums:
    """What makes a convolution's sums those of the run time's 8-bit kernel.

    Attributes:
        steps: of the sums' integers, (channels,) float32.
        change: of the bias by its rounding, in steps, (channels,).
        gains: from the sums to the output's grid, (channels,); None where it stays float.
        target: step of the output's grid, or None.
    """

    steps: npt.NDArray[np.float32]
    change: npt.NDArray[np.float64]
    gains: npt.NDArray[np.float32] | None = None
    target: np.float32 | None = None

    def apply(self, output: Tensor) -> Tensor:
        """Round what a convolution in float made, (N, channels, H, W)."""
        sums = (output * _as_tensor(1.0 / self.steps) + _as_tensor(self.change)).round()
        if self.gains is None or self.target is None:
            return sums * _as_tensor(self.steps)
        return (sums * _as_tensor(self.gains)).round() * float(self.target)


@dataclass(frozen=True, slots=True)
class IntegerConvolution:
    """Makes an evaluated convolution compute what the run time's 8-bit kernel computes.

    There the products are summed up as integers, the bias is one, too, and one multiplication
    leads to the output's grid. A value that another order of roundings tips to the next step of
    its grid tips others in the layers behind: without this, half of a deep network's values end
    on another step than in the exported file.

    Attributes:
        source: quantiser of the convolution's input.
        target: of its output, or, where a ReLU takes that, of the ReLU's; None where it stays
            float.
    """

    source: ActivationQuantizer
    target: ActivationQuantizer | None

    def on_output(self, layer: Any, _inputs: Any, output: Tensor) -> Tensor:
        """Hook behind the convolution, before its output is quantised; (N, C, H, W)."""
        if layer.training or isinstance(layer._fake_quant_weight, nn.Identity):
            return output
        # While ranges are sought or layers compared in float, there is no grid.
        if not self.source.is_active or not (self.target is None or self.target.is_active):
            return output
        return self.sums(layer).apply(output)

    def sums(self, layer: Any) -> IntegerSums:
        """Return the numbers of a layer with fake-quantised weights as it is now."""
        scales = np.asarray(weight_scales(layer).scales, np.float32)
        bias = 0.0 if layer.bias is None else layer.bias.numpy().astype(np.float64)
        step = np.float32(self.source.step)
        steps = np.maximum(step * scales, np.float32(1) * np.abs(bias) / LARGEST_BIAS)
        change = np.rint(bias / steps) - bias / steps
        if self.target is None:
            return IntegerSums(steps, change)
        target = np.float32(self.target.step)
        return IntegerSums(steps, change, step * scales / target, target)


def _as_tensor(values: npt.NDArray[Any]) -> Tensor:
    return paddle.to_tensor(np.atleast_1d(values).astype(np.float32)).reshape([1, -1, 1, 1])


def _positive(largest: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A channel of zeros takes any scale; a usual one keeps its bias in the run time's range."""
    usual = float(largest.max()) or 1.0
    return np.where(largest > 0.0, largest, usual)
