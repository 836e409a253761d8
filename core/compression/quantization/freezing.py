"""A quantised network with constants in the place of its quantisers.

Quantisers look at their state while they compute, which cannot be written into a file. What is
frozen computes the same numbers with plain operations, and can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle
from paddle import Tensor, nn

from core.compression.folding import layer_at
from core.compression.quantization.activation_quantizer import ActivationQuantizer, round_to_grid
from core.compression.quantization.fake_quantization import (
    integer_sums,
    quantizers_of,
    remove_quantizers,
    round_weights,
)
from core.compression.quantization.quantized_tensors import INPUT
from core.compression.quantization.weight_grid import IntegerSums
from core.networks.tracing import trace_as_written


def freeze(net: nn.Layer) -> None:
    """Make a quantised network compute as it does in evaluation, with constants, in place.

    It is a float network afterwards: neither trained on nor described as a quantised one.

    Raises:
        ValueError: it is not quantised.
    """
    quantizers = quantizers_of(net)
    grids = {point.key: _Grid.of(quantizer) for point, quantizer in quantizers.own()}
    sums = {path: _Sums(one) for path, one in integer_sums(net).items()}
    round_weights(net)
    remove_quantizers(net)
    for path, one in sums.items():  # before their outputs are rounded to the grids
        layer_at(net, path).register_forward_post_hook(one.on_output)
    for key, grid in grids.items():
        if key == INPUT:
            net.register_forward_pre_hook(grid.on_input)
        else:
            layer_at(net, key).register_forward_post_hook(grid.on_output)


@dataclass(frozen=True, slots=True)
class _Grid:
    step: np.float32
    lowest: int
    highest: int

    @classmethod
    def of(cls, quantizer: ActivationQuantizer) -> _Grid:
        # Divided as the quantiser does it: in float32.
        step = np.float32(quantizer.largest) / np.float32(quantizer.steps)
        return cls(step, quantizer.lowest, quantizer.steps)

    def on_output(self, _layer: nn.Layer, _inputs: Any, output: Tensor) -> Tensor:
        step = paddle.to_tensor(np.array([self.step], np.float32))
        return round_to_grid(output, step, lowest=self.lowest, highest=self.highest)

    def on_input(self, net: nn.Layer, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.on_output(net, inputs, inputs[0]), *inputs[1:])


@dataclass(frozen=True, slots=True)
class _Sums:
    numbers: IntegerSums

    def on_output(self, _layer: nn.Layer, _inputs: Any, output: Tensor) -> Tensor:
        return self.numbers.apply(output)


trace_as_written(__name__)
