"""What a network computes: one run, recorded at its leaf layers."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

import paddle
from paddle import Tensor, nn

from core.networks.operators import Add, Concat, Multiply, Resize

Kind: TypeAlias = Literal[
    "conv",
    "conv_transpose",
    "batch_norm",
    "relu",
    "sigmoid",
    "add",
    "multiply",
    "concat",
    "resize",
    "max_pool",
    "average_pool",
    "adaptive_average_pool",
]
Shape: TypeAlias = tuple[int, int, int]

_KINDS: dict[type[nn.Layer], Kind] = {
    nn.Conv2D: "conv",
    nn.Conv2DTranspose: "conv_transpose",
    nn.BatchNorm2D: "batch_norm",
    nn.SyncBatchNorm: "batch_norm",
    nn.ReLU: "relu",
    nn.ReLU6: "relu",  # no grid of its output reaches beyond 6
    nn.Sigmoid: "sigmoid",
    Add: "add",
    Multiply: "multiply",
    Concat: "concat",
    Resize: "resize",
    nn.MaxPool2D: "max_pool",
    nn.AvgPool2D: "average_pool",
    nn.AdaptiveAvgPool2D: "adaptive_average_pool",
}
_TRANSPARENT = (nn.Dropout, nn.Dropout2D, nn.Identity)


@dataclass(frozen=True, slots=True)
class Call:
    """One leaf layer's work on tensors, which are known by number.

    Attributes:
        index: place in the order of computation.
        path: the layer's place in the network ("backbone.conv1_1._conv").
        layer: the layer itself.
        kind: what it does.
        inputs: the tensors it takes, in order.
        output: the tensor it makes.
    """

    index: int
    path: str
    layer: nn.Layer
    kind: Kind
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True)
class Trace:
    """The calls that make a network's outputs out of its input.

    Layers that change nothing when a network is used (dropout, identity, resizing to the size
    there is) do not occur: what they return is the tensor that they took.

    Attributes:
        calls: in the order of computation.
        input: the tensor that the network takes.
        outputs: the tensors that it returns; the first are the logits, others are auxiliary.
        shapes: (channels, height, width) of each tensor.
    """

    calls: tuple[Call, ...]
    input: int
    outputs: tuple[int, ...]
    shapes: dict[int, Shape] = field(repr=False)

    @cached_property
    def _producers(self) -> dict[int, Call]:
        return {call.output: call for call in self.calls}

    @cached_property
    def _consumers(self) -> dict[int, list[Call]]:
        consumers: dict[int, list[Call]] = {}
        for call in self.calls:
            for tensor in dict.fromkeys(call.inputs):
                consumers.setdefault(tensor, []).append(call)
        return consumers

    def producer(self, tensor: int) -> Call | None:
        """Return the call that makes ``tensor``; None for the network's input."""
        return self._producers.get(tensor)

    def consumers(self, tensor: int) -> tuple[Call, ...]:
        """Return the calls that take ``tensor``."""
        return tuple(self._consumers.get(tensor, ()))

    def deployed(self) -> Trace:
        """Return the part that makes the logits, without auxiliary heads."""
        needed = {self.outputs[0]}
        calls = []
        for call in reversed(self.calls):
            if call.output in needed:
                needed.update(call.inputs)
                calls.append(call)
        return Trace(
            calls=tuple(reversed(calls)),
            input=self.input,
            outputs=self.outputs[:1],
            shapes={tensor: shape for tensor, shape in self.shapes.items() if tensor in needed},
        )


def trace(net: nn.Layer, size: tuple[int, int], *, training_heads: bool = False) -> Trace:
    """Run ``net`` once in evaluation on an empty image and record its leaf layers.

    Args:
        net: a network (N, 3, H, W) → list of tensors; it is left as it was.
        size: height and width of the image, in pixels.
        training_heads: also run auxiliary heads that only training uses.

    Raises:
        TypeError: a leaf layer is of an unknown kind.
        ValueError: a tensor was made outside the leaf layers.
    """
    recorder = _Recorder(net)
    image = paddle.zeros([1, 3, *size])
    with _evaluating(net, training_heads), recorder, paddle.no_grad():
        recorder.enter(image)
        outputs = tuple(recorder.number(tensor, "the output") for tensor in net(image))
    return Trace(tuple(recorder.calls), 0, outputs, recorder.shapes)


@contextmanager
def _evaluating(net: nn.Layer, training_heads: bool) -> Any:
    layers = net.sublayers(include_self=True)
    modes = [layer.training for layer in layers]
    net.eval()
    # Auxiliary heads ask the network itself; all layers in it still evaluate.
    net.training = training_heads
    try:
        yield
    finally:
        for layer, training in zip(layers, modes, strict=True):
            layer.training = training


class _Recorder(AbstractContextManager["_Recorder"]):
    """Hooks on the leaf layers of a network that number the tensors passing through."""

    def __init__(self, net: nn.Layer) -> None:
        self.calls: list[Call] = []
        self.shapes: dict[int, Shape] = {}
        self._numbers: dict[int, int] = {}
        self._leaves = {
            path: layer for path, layer in net.named_sublayers() if not layer.sublayers()
        }
        self._hooks = ExitStack()

    def __enter__(self) -> _Recorder:
        for path, layer in self._leaves.items():
            hook = layer.register_forward_post_hook(self._hook(path))
            self._hooks.callback(hook.remove)
        return self

    def __exit__(self, *_: object) -> None:
        self._hooks.close()

    def enter(self, tensor: Tensor) -> int:
        """Give a new tensor the next number."""
        number = len(self.shapes)
        _, channels, height, width = tensor.shape
        self.shapes[number] = (channels, height, width)
        self._numbers[id(tensor)] = number
        # An address is given to another tensor once this one is gone.
        weakref.finalize(tensor, self._numbers.pop, id(tensor))
        return number

    def number(self, tensor: Tensor, where: str) -> int:
        """Return a known tensor's number."""
        try:
            return self._numbers[id(tensor)]
        except KeyError:
            raise ValueError(f"a tensor was made outside the leaf layers: {where}") from None

    def _hook(self, path: str) -> Any:
        def record(layer: nn.Layer, inputs: tuple[Any, ...], output: Tensor) -> None:
            taken = tuple(self.number(tensor, path) for tensor in _tensors(inputs))
            if isinstance(layer, _TRANSPARENT):
                self._numbers[id(output)] = taken[0]
                if output is not inputs[0]:
                    weakref.finalize(output, self._numbers.pop, id(output))
            elif id(output) not in self._numbers:
                kind = _KINDS.get(type(layer))
                if kind is None:
                    raise TypeError(f"unknown kind of layer: {path} is {type(layer).__name__}")
                call = Call(len(self.calls), path, layer, kind, taken, self.enter(output))
                self.calls.append(call)

        return record


def _tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)
