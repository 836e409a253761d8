"""Small changes to ONNX graphs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from core.system.files import require_room


def fold_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """Compute what does not depend on the input, and fuse biases and scales into convolutions.

    The names of the graph's inputs and outputs stay.
    """
    with tempfile.TemporaryDirectory(prefix="onnx-") as folder:
        file = Path(folder) / "folded.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(file)
        options.log_severity_level = 3  # it warns of every constant that it folds away
        content = model.SerializeToString()
        require_room(folder, len(content) + len(content) // 4)  # the engine may not notice
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        folded = onnx.load(file)
    # ONNX Runtime declares every operator set it knows, which other runtimes may refuse.
    used = {node.domain for node in folded.graph.node}
    kept = [entry for entry in folded.opset_import if entry.domain in used]
    del folded.opset_import[:]
    folded.opset_import.extend(kept)
    del folded.graph.value_info[:]
    return folded


def drop_identities(model: onnx.ModelProto) -> dict[str, str]:
    """Remove identities; return the name that replaces each removed tensor's.

    Graph outputs made by an identity are dropped from the outputs, the first output excepted.
    """
    graph = model.graph
    first = graph.output[0].name
    same: dict[str, str] = {}
    for node in list(graph.node):
        if node.op_type == "Identity" and node.output[0] != first:
            same[node.output[0]] = same.get(node.input[0], node.input[0])
            graph.node.remove(node)
    for node in graph.node:
        rename_inputs(node, same)
    kept = [value for value in graph.output if value.name not in same]
    del graph.output[:]
    graph.output.extend(kept)
    return same


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


def free_batch(model: onnx.ModelProto) -> None:
    """Let a graph that was made for batches of one take any number of images.

    Only resizing has the batch written into it, as part of the size to come out; a scale says the
    same without. Asking each tensor for its shape at run time instead would cost int8 models a
    conversion to float a time, and naming the axes that change (operator set 18) fails in ONNX
    Runtime where it resizes in int8.
    """
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    constants = {value.name: value for value in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type in ("Reshape", "Expand"):
            raise ValueError(f"{node.name} has the size of the batch built in")
        if node.op_type != "Resize":
            continue
        sizes = onnx.numpy_helper.to_array(constants[node.input[3]])[2:]
        sources = shapes[node.input[0]][2:]
        scales = [1.0, 1.0, *(_scale(s, int(t)) for s, t in zip(sources, sizes, strict=True))]
        name = f"{node.output[0]}.scales"
        model.graph.initializer.append(
            onnx.numpy_helper.from_array(np.asarray(scales, np.float32), name)
        )
        inputs = [node.input[0], "", name]
        del node.input[:]
        node.input.extend(inputs)
    drop_unused_initializers(model)


def _scale(source: int, target: int) -> np.float32:
    """Scale that a run time, which rounds down, makes exactly ``target`` pixels with.

    In single precision or in double: run times do either.
    """
    scale = np.float32(target / source)
    while float(scale) * source < target:
        scale = np.nextafter(scale, np.float32(np.inf))
    return scale


def drop_unused_initializers(model: onnx.ModelProto) -> None:
    """Remove constants that no node takes."""
    used = {name for node in model.graph.node for name in node.input}
    kept = [value for value in model.graph.initializer if value.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
