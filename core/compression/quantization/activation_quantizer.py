"""Fake quantisation of one tensor between layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import paddle
from paddle import Tensor, _C_ops, nn
from paddle.nn.quant.quant_layers import FakeQuantMovingAverageAbsMax

from core.compression.quantization.config import QuantConfig

#: Keeps a scale or a PACT threshold from becoming zero.
SMALLEST_SCALE = 1e-8
_ROUND_TIES_AWAY = 1


class ActivationQuantizer(FakeQuantMovingAverageAbsMax):
    """Paddle's fake quantisation with a moving abs-max scale, put behind the layer that computes.

    Training follows the scale; evaluation uses it as it is. The grid is symmetric,
    ``scale / (2^(bits-1) - 1)`` apart; of a tensor that is never negative all ``2^bits`` steps lie
    from 0 to ``scale``: paddle's kernel with one bit more. With PACT (Choi et al. 2018,
    arXiv:1805.06085) a learnt threshold limits the tensor, and the scale with it.

    Attributes:
        unsigned: the tensor is never negative.
        bits: of the grid.
        enabled: False passes the tensor through.
        observer: called with the tensor, which then passes through; calibration sets it.
    """

    def __init__(self, config: QuantConfig, *, unsigned: bool) -> None:
        self.unsigned = unsigned
        self.bits = config.activation_bits
        super().__init__(
            moving_rate=config.moving_rate, quant_bits=config.activation_bits + unsigned
        )
        self.enabled = True
        self.observer: Callable[[Tensor], None] | None = None
        self._keeps_largest = config.activation_quantize_type == "abs_max"
        self.preprocess = new_pact() if config.activation_preprocess_type == "PACT" else None

    @property
    def is_active(self) -> bool:
        """Whether it rounds what passes."""
        return self.enabled and self.observer is None

    @property
    def steps(self) -> int:
        """Steps of the grid from 0 to the largest value."""
        return int(2 ** (self._quant_bits - 1) - 1)

    @property
    def lowest(self) -> int:
        """First step of the grid as evaluation uses it: the run time's integers reach -128."""
        return 0 if self.unsigned else -128 if self.bits == 8 else -self.steps

    def forward(self, x: Tensor) -> Tensor:
        """Round ``x`` to the grid, limited to ± scale; any shape."""
        if not self.enabled:
            return x
        if self.observer is not None:
            self.observer(x)
            return x
        if not self.training:
            return self._quantized(x, self.scale())
        if self.preprocess is not None:
            x = self.preprocess(x)
        if self._keeps_largest:
            return self._quantized_by_batch(x)
        out = super().forward(x)
        # Paddle writes them in a way that makes them look like trained parameters.
        for statistic in (self._scale, self._state, self._accum):
            statistic.stop_gradient = True
        return out

    def scale(self) -> Tensor:
        """Return the value at the end of the grid, as evaluation uses it, (1,)."""
        scale = self._scale
        if self.preprocess is not None:
            scale = paddle.minimum(scale, self.preprocess.alpha.detach())
        return scale.clip(min=SMALLEST_SCALE)

    @property
    def step(self) -> float:
        """Distance between neighbours of the grid."""
        return self.largest / self.steps

    @property
    def largest(self) -> float:
        """``scale`` as a number."""
        return float(self.scale().item())

    def set_scale(self, value: float) -> None:
        """Start from ``value``; a moving average follows on as if it had held for long."""
        value = max(value, SMALLEST_SCALE)
        weight = 1.0 / (1.0 - self._moving_rate)
        self._scale.set_value(paddle.full([1], value))
        self._state.set_value(paddle.full([1], weight))
        self._accum.set_value(paddle.full([1], value * weight))
        if self.preprocess is not None:
            self.preprocess.alpha.set_value(paddle.full([1], value))

    def on_output(self, _layer: nn.Layer, _inputs: Any, output: Tensor) -> Tensor:
        """Hook behind the layer that makes the tensor."""
        return self(output)

    def on_input(self, _net: nn.Layer, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Hook before the network."""
        return (self(inputs[0]), *inputs[1:])

    def _quantized(self, x: Tensor, scale: Tensor) -> Tensor:
        """Round as the run time does, whose 8-bit integers reach one step further below zero."""
        return round_to_grid(x, scale / self.steps, lowest=self.lowest, highest=self.steps)

    def _quantized_by_batch(self, x: Tensor) -> Tensor:
        out, scale = _C_ops.fake_quantize_dequantize_abs_max(x, self._quant_bits, _ROUND_TIES_AWAY)
        with paddle.no_grad():
            paddle.assign(paddle.maximum(self._scale, scale.reshape([1])), self._scale)
        return out


def round_to_grid(x: Tensor, step: Tensor, *, lowest: int, highest: int) -> Tensor:
    """Round ``x`` to multiples of ``step`` (1,) from ``lowest`` to ``highest`` steps."""
    return (x / step).round().clip(lowest, highest) * step


class PACT(nn.Layer):
    """Limits a tensor to ± a learnt threshold, as PaddleSlim's layer of that name does.

    Attributes:
        alpha: the threshold, (1,); starts at 100 and learns a thousand times faster than weights.
    """

    def __init__(self) -> None:
        super().__init__()
        settings = paddle.ParamAttr(
            name=f"{self.full_name()}.pact",
            initializer=nn.initializer.Constant(100.0),
            learning_rate=1000.0,
        )
        self.alpha = self.create_parameter([1], attr=settings, dtype="float32")

    def forward(self, x: Tensor) -> Tensor:
        """Limit ``x``, any shape; what is cut off is the threshold's gradient."""
        over, under = nn.functional.relu(x - self.alpha), nn.functional.relu(-self.alpha - x)
        return x - over + under


def new_pact() -> PACT:
    """Return a PACT layer whose threshold stays above zero."""
    layer = PACT()
    layer.register_forward_pre_hook(keep_threshold_positive)
    return layer


def keep_threshold_positive(pact: nn.Layer, _inputs: Any) -> None:
    """Hook: at its 1000-fold learning rate a threshold may step below zero, and stay there.

    The last step of a training is followed by evaluations only, so it is looked at in these, too.
    """
    with paddle.no_grad():
        if pact.training or float(pact.alpha.min()) < SMALLEST_SCALE:
            paddle.assign(pact.alpha.clip(min=SMALLEST_SCALE), pact.alpha)
            pact.alpha.stop_gradient = False
