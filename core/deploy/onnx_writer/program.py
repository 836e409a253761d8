"""What a network computes, as the operators that Paddle traces it to."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import paddle
from paddle import Tensor, nn
from paddle.static import InputSpec

from core.networks.tracing import trace_as_written
from core.prediction.paddle_predictor import inference_mode

#: A tensor of the program, by its number.
Value: TypeAlias = int
#: Lengths of a tensor's axes, None for those that are free.
Shape: TypeAlias = tuple[int | None, ...]

_PARAMETER = "builtin.parameter"


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of the program.

    Attributes:
        name: what it does, with Paddle's dialect before it (``"pd_op.conv2d"``).
        operands: the tensors it takes, in order; None for an optional one that is left out.
        operand_names: their names; empty for the operators that build lists of tensors.
        results: the tensors it makes.
        attributes: its settings, as Paddle gives them.
    """

    name: str
    operands: tuple[Value | None, ...]
    operand_names: tuple[str, ...]
    results: tuple[Value, ...]
    attributes: Mapping[str, Any]

    def find(self, name: str) -> Value | None:
        """Return the operand called ``name``; None where it is left out."""
        return self.operands[self.operand_names.index(name)]

    def operand(self, name: str) -> Value:
        """Return an operand that is never left out."""
        value = self.find(name)
        if value is None:
            raise ValueError(f"{self.name} has no {name}")
        return value


@dataclass(frozen=True, slots=True)
class Parameter:
    """A weight or a statistic: its path in the network ("head.cls.weight") and what it is."""

    path: str
    array: npt.NDArray[Any]


@dataclass(frozen=True)
class Program:
    """A network in evaluation.

    Attributes:
        operators: what the logits need, in the order of computation.
        input: the images.
        output: the logits.
        leaves: what leaf layers make of it, by the layer's path ("backbone.conv1_1._conv"), in the
            order of computation.
        shapes: of each tensor; () of lists of tensors.
        dtypes: NumPy's names of the tensors' types; "" of lists of tensors.
        parameters: by the tensor that has their value.
    """

    operators: tuple[Operator, ...]
    input: Value
    output: Value
    leaves: Mapping[str, Value]
    shapes: Mapping[Value, Shape] = field(repr=False)
    dtypes: Mapping[Value, str] = field(repr=False)
    parameters: Mapping[Value, Parameter] = field(repr=False)

    @cached_property
    def _producers(self) -> dict[Value, Operator]:
        return {value: one for one in self.operators for value in one.results}

    @cached_property
    def _users(self) -> dict[Value, list[Operator]]:
        users: dict[Value, list[Operator]] = {}
        for one in self.operators:
            for value in one.operands:
                if value is not None:
                    users.setdefault(value, []).append(one)
        return users

    def producer(self, value: Value) -> Operator | None:
        """Return what makes a tensor; None for the input and for parameters."""
        return self._producers.get(value)

    def only_user(self, value: Value) -> Operator | None:
        """Return the operator that takes a tensor, if nothing else does."""
        users = self._users.get(value, [])
        is_kept = value == self.output or value in self.leaves.values()
        return users[0] if len(users) == 1 and not is_kept else None


def trace_program(net: nn.Layer, size: tuple[int, int] | None) -> Program:
    """Trace a network in evaluation; it is left as it was.

    Args:
        net: (N, 3, H, W) float32 → list of tensors, of which the first is taken.
        size: (width, height) of its images, None for any. There may be any number of them.
    """
    width, height = size or (None, None)
    wrapped = _WithLeaves(net)
    spec = InputSpec([None, 3, height, width], "float32", "image")
    with inference_mode(net), wrapped.recording(), _no_tracebacks():
        wrapped.eval()
        static = paddle.jit.to_static(wrapped, full_graph=True, input_spec=[spec])
        traced = static.forward.concrete_program
    return _read(traced, net, tuple(wrapped.made))


