"""Scales of activations from a few images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import paddle
from paddle import Tensor, nn

from core.compression.quantization.fake_quantization import (
    quantized_weight_layers,
    quantizers_of,
    weights_in_float,
)
from core.system.errors import InputError

Method = Literal["min_max", "percentile", "entropy"]

_BINS = 2048
_ENOUGH = 4 * _BINS


def calibrate(
    net: nn.Layer,
    batches: Iterable[Any],
    *,
    method: Method = "min_max",
    percentile: float = 99.99,
) -> None:
    """Set the scales of a quantised network from what its tensors are like.

    Neither weights nor tensors are quantised meanwhile: what one layer loses does not spoil the
    scales of those after it, and a layer that is taken back to float later helps. PACT's
    thresholds begin at what is found, so that they have something to learn from.

    Args:
        net: prepared; its modes stay.
        batches: images (N, 3, H, W), float32, normalised as in training. Looked at once; memory
            does not grow with their number.
        method: ``"min_max"``: the largest absolute value; ``"percentile"``: below which
            ``percentile`` per cent of all values lie; ``"entropy"``: the scale that loses the
            least information (Kullback-Leibler divergence, paddle's calculation, which never cuts
            more than half of the range off). Tensors of few values take the largest anyway.
        percentile: 50 … 100.

    Raises:
        InputError: there is no batch, or an argument is not allowed.
    """
    if method not in get_args(Method):
        raise InputError(
            "There is no calibration method “{name}”; choose from {known}.",
            name=method,
            known=", ".join(get_args(Method)),
        )
    if not 50.0 <= percentile <= 100.0:
        raise InputError("The percentile must be 50 … 100, not {value}.", value=percentile)
    quantizers = quantizers_of(net)
    histograms = {point.key: _Histogram() for point, _ in quantizers.own()}
    for point, quantizer in quantizers.own():
        quantizer.observer = histograms[point.key].add
    modes = [(layer, layer.training) for layer in net.sublayers(include_self=True)]
    net.eval()
    count = 0
    try:
        with paddle.no_grad(), weights_in_float(net, quantized_weight_layers(net)):
            for batch in batches:
                net(batch if isinstance(batch, Tensor) else paddle.to_tensor(batch))
                count += 1
    finally:
        for _, quantizer in quantizers.own():
            quantizer.observer = None
        for layer, training in modes:
            layer.training = training
    if count == 0:
        raise InputError("Calibration needs at least one image.")
    for point, quantizer in quantizers.own():
        histogram = histograms[point.key]
        quantizer.set_scale(histogram.scale(method, percentile, quantizer._quant_bits))
    for layer in quantized_weight_layers(net).values():
        if layer._weight_preprocess is not None:
            largest = layer.weight.detach().abs().amax()
            layer._weight_preprocess.alpha.set_value(largest.reshape([1]))


class _Histogram:
    """Absolute values of a tensor in bins that widen with its range."""

    def __init__(self) -> None:
        self._largest = 0.0
        self._range = 0.0
        self._counts: npt.NDArray[np.int64] = np.zeros(_BINS, np.int64)

    def add(self, x: Tensor) -> None:
        values = x.abs()
        largest = float(values.amax())
        if not np.isfinite(largest):
            raise InputError("The network computes values that are not finite: it cannot be used.")
        self._largest = max(self._largest, largest)
        if self._largest == 0.0:
            self._counts[0] += x.size
            return
        if self._range == 0.0:
            self._range = self._largest
        while self._largest > self._range:
            merged = self._counts.reshape(-1, 2).sum(axis=1)
            self._counts = np.concatenate([merged, np.zeros_like(merged)])
            self._range *= 2.0
        self._counts += paddle.histogram(values, bins=_BINS, min=0, max=self._range).numpy()

    def scale(self, method: Method, percentile: float, bits: int) -> float:
        # A few values make no distribution.
        if method == "min_max" or self._counts.sum() < _ENOUGH or self._largest == 0.0:
            return self._largest
        if method == "percentile":
            share = np.cumsum(self._counts) / self._counts.sum()
            edge = (int(np.searchsorted(share, percentile / 100.0)) + 1) * self._range / _BINS
        else:
            # Takes long to import.
            from paddle.static.quantization.cal_kl_threshold import cal_kl_threshold

            edge = float(cal_kl_threshold(self._counts, self._range / _BINS, bits))
        return min(edge, self._largest)
