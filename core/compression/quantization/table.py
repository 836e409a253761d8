"""All numbers that an int8 export needs beside the float weights; they live in ``quant.yml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.compression.quantization.config import Bits, QuantConfig

Scale = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ActivationScale(_Strict):
    """How a tensor is quantised: ``value ≈ scale · (q - zero_point)``.

    Attributes:
        scale: step of the grid.
        zero_point: 0 of tensors that are never negative, 128 of others.
        bits: ``q`` lies in 0 … 2^bits - 1 with zero point 0, otherwise in
            128 ± (2^(bits-1) - 1), with 8 bits in 0 … 255. A run time that computes with 8 bits
            must limit the tensor to this range itself where there are fewer.
    """

    scale: Scale
    zero_point: Literal[0, 128]
    bits: Bits = 8

    @property
    def largest(self) -> float:
        """Return the largest value of the grid."""
        steps = 2**self.bits - 1 if self.zero_point == 0 else 2 ** (self.bits - 1) - 1
        return float(self.scale * steps)


class WeightScales(_Strict):
    """How a layer's weight is quantised: ``weight ≈ scale · q``, symmetric.

    Attributes:
        bits: ``q`` lies in ± (2^(bits-1) - 1); larger weights are cut off there.
        axis: of the weight's channels: 0, or 1 of transposed convolutions; None with one scale.
        scales: steps of the grid, one for each channel or one for all.
    """

    bits: Bits
    axis: Literal[0, 1] | None
    scales: Annotated[tuple[Scale, ...], Field(min_length=1)]


class QuantizationTable(_Strict):
    """A quantised network without its weights.

    Attributes:
        config: settings of quantisation.
        size: height and width of the images it was prepared for.
        float_layers: paths of the layers that stay in float.
        activations: quantised tensors by the path of the layer that makes them, or ``"input"``.
        weights: quantised weights by their layer's path.
    """

    config: QuantConfig
    size: tuple[Annotated[int, Field(ge=1, le=65536)], Annotated[int, Field(ge=1, le=65536)]]
    float_layers: tuple[str, ...]
    activations: dict[str, ActivationScale]
    weights: dict[str, WeightScales]
