"""Arithmetic and activations, element by element."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.deploy.onnx_writer.graph import GraphWriter, cannot
from core.deploy.onnx_writer.program import Operator


def binary(op: str) -> Callable[[GraphWriter, Operator], None]:
    """Return what writes an operator of two tensors, whose axes are matched from the last on."""

    def translate(graph: GraphWriter, operator: Operator) -> None:
        inputs = [graph.tensor(operator.operand(name)) for name in ("x", "y")]
        graph.write(operator.results[0], op, *inputs)

    return translate


def unary(op: str) -> Callable[[GraphWriter, Operator], None]:
    """Return what writes an operator of one tensor."""

    def translate(graph: GraphWriter, operator: Operator) -> None:
        graph.write(operator.results[0], op, graph.tensor(operator.operand("x")))

    return translate


def relu6(graph: GraphWriter, operator: Operator) -> None:
    """Write a ReLU that is limited to 6."""
    limits = [graph.constant(limit, np.float32) for limit in (0, 6)]
    graph.write(operator.results[0], "Clip", graph.tensor(operator.operand("x")), *limits)


def dropout(graph: GraphWriter, operator: Operator) -> None:
    """Leave a dropout out, as evaluation does."""
    settings = operator.attributes
    if not settings["is_test"] or settings["mode"] != "upscale_in_train":
        raise cannot(operator, f"is_test={settings['is_test']}, mode={settings['mode']}")
    graph.same(operator.results[0], operator.operand("x"))
