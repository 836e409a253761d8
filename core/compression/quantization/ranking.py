"""Which layers suffer most from quantisation, and which to keep in float therefore."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import paddle
from paddle import Tensor, nn

from core.compression.quantization.points import quantization_points
from core.compression.quantization.prepare import quantized_weight_layers, quantizers_of

#: SQNR of logits that are the same to float rounding, in dB.
_EXACT_DB = 120.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How much quantised logits are like those of the float network.

    Attributes:
        sqnr_db: power of the float logits over that of the difference, in decibels.
        agreement: share of pixels with the same best class, 0 … 1.
    """

    sqnr_db: float
    agreement: float


@dataclass(frozen=True, slots=True)
class LayerEffect:
    """What keeping one layer in float would change.

    Attributes:
        path: the layer's.
        gain_db: by how much the SQNR of the logits rises.
        agreement: with the float network then, 0 … 1.
        share: of the network's multiply-adds in quantised layers that this layer has, 0 … 1.
    """

    path: str
    gain_db: float
    agreement: float
    share: float


@dataclass(frozen=True, slots=True)
class FloatChoice:
    """Layers to keep in float, and what that brings.

    Attributes:
        layers: paths, the most helpful first, without those that were in float already.
        before: fidelity with all layers quantised.
        after: fidelity with the chosen ones in float.
        share: of the multiply-adds that leave int8, 0 … 1.
        ranking: all layers that were tried.
    """

    layers: tuple[str, ...]
    before: Fidelity
    after: Fidelity
    share: float
    ranking: tuple[LayerEffect, ...]


def rank_layers(
    net: nn.Layer,
    batches: Iterable[Any],
    *,
    layers: Collection[str] | None = None,
    progress: Progress | None = None,
) -> tuple[LayerEffect, ...]:
    """Try each layer with weights alone in float: one evaluation each; the most helpful first.

    Args:
        net: prepared and calibrated; it stays as it is.
        batches: a few images (N, 3, H, W); one or two tell enough.
        layers: paths of those to try; None for all that are quantised.
        progress: called with the number done and the number of all.
    """
    return _Comparison(net, batches).rank(layers, progress)


def choose_float_layers(
    net: nn.Layer,
    batches: Iterable[Any],
    *,
    agreement: float = 0.995,
    max_share: float = 0.1,
    max_layers: int = 8,
    progress: Progress | None = None,
) -> FloatChoice:
    """Find the layers whose return to float brings most, within a budget.

    The ranking's best are added one by one while each still helps; nothing is chosen where the
    quantised network is good enough. ``keep_in_float`` carries the choice out.

    Args:
        net: prepared and calibrated; it stays as it is.
        batches: as in ``rank_layers``.
        agreement: share of pixels with the float network's class that is good enough.
        max_share: of the multiply-adds that may leave int8.
        max_layers: how many layers may.
        progress: as in ``rank_layers``.
    """
    comparison = _Comparison(net, batches)
    before = after = comparison.fidelity(())
    if before.agreement >= agreement:
        return FloatChoice((), before, before, 0.0, ())
    ranking = comparison.rank(None, progress)
    chosen: list[str] = []
    share = 0.0
    for effect in ranking:
        if len(chosen) == max_layers or after.agreement >= agreement or effect.gain_db <= 0.0:
            break
        if share + effect.share > max_share:
            continue
        tried = comparison.fidelity((*chosen, effect.path))
        if tried.sqnr_db > after.sqnr_db:
            chosen.append(effect.path)
            share += effect.share
            after = tried
    return FloatChoice(tuple(chosen), before, after, share, ranking)


class _Comparison:
    """Logits of a network in which some layers are quantised, beside those of the float one."""

    def __init__(self, net: nn.Layer, batches: Iterable[Any]) -> None:
        self._net = net
        self._quantizers = quantizers_of(net)
        self._layers = quantized_weight_layers(net)
        self._batches = [
            batch if isinstance(batch, Tensor) else paddle.to_tensor(batch) for batch in batches
        ]
        if not self._batches:
            raise ValueError("layers cannot be compared without images")
        with _only(net, (), ()):
            self._float = self._logits()

    def rank(
        self, layers: Collection[str] | None, progress: Progress | None
    ) -> tuple[LayerEffect, ...]:
        paths = [path for path in self._layers if layers is None or path in layers]
        base = self.fidelity(()).sqnr_db
        shares = self._shares()
        effects = []
        for done, path in enumerate(paths, start=1):
            fidelity = self.fidelity((path,))
            gain = fidelity.sqnr_db - base
            effects.append(LayerEffect(path, gain, fidelity.agreement, shares[path]))
            if progress is not None:
                progress(done, len(paths))
        return tuple(sorted(effects, key=lambda effect: -effect.gain_db))

    def fidelity(self, floats: Sequence[str]) -> Fidelity:
        """Compare the network with ``floats`` in float, too."""
        quantizers = self._quantizers
        kept = [path for path in self._layers if path not in floats]
        keys: list[str] = []
        if kept:
            points = quantization_points(
                quantizers.trace, quantizers.config, {*quantizers.float_layers, *floats}
            )
            keys = [point.key for point in points]
        with _only(self._net, kept, keys):
            logits = self._logits()
        noise = sum(_power(a - b) for a, b in zip(self._float, logits, strict=True))
        signal = sum(_power(a) for a in self._float)
        same = [
            a.argmax(axis=1) == b.argmax(axis=1) for a, b in zip(self._float, logits, strict=True)
        ]
        sqnr = _EXACT_DB
        if noise > 0.0 and signal > 0.0:
            sqnr = min(_EXACT_DB, float(10.0 * np.log10(signal / noise)))
        matching = sum(int(one.sum()) for one in same) / sum(one.size for one in same)
        return Fidelity(sqnr, matching)

    def _logits(self) -> list[npt.NDArray[np.float32]]:
        with paddle.no_grad():
            return [self._net(batch)[0].numpy() for batch in self._batches]

    def _shares(self) -> dict[str, float]:
        """Share of the multiply-adds of all quantised layers that each has."""
        trace = self._quantizers.trace
        counts = {}
        for call in trace.deployed().calls:
            if (layer := self._layers.get(call.path)) is not None:
                # Each weight is used once for each place: of the output, or, transposed, the input.
                _, height, width = trace.shapes[
                    call.output if call.kind == "conv" else call.inputs[0]
                ]
                counts[call.path] = layer.weight.size * height * width
        total = sum(counts.values())
        return {path: count / total for path, count in counts.items()}


@contextmanager
def _only(net: nn.Layer, weights: Collection[str], keys: Collection[str]) -> Iterator[None]:
    """Within, ``net`` evaluates, and only these layers' weights and tensors are quantised."""
    layers = quantized_weight_layers(net)
    own = {point.key: quantizer for point, quantizer in quantizers_of(net).own()}
    modes = [(layer, layer.training) for layer in net.sublayers(include_self=True)]
    replaced = []
    try:
        net.eval()
        for path, layer in layers.items():
            if path not in weights:
                for name in ("_weight_preprocess", "_fake_quant_weight"):
                    if (former := getattr(layer, name)) is not None:
                        replaced.append((layer, name, former))
                        setattr(layer, name, nn.Identity())
        for key, quantizer in own.items():
            quantizer.enabled = key in keys
        yield
    finally:
        for layer, name, former in replaced:
            setattr(layer, name, former)
        for quantizer in own.values():
            quantizer.enabled = True
        for layer, training in modes:
            layer.training = training


def _power(values: npt.NDArray[np.float32]) -> float:
    return float(np.square(values, dtype=np.float64).sum())
