"""Values that do not depend on the image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.deploy.onnx_writer.program import Operator, Program, Value


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A value; with the path of the parameter that it is, in this shape or another."""

    array: npt.NDArray[Any]
    path: str | None = None


def evaluate(program: Program, value: Value) -> Constant | None:
    """Return a value, or None if it depends on the image or is not one of Paddle's usual ones.

    These are parameters, numbers that were written into the code, and both in another shape.
    """
    if (parameter := program.parameters.get(value)) is not None:
        return Constant(parameter.array, parameter.path)
    operator = program.producer(value)
    if operator is None:
        return None
    match operator.name:
        case "pd_op.full":
            shape = operator.attributes["shape"]
            return Constant(np.full(shape, operator.attributes["value"], _dtype(program, value)))
        case "pd_op.full_int_array":
            return Constant(np.asarray(operator.attributes["value"], _dtype(program, value)))
        case "pd_op.reshape":
            return _reshaped(program, operator)
    return None


def _reshaped(program: Program, operator: Operator) -> Constant | None:
    constant = evaluate(program, operator.operand("x"))
    shape = evaluate(program, operator.operand("shape"))
    if constant is None or shape is None:
        return None
    # 0 takes a length over.
    lengths = [n or constant.array.shape[axis] for axis, n in enumerate(shape.array.tolist())]
    return replace(constant, array=constant.array.reshape(lengths))


def _dtype(program: Program, value: Value) -> npt.DTypeLike:
    return np.dtype(program.dtypes[value])
