"""Which tensors of a network are quantised: those that ONNX Runtime computes with in int8."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.compression.quantization.config import QuantConfig
from core.system.errors import InputError

if TYPE_CHECKING:
    from core.compression.trace import Call, Trace

#: Key of the network's input among tensor keys; all other keys are their producers' paths.
INPUT = "input"

_WEIGHTED = {"conv": "Conv2D", "conv_transpose": "Conv2DTranspose", "linear": "Linear"}
#: Computed in int8 with a scale of its own on every side. ReLU and max pooling pass scales on.
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


@dataclass(frozen=True, slots=True)
class QuantizationPoint:
    """One quantised tensor.

    Attributes:
        key: path of the leaf layer that makes it, or ``"input"``.
        tensor: its number in the trace.
        unsigned: it is never negative: grid 0 … 255 with zero point 0; otherwise symmetric with
            zero point 128.
        kind: what its producer does (``"relu"``, ``"conv"``, …), or ``"input"``.
        same_as: key of the tensor whose scale it shares (max pooling), None with its own.
    """

    key: str
    tensor: int
    unsigned: bool
    kind: str
    same_as: str | None = None


def default_float_layers(trace: Trace) -> tuple[str, ...]:
    """Paths of the layers that stay in float unless others are named.

    These are the deployed head's last ones with weights, since logits keep float precision, and
    convolutions in groups of channels that are neither single nor all, such as BiSeNetV2's
    depthwise ones with six outputs a channel: their int8 kernels are 2 to 10 times slower than
    float (docs/decisions/0006).
    """
    return (*_last_layers(trace), *_slower_in_int8(trace))


def _slower_in_int8(trace: Trace) -> Iterator[str]:
    for call in trace.deployed().calls:
        if call.kind == "conv":
            groups = call.layer._groups
            channels = {trace.shapes[tensor][0] for tensor in (call.inputs[0], call.output)}
            if groups > 1 and channels != {groups}:
                yield call.path


def _last_layers(trace: Trace) -> tuple[str, ...]:
    found: dict[str, None] = {}
    waiting, seen = [trace.outputs[0]], set()
    while waiting:
        call = trace.producer(waiting.pop())
        if call is None or call.index in seen:
            continue
        seen.add(call.index)
        if call.kind in _WEIGHTED:
            found[call.path] = None
        else:
            waiting += call.inputs
    return tuple(found)


def quantized_layers(
    trace: Trace, config: QuantConfig, float_layers: Collection[str] | None = None
) -> tuple[Call, ...]:
    """Layers of the deployed network whose weights are quantised, in order of computation.

    Args and errors are those of ``quantization_points``.
    """
    deployed = trace.deployed()
    floats = _checked(deployed, float_layers)
    layers = tuple(call for call in deployed.calls if _has_int8_weight(call, config, floats))
    if not layers:
        raise InputError(
            "There is nothing to quantise: no layer of the types {types} is left in the network.",
            types=", ".join(config.quantizable_layer_type),
        )
    return layers


def quantization_points(
    trace: Trace, config: QuantConfig, float_layers: Collection[str] | None = None
) -> tuple[QuantizationPoint, ...]:
    """Return the quantised tensors of the deployed network, in order of computation.

    Quantised are the inputs and outputs of convolutions, additions, products, concatenations,
    sigmoids and average pools. Where a tensor goes into a ReLU only, the point lies behind the
    ReLU, which the unsigned grid then computes. Max pooling passes its input's scale on; average
    pools have scales of their own. Resizing stays float. One tensor has one scale, whoever
    consumes it.

    Args:
        trace: of the network with folded batch norms.
        config: which layer types are quantised.
        float_layers: paths of layers that compute in float: neither their weights nor, on their
            account, their outputs are quantised; None for ``default_float_layers``. A ReLU has
            no say of its own.

    Raises:
        InputError: a float layer does not exist, or no layer with weights is left.
    """
    layers = quantized_layers(trace, config, float_layers)
    trace = trace.deployed()
    floats = _checked(trace, float_layers)
    computed = {call.index for call in layers} | {
        call.index for call in trace.calls if call.kind in _COMPUTED and call.path not in floats
    }
    points: dict[int, QuantizationPoint] = {}
    merged: set[int] = set()  # tensors before a ReLU that takes their point over
    for tensor in (trace.input, *(call.output for call in trace.calls)):
        call, consumers = trace.producer(tensor), trace.consumers(tensor)
        wanted = any(consumer.index in computed for consumer in consumers)
        same_as = None
        if call is not None:
            source = call.inputs[0]
            wanted |= call.index in computed
            if call.kind == "relu":
                wanted |= source in merged or source in points
            elif call.kind == "max_pool" and source in points and call.path not in floats:
                wanted, same_as = True, points[source].same_as or points[source].key
        if not wanted:
            continue
        if [consumer.kind for consumer in consumers] == ["relu"]:
            merged.add(tensor)
            continue
        points[tensor] = QuantizationPoint(
            key=INPUT if call is None else call.path,
            tensor=tensor,
            unsigned=_is_non_negative(trace, tensor),
            kind="input" if call is None else call.kind,
            same_as=same_as,
        )
    return tuple(points.values())


def _has_int8_weight(call: Call, config: QuantConfig, floats: Collection[str]) -> bool:
    return _WEIGHTED.get(call.kind) in config.quantizable_layer_type and call.path not in floats


def _is_non_negative(trace: Trace, tensor: int) -> bool:
    waiting, seen = [tensor], set()
    while waiting:
        call = trace.producer(waiting.pop())
        if call is None or (call.kind not in _RECTIFIERS and call.kind not in _SIGN_KEEPING):
            return False
        if call.kind in _SIGN_KEEPING and call.index not in seen:
            seen.add(call.index)
            waiting += call.inputs
    return True


def _checked(trace: Trace, float_layers: Collection[str] | None) -> frozenset[str]:
    if float_layers is None:
        return frozenset(default_float_layers(trace))
    known = {call.path for call in trace.calls}
    for path in float_layers:
        if path not in known:
            raise InputError("The network has no layer “{name}” to keep in float.", name=path)
    return frozenset(float_layers)
