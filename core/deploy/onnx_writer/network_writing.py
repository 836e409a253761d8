"""From a network to its ONNX graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import onnx
from paddle import nn

from core.deploy.node_writer import Tensor
from core.deploy.onnx_graph import drop_unused_initializers, rename_tensors
from core.deploy.onnx_writer import convolution, elementwise, pooling, tensor_shapes
from core.deploy.onnx_writer.graph import GraphWriter
from core.deploy.onnx_writer.program import Operator, Program, trace_program
from core.system.errors import InputError

#: Version of ONNX's operators, and of its files that belongs to it.
OPSET: Final = 17
_IR_VERSION: Final = 8

Translation: TypeAlias = Callable[[GraphWriter, Operator], None]

TRANSLATIONS: Final[Mapping[str, Translation]] = {
    "pd_op.add": elementwise.binary("Add"),
    "pd_op.batch_norm_": convolution.batch_norm,
    "pd_op.bilinear_interp": tensor_shapes.bilinear_interp,
    "pd_op.cast": tensor_shapes.cast,
    "pd_op.concat": tensor_shapes.concat,
    "pd_op.conv2d": convolution.conv2d,
    "pd_op.conv2d_transpose": convolution.conv2d_transpose,
    "pd_op.depthwise_conv2d": convolution.conv2d,
    "pd_op.dropout": elementwise.dropout,
    "pd_op.multiply": elementwise.binary("Mul"),
    "pd_op.pool2d": pooling.pool2d,
    "pd_op.relu": elementwise.unary("Relu"),
    "pd_op.relu6": elementwise.relu6,
    "pd_op.shape64": tensor_shapes.shape,
    "pd_op.sigmoid": elementwise.unary("Sigmoid"),
    "pd_op.slice": tensor_shapes.slice_of_shape,
}
"""What is written for each of Paddle's operators."""

#: Lists of tensors, which whoever takes them looks up.
_LISTS: Final = "builtin.combine"


def write_network(
    net: nn.Layer, *, size: tuple[int, int] | None, image: Tensor, logits: Tensor
) -> tuple[onnx.ModelProto, dict[str, Tensor]]:
    """Write a network in evaluation, its first output only.

    The same network gives the same bytes. Batches are of any size.

    Args:
        net: (N, 3, H, W) float32 → list of tensors; it is left as it was.
        size: (width, height) of its images; None for any.
        image: name of the graph's input.
        logits: name of its output.

    Returns:
        The graph, and the tensor that each leaf layer's output is in it, by the layer's path.

    Raises:
        InputError: the network computes something that is not known here.
    """
    program = trace_program(net, size)
    graph = GraphWriter(program, image)
    for operator in program.operators:
        if operator.name == _LISTS or graph.is_done(operator.results[0]):
            continue
        if (translate := TRANSLATIONS.get(operator.name)) is None:
            raise InputError(
                "The network uses Paddle's operator {operator}, which cannot be written to ONNX "
                "here.",
                operator=operator.name,
            )
        translate(graph, operator)
    last = graph.tensor(program.output)
    model = _model(graph, last, image)
    names = {path: graph.tensor(value) for path, value in program.leaves.items()}
    if any(last in node.output for node in model.graph.node):
        rename_tensors(model, {last: logits})
        names = {path: logits if name == last else name for path, name in names.items()}
    else:  # the image itself
        model.graph.node.append(onnx.helper.make_node("Identity", [last], [logits]))
        model.graph.output[0].name = logits
    return model, names


def _model(graph: GraphWriter, last: Tensor, image: Tensor) -> onnx.ModelProto:
    """Put together what the last tensor needs."""
    needed = {last}
    nodes: list[onnx.NodeProto] = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.insert(0, node)
    program = graph.program
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            "network",
            [_value(image, program, program.input)],
            [_value(last, program, program.output)],
            graph.constants,
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
    )
    drop_unused_initializers(model)
    return model


def _value(name: Tensor, program: Program, value: int) -> onnx.ValueInfoProto:
    shape = program.shapes[value]
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