@contextlib.contextmanager
def _no_tracebacks() -> Iterator[None]:
    """Spare Paddle a traceback for every operator: they are a quarter of the time, and not read."""
    limit = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = 0
    try:
        yield
    finally:
        if limit is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = limit


def _read(traced: Any, net: nn.Layer, paths: tuple[str, ...]) -> Program:
    """Take Paddle's objects apart, but for what the logits do not need."""
    logits, *leaves = paddle.utils.flatten(traced.outputs)
    needed = {logits.id}
    kept = []
    for one in reversed(traced.main_program.global_block().ops):
        if any(value.id in needed for value in one.results()):
            kept.append(one)
            needed.update(value.id for value in one.operands_source() if value.initialized())
    numbers: dict[str, Value] = {}
    shapes: dict[Value, Shape] = {}
    dtypes: dict[Value, str] = {}
    parameters: dict[Value, Parameter] = {}
    arrays = _parameters(traced, net)
    operators = []
    for one in reversed(kept):
        for value in one.results():
            number = numbers[value.id] = len(numbers)
            is_tensor = value.is_dense_tensor_type()
            shapes[number] = tuple(n if n >= 0 else None for n in value.shape) if is_tensor else ()
            dtypes[number] = str(value.dtype).removeprefix("paddle.") if is_tensor else ""
        results = tuple(numbers[value.id] for value in one.results())
        if one.name() == _PARAMETER:
            parameters[results[0]] = arrays[one.attrs()["parameter_name"]]
            continue
        operands = one.operands_source()
        operators.append(
            Operator(
                name=one.name(),
                operands=tuple(numbers[v.id] if v.initialized() else None for v in operands),
                operand_names=_operand_names(one),
                results=results,
                attributes=one.attrs(),
            )
        )
    images = [one.results[0] for one in operators if one.name == "pd_op.data"]
    return Program(
        operators=tuple(one for one in operators if one.name != "pd_op.data"),
        input=images[0],
        output=numbers[logits.id],
        leaves={
            path: numbers[value.id]
            for path, value in zip(paths, leaves, strict=True)
            if value.id in numbers
        },
        shapes=shapes,
        dtypes=dtypes,
        parameters=parameters,
    )


def _operand_names(operator: Any) -> tuple[str, ...]:
    is_builtin = operator.name().startswith("builtin.")
    return () if is_builtin else tuple(operator.get_input_names())


def _parameters(traced: Any, net: nn.Layer) -> dict[str, Parameter]:
    """Return the parameters by the names that they have in the program."""
    # Paddle's own names count the layers that a process has made: paths are always the same.
    state = (*net.named_parameters(), *net.named_buffers())
    paths = {id(tensor): path for path, tensor in state}
    tensors, _ = traced.parameters
    return {one.name: Parameter(paths[id(one)], np.asarray(one.numpy())) for one in tensors}


class _WithLeaves(nn.Layer):
    """The network with what its leaf layers make as further outputs.

    Attributes:
        made: by the layer's path; of a layer that is used twice, what it made first.
    """

    def __init__(self, net: nn.Layer) -> None:
        super().__init__()
        self.net = net
        self.made: dict[str, Tensor] = {}

    # Nothing in it needs rewriting, and to find that out takes Paddle seconds.
    @paddle.jit.not_to_static  # type: ignore[untyped-decorator]
    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits and the tensors."""
        logits = self.net(x)[0]
        return [logits, *self.made.values()]

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Note what each leaf layer makes."""

        def record(path: str) -> Callable[[nn.Layer, Any, Tensor], None]:
            def hook(_layer: nn.Layer, _inputs: Any, output: Tensor) -> None:
                self.made.setdefault(path, output)

            return hook

        handles = [
            layer.register_forward_post_hook(record(path))
            for path, layer in self.net.named_sublayers()
            if next(layer.children(), None) is None
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


trace_as_written(__name__)
