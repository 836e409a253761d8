"""The ONNX graph that a program is written to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import numpy_helper

from core.deploy.node_writer import NodeWriter, Tensor
from core.deploy.onnx_writer.constants import Constant, evaluate
from core.deploy.onnx_writer.program import Operator, Program, Shape, Value
from core.system.errors import InputError


class GraphWriter(NodeWriter):
    """Nodes of a graph, and which tensor each value of the program is there.

    Nodes of leaf layers bear the path of the layer, weights that of the parameter. Tensors have
    short names that count the nodes: an int8 file repeats them dozens of times a layer. The same
    network always gives the same file.

    Args:
        program: what is written.
        image: name of the graph's input.

    Attributes:
        program: what is written.
    """

    def __init__(self, program: Program, image: Tensor) -> None:
        super().__init__("")
        self.program = program
        self._tensors: dict[Value, Tensor] = {program.input: image}
        self._paths: dict[Value, str] = {}
        for path, value in program.leaves.items():
            self._paths.setdefault(value, path)
        self._constants: dict[Value, Constant | None] = {}
        self._named: dict[str, tuple[int, ...]] = {}

    def is_done(self, value: Value) -> bool:
        """Whether a value has been written, or is written when it is asked for."""
        return value in self._tensors or self.constant_of(value) is not None

    def tensor(self, value: Value) -> Tensor:
        """Return the tensor of a value; constants are written when they are first asked for."""
        if value not in self._tensors:
            constant = self.constant_of(value)
            if constant is None:
                raise ValueError(f"a value is used before it is made: {value}")
            self._tensors[value] = self.keep(constant)
        return self._tensors[value]

    def constant_of(self, value: Value) -> Constant | None:
        """Return a value that does not depend on the image; None if it does."""
        if value not in self._constants:
            self._constants[value] = evaluate(self.program, value)
        return self._constants[value]

    def array_of(self, operator: Operator, operand: str) -> npt.NDArray[Any]:
        """Return an operand that has to be a constant.

        Raises:
            InputError: it depends on the image.
        """
        constant = self.constant_of(operator.operand(operand))
        if constant is None:
            raise cannot(operator, f"{operand}=Tensor")
        return constant.array

    def keep(self, constant: Constant) -> Tensor:
        """Write a constant, a parameter under its own name."""
        name, array = constant.path, constant.array
        if name is None or self._named.get(name, array.shape) != array.shape:
            return self.constant(array, array.dtype)
        if name not in self._named:
            self._named[name] = array.shape
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def shape(self, value: Value) -> Shape:
        """Return the lengths of a value's axes, None for free ones."""
        return self.program.shapes[value]

    def same(self, value: Value, other: Value) -> None:
        """Let a value be another one's tensor."""
        self._tensors[value] = self.tensor(other)

    def write(self, value: Value, op: str, *inputs: Tensor, **attributes: Any) -> None:
        """Add the node that makes a value."""
        name = f"{op.lower()}_{len(self.nodes)}"
        self._tensors[value] = self.add(op, *inputs, name=name, **attributes)
        self.nodes[-1].name = self._paths.get(value, name)


def cannot(operator: Operator, settings: str) -> InputError:
    """Return the error of an operator that is known, but not with these settings of Paddle's."""
    return InputError(
        "The network uses Paddle's operator {operator} with {settings}, which cannot be written "
        "to ONNX here.",
        operator=operator.name,
        settings=settings,
    )
