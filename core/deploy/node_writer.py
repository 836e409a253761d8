"""Writing ONNX nodes one after the other, as one would write arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

#: The name of a tensor in the graph.
Tensor = str


class NodeWriter:
    """Collects nodes and constants; every method returns the name of the tensor that it makes.

    Args:
        prefix: of all names, so that they meet no others in a graph.

    Attributes:
        nodes: in the order of their computation.
        constants: what they take besides tensors.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], Tensor] = {}

    def constant(self, value: Any, dtype: Any) -> Tensor:
        """Return a constant; equal ones are kept once."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            name = f"{self._prefix}constant_{len(self._known)}"
            self.constants.append(numpy_helper.from_array(array, name))
            self._known[key] = name
        return self._known[key]

    def whole(self, *values: int) -> Tensor:
        """Return whole numbers, (n,) int64."""
        return self.constant(values, np.int64)

    def real(self, *values: float) -> Tensor:
        """Return numbers, (n,) float32."""
        return self.constant(values, np.float32)

    def add(
        self, op: str, *inputs: Tensor, name: Tensor | None = None, **attributes: Any
    ) -> Tensor:
        """Add a node with one output.

        Args:
            op: operator; an ``""`` among ``inputs`` leaves an optional one out.
            *inputs: tensors.
            name: of the output; None for a new one.
            **attributes: of the operator.
        """
        return self.add_split(op, *inputs, names=[name], **attributes)[0]

    def add_split(
        self, op: str, *inputs: Tensor, names: Sequence[Tensor | None], **attributes: Any
    ) -> list[Tensor]:
        """Add a node with one output for each of ``names``."""
        place = f"{self._prefix}{op.lower()}_{len(self.nodes)}"
        outputs = [name or f"{place}_{index}" for index, name in enumerate(names)]
        self.nodes.append(onnx.helper.make_node(op, list(inputs), outputs, place, **attributes))
        return outputs

    def cast(self, tensor: Tensor, dtype: Any, *, name: Tensor | None = None) -> Tensor:
        """Turn into another type."""
        to = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.add("Cast", tensor, name=name, to=to)

    def axes(self, tensor: Tensor, *axes: int) -> Tensor:
        """Put axes of one element in."""
        return self.add("Unsqueeze", tensor, self.whole(*axes))

    def side(self, tensor: Tensor, axis: int) -> Tensor:
        """Return the length of an axis, (1,) int64."""
        return self.add("Shape", tensor, start=axis, end=axis + 1)

    def count(self, length: Tensor) -> Tensor:
        """Return 0, 1, … up to a length (1,) int64."""
        zero, one = self.constant(0, np.int64), self.constant(1, np.int64)
        return self.add("Range", zero, self.add("Squeeze", length), one)

    def clip(self, tensor: Tensor, least: Tensor, most: Tensor) -> Tensor:
        """Keep within bounds that may be tensors."""
        return self.add("Min", self.add("Max", tensor, least), most)
