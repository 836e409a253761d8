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

from core.compression.folding import layer_at
from core.compression.quantization.fake_quantization import (
    quantized_weight_layers,
    quantizers_of,
    weights_in_float,
)
from core.compression.quantization.quantized_tensors import quantization_points

#: SQNR of logits that are the same to float rounding, in dB.
_EXACT_DB = 120.0

#: About what a layer takes in a file beside its numbers, in float and in int8.
_NODE_BYTES = 300
_INT8_NODES_BYTES = 1200
#: A bias as int32, its scale and its weight's.
_CHANNEL_BYTES = 12

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
        size: of the exported file beside the float network's, as estimated.
        ranking: the layers that were found to be worth a closer look.
    """

    layers: tuple[str, ...]
    before: Fidelity
    after: Fidelity
    share: float
    size: float
    ranking: tuple[LayerEffect, ...]


def choose_float_layers(
    net: nn.Layer,
    batches: Iterable[Any],
    *,
    agreement: float = 0.985,
    min_gain_db: float = 1.0,
    max_share: float = 0.1,
    max_size: float = 0.295,
    max_layers: int = 8,
    progress: Progress | None = None,
) -> FloatChoice:
    """Find the layers that most of the noise comes from, and that time and bytes can spare.

    Half of the layers are taken to float at once, and only where that helps are they told apart:
    a layer that is worth it is found in a few evaluations among hundreds. The best are then added
    one by one while each still helps. Nothing is chosen where the quantised network is good
    enough, or where the noise comes from everywhere. ``keep_in_float`` carries the choice out.

    Args:
        net: prepared and calibrated; it stays as it is.
        batches: a few images (N, 3, H, W); one or two tell enough.
        agreement: share of pixels with the float network's class that is good enough.
        min_gain_db: by how much a layer must raise the SQNR of the logits; 1 dB is a fifth of the
            noise.
        max_share: of the multiply-adds that may leave int8.
        max_size: of the exported file, as a share of the float network's.
        max_layers: how many layers may leave int8.
        progress: called with the number of layers decided on and of all.
    """
    comparison = _Comparison(net, batches)
    before = after = comparison.base
    size = comparison.size(())
    if before.agreement >= agreement or max_layers <= 0:
        return FloatChoice((), before, before, 0.0, size, ())
    shares = comparison.shares
    affordable = [
        path
        for path, share in shares.items()
        if share <= max_share and comparison.size((path,)) <= max_size
    ]
    ranking = comparison.seek(affordable, min_gain_db, progress)
    chosen: list[str] = []
    for effect in ranking:
        if len(chosen) == max_layers or after.agreement >= agreement:
            break
        trial = (*chosen, effect.path)
        if sum(shares[path] for path in trial) > max_share or comparison.size(trial) > max_size:
            continue
        tried = comparison.fidelity(trial)
        if tried.sqnr_db >= after.sqnr_db + min_gain_db:
            chosen.append(effect.path)
            after = tried
    share = sum(shares[path] for path in chosen)
    return FloatChoice(tuple(chosen), before, after, share, comparison.size(chosen), ranking)


class _Comparison:
    """Logits of a network in which some layers are quantised, beside those of the float one.

    Attributes:
        base: fidelity with all layers quantised.
        shares: of the multiply-adds of all quantised layers that each has, by path.
    """

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
        self.shares = self._count_shares()
        self._weights = self._count_weights()
        self.base = self.fidelity(())

    def seek(
        self, paths: Sequence[str], min_gain_db: float, progress: Progress | None
    ) -> tuple[LayerEffect, ...]:
        """Return those of the layers that alone raise the SQNR by so much, the best first.

        Halves that do not, all their layers together, are not looked into.
        """
        found, waiting, done = [], [tuple(paths)] if paths else [], 0
        while waiting:
            layers = waiting.pop()
            effect = self._effect(layers)
            if effect.gain_db >= min_gain_db and len(layers) > 1:
                middle = len(layers) // 2
                waiting += [layers[middle:], layers[:middle]]
                continue
            if effect.gain_db >= min_gain_db:
                found.append(effect)
            done += len(layers)
            if progress is not None:
                progress(done, len(paths))
        return tuple(sorted(found, key=lambda effect: -effect.gain_db))

    def size(self, floats: Collection[str]) -> float:
        """Estimate the exported file's size with ``floats`` in float, beside the float one's."""
        in_float = now = 0
        for path, weight, others in self._weights:
            in_float += _NODE_BYTES + 4 * (weight + others)
            if path in self._layers and path not in floats:
                now += _INT8_NODES_BYTES + weight + _CHANNEL_BYTES * others
            else:
                now += _NODE_BYTES + 4 * (weight + others)
        return now / in_float

    def _effect(self, paths: Sequence[str]) -> LayerEffect:
        fidelity = self.fidelity(paths)
        share = sum(self.shares[path] for path in paths)
        gain = fidelity.sqnr_db - self.base.sqnr_db
        return LayerEffect(paths[0], gain, fidelity.agreement, share)

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

    def _count_shares(self) -> dict[str, float]:
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

    def _count_weights(self) -> tuple[tuple[str, int, int], ...]:
        """Path, size of the weight and of all else that each deployed layer keeps."""
        counts = {}
        for call in self._quantizers.trace.deployed().calls:
            sizes = [value.size for value in layer_at(self._net, call.path).parameters(False)]
            if sizes:
                counts[call.path] = (call.path, max(sizes), sum(sizes) - max(sizes))
        return tuple(counts.values())


@contextmanager
def _only(net: nn.Layer, weights: Collection[str], keys: Collection[str]) -> Iterator[None]:
    """Within, ``net`` evaluates, and only these layers' weights and tensors are quantised."""
    own = {point.key: quantizer for point, quantizer in quantizers_of(net).own()}
    modes = [(layer, layer.training) for layer in net.sublayers(include_self=True)]
    in_float = [path for path in quantized_weight_layers(net) if path not in weights]
    try:
        net.eval()
        for key, quantizer in own.items():
            quantizer.enabled = key in keys
        with weights_in_float(net, in_float):
            yield
    finally:
        for quantizer in own.values():
            quantizer.enabled = True
        for layer, training in modes:
            layer.training = training


def _power(values: npt.NDArray[np.float32]) -> float:
    return float(np.square(values, dtype=np.float64).sum())
