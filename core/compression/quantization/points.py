"""Which tensors of a network are quantised: those that ONNX Runtime computes with in int8."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.compression.quantization.config import QuantConfig
from core.errors import InputError

if TYPE_CHECKING:
    from core.compression.trace import Call, Trace

#: Key of the network's input among tensor keys; all other keys are their producers' paths.
INPUT = "input"

_WEIGHTED = {"conv": "Conv2D", "conv_transpose": "Conv2DTranspose", "linear": "Linear"}
#: Computed in int8 with scales of their own on all sides. ReLU and max pooling pass a scale on.
_COMPUTED = {"add", "multiply", "concat", "sigmoid", "average_pool", "adaptive_average_pool"}
_RECTIFIERS = {"relu", "sigmoid"}
_SIGN_KEEPING = {
    "add",
    "multiply",
    "concat",
    "resize",
    "max_pool",
    "average_pool",
    "adaptive_average_pool",
}
_TRANSPARENT = {"dropout", "identity"}


@dataclass(frozen=True, slots=True)
class QuantizationPoint:
    """One quantised tensor.

    Attributes:
        key: path of the leaf layer that makes it, or ``"input"``.
        tensor: its id in the trace.
        unsigned: it is never negative: grid 0 … 255 with zero point 0; otherwise symmetric with
            zero point 128.
        kind: kind of its producer (``"relu"``, ``"conv"``, …), or ``"input"``.
        same_as: key of the tensor whose scale it shares (max pooling), None with its own.
    """

    key: str
    tensor: int
    unsigned: bool
    kind: str
    same_as: str | None = None


def default_float_layers(trace: Trace) -> tuple[str, ...]:
    """Paths of the deployed head's last layers with weights: their logits keep float precision."""
    graph = _Graph(trace)
    found: dict[str, None] = {}
    waiting, seen = [graph.output], set()
    while waiting:
        call = graph.producers.get(waiting.pop())
        if call is None or call.index in seen:
            continue
        seen.add(call.index)
        if call.kind in _WEIGHTED:
            found[call.path] = None
        else:
            waiting += graph.inputs(call)
    return tuple(found)


def quantized_layers(
    trace: Trace, config: QuantConfig, float_layers: Collection[str] | None = None
) -> tuple[Call, ...]:
    """Layers of the deployed network whose weights are quantised, in order of execution.

    Raises:
        InputError: none is left.
    """
    graph = _Graph(trace)
    floats = _resolved(trace, graph, float_layers)
    layers = tuple(call for call in graph.calls if _has_int8_weight(call, config, floats))
    if not layers:
        raise InputError(
            "There is nothing to quantise: no layer of the types {types} is left in the network.",
            types=", ".join(config.quantizable_layer_type),
        )
    return layers


def quantization_points(
    trace: Trace, config: QuantConfig, float_layers: Collection[str] | None = None
) -> tuple[QuantizationPoint, ...]:
    """Return the quantised tensors of the deployed network, in order of execution.

    Quantised are the inputs and outputs of convolutions, additions, products, concatenations,
    sigmoids and average pools. Where a tensor goes into a ReLU only, the point lies behind the
    ReLU, which the unsigned grid then computes. Max pooling passes its input's scale on. Resizing
    stays float. One tensor has one scale, whoever consumes it; dropout is transparent.

    Args:
        trace: of the network with folded batch norms.
        config: which layer types are quantised.
        float_layers: paths of layers that compute in float: neither their weights nor, by their
            own account, their outputs are quantised; None for ``default_float_layers``.

    Raises:
        InputError: a float layer does not exist, or no layer with weights is left.
    """
    graph = _Graph(trace)
    floats = _resolved(trace, graph, float_layers)
    quantized_layers(trace, config, floats)
    active = {
        call.index
        for call in graph.calls
        if _has_int8_weight(call, config, floats)
        or (call.kind in _COMPUTED and call.path not in floats)
    }
    points: dict[int, QuantizationPoint] = {}
    merged: set[int] = set()  # before a ReLU that takes their point over
    for tensor in graph.tensors:
        call = graph.producers.get(tensor)
        consumers = graph.consumers.get(tensor, ())
        same_as = None
        wanted = any(consumer.index in active for consumer in consumers)
        if call is not None and call.kind == "max_pool":
            source = points.get(graph.inputs(call)[0])
            if source is not None and call.path not in floats:
                wanted, same_as = True, source.same_as or source.key
        elif call is not None and call.kind == "relu":
            source_tensor = graph.inputs(call)[0]
            wanted |= call.path not in floats and (
                source_tensor in merged or source_tensor in points
            )
        elif call is not None:
            wanted |= call.index in active
        if not wanted:
            continue
        if tensor != graph.output and _only_rectified(consumers, floats):
            merged.add(tensor)
            continue
        points[tensor] = QuantizationPoint(
            key=INPUT if call is None else call.path,
            tensor=tensor,
            unsigned=graph.is_non_negative(tensor),
            kind="input" if call is None else call.kind,
            same_as=same_as,
        )
    return tuple(points.values())


class _Graph:
    """The deployed trace without its transparent layers."""

    def __init__(self, trace: Trace) -> None:
        trace = trace.deployed()
        self._alias: dict[int, int] = {}
        for call in trace.calls:
            if call.kind in _TRANSPARENT:
                self._alias[call.output] = self.resolve(call.inputs[0])
        self.calls = tuple(call for call in trace.calls if call.kind not in _TRANSPARENT)
        self.output = self.resolve(trace.outputs[0])
        self.producers = {call.output: call for call in self.calls}
        self.tensors = [trace.input, *(call.output for call in self.calls)]
        self.consumers: dict[int, list[Call]] = {}
        for call in self.calls:
            for tensor in dict.fromkeys(self.inputs(call)):
                self.consumers.setdefault(tensor, []).append(call)
        self._non_negative: dict[int, bool] = {}
        for call in self.calls:
            self._non_negative[call.output] = call.kind in _RECTIFIERS or (
                call.kind in _SIGN_KEEPING
                and all(self.is_non_negative(tensor) for tensor in self.inputs(call))
            )

    def resolve(self, tensor: int) -> int:
        return self._alias.get(tensor, tensor)

    def inputs(self, call: Call) -> list[int]:
        return [self.resolve(tensor) for tensor in call.inputs]

    def is_non_negative(self, tensor: int) -> bool:
        return self._non_negative.get(tensor, False)


def _has_int8_weight(call: Call, config: QuantConfig, floats: Collection[str]) -> bool:
    return _WEIGHTED.get(call.kind) in config.quantizable_layer_type and call.path not in floats


def _only_rectified(consumers: Collection[Call], floats: Collection[str]) -> bool:
    """Whether a single ReLU is all that sees a tensor."""
    return len(consumers) == 1 and all(
        call.kind == "relu" and call.path not in floats for call in consumers
    )


def _resolved(trace: Trace, graph: _Graph, float_layers: Collection[str] | None) -> frozenset[str]:
    if float_layers is None:
        return frozenset(default_float_layers(trace))
    known = {call.path for call in graph.calls}
    for path in float_layers:
        if path not in known:
            raise InputError("The network has no layer “{name}” to keep in float.", name=path)
    return frozenset(float_layers)
