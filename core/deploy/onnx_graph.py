"""Small changes to ONNX graphs."""

from __future__ import annotations

from collections.abc import Mapping

import onnx


def rename_inputs(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Let a node take other tensors."""
    for index, name in enumerate(node.input):
        node.input[index] = names.get(name, name)


def rename_tensors(model: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Give tensors other names, wherever they occur."""
    graph = model.graph
    for node in graph.node:
        rename_inputs(node, names)
        for index, name in enumerate(node.output):
            node.output[index] = names.get(name, name)
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names.get(value.name, value.name)


def set_dimensions(value: onnx.ValueInfoProto, *sizes: int | str) -> None:
    """Declare a tensor's dimensions: numbers, or names of free ones."""
    shape = value.type.tensor_type.shape
    del shape.dim[:]
    for size in sizes:
        dim = shape.dim.add()
        if isinstance(size, str):
            dim.dim_param = size
        else:
            dim.dim_value = size


def drop_unused_initializers(model: onnx.ModelProto) -> None:
    """Remove constants that no node takes."""
    used = {name for node in model.graph.node for name in node.input}
    kept = [value for value in model.graph.initializer if value.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
