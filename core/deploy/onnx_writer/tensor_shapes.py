"""Sizes of tensors, and what changes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from core.deploy.node_writer import Tensor
from core.deploy.onnx_writer.graph import GraphWriter, cannot
from core.deploy.onnx_writer.program import Operator


def shape(graph: GraphWriter, operator: Operator) -> None:
    """Write the lengths of all axes, int64."""
    graph.write(operator.results[0], "Shape", graph.tensor(operator.operand("input")))


def slice_of_shape(graph: GraphWriter, operator: Operator) -> None:
    """Write some of the lengths of a tensor's axes.

    Raises:
        InputError: it is a part of something else.
    """
    producer = graph.program.producer(operator.operand("input"))
    settings = operator.attributes
    if producer is None or producer.name != "pd_op.shape64" or settings["decrease_axis"]:
        raise cannot(operator, "input=Tensor")
    source = producer.operand("input")
    start, end = (int(graph.array_of(operator, name).item()) for name in ("starts", "ends"))
    rank = len(graph.shape(source))
    graph.write(operator.results[0], "Shape", graph.tensor(source), start=start, end=min(end, rank))


def cast(graph: GraphWriter, operator: Operator) -> None:
    """Write a change of type."""
    result = operator.results[0]
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(graph.program.dtypes[result]))
    graph.write(result, "Cast", graph.tensor(operator.operand("x")), to=kind)


def concat(graph: GraphWriter, operator: Operator) -> None:
    """Write tensors side by side."""
    parts = graph.program.producer(operator.operand("x"))
    if parts is None or parts.name != "builtin.combine":
        raise cannot(operator, "x=TensorArray")
    tensors = [graph.tensor(value) for value in parts.operands if value is not None]
    axis = int(graph.array_of(operator, "axis").item())
    graph.write(operator.results[0], "Concat", *tensors, axis=axis)


def bilinear_interp(graph: GraphWriter, operator: Operator) -> None:
    """Write a bilinear resizing.

    From one known size to another it is written by its scale, which says nothing about the number
    of images; otherwise by the size to come out. (Naming the axes that change, from operator set
    18 on, fails in ONNX Runtime where it resizes in int8.)
    """
    settings = operator.attributes
    if settings["data_format"] != "NCHW" or settings["interp_method"] != "bilinear":
        raise cannot(operator, f"{settings['interp_method']}, {settings['data_format']}")
    result, source = operator.results[0], operator.operand("x")
    sources, targets = graph.shape(source)[2:], graph.shape(result)[2:]
    attributes: dict[str, Any] = {
        "mode": "linear",
        "coordinate_transformation_mode": _coordinates(operator, sources, targets),
    }
    image = graph.tensor(source)
    if None not in sources and None not in targets:
        scales = [scale_between(s or 1, t or 1) for s, t in zip(sources, targets, strict=True)]
        graph.write(result, "Resize", image, "", graph.real(1, 1, *scales), **attributes)
        return
    before = graph.add("Shape", image, start=0, end=2)
    sizes = graph.add("Concat", before, _target_size(graph, operator, targets), axis=0)
    graph.write(result, "Resize", image, "", "", sizes, **attributes)


def _coordinates(
    operator: Operator, sources: tuple[int | None, ...], targets: tuple[int | None, ...]
) -> str:
    """Return what ONNX calls the way from places in the result to places in the image."""
    if operator.attributes["align_corners"]:
        return "align_corners"
    if operator.attributes["align_mode"] == 1:
        return "asymmetric"
    # Paddle takes the first pixel for a single one, where others take the middle.
    is_single = any(t == 1 and s != 1 for s, t in zip(sources, targets, strict=True))
    return "pytorch_half_pixel" if is_single else "half_pixel"


def _target_size(graph: GraphWriter, operator: Operator, targets: tuple[int | None, ...]) -> Tensor:
    """Return height and width to come out, (2,) int64."""
    height, width = targets
    if height is not None and width is not None:
        return graph.whole(height, width)
    size = operator.find("out_size")
    if size is None:
        raise cannot(operator, "out_size=None")
    # Paddle wants int32 here, ONNX int64, which sizes are in the first place.
    producer = graph.program.producer(size)
    if producer is not None and producer.name == "pd_op.cast":
        size = producer.operand("x")
    tensor = graph.tensor(size)
    return tensor if graph.program.dtypes[size] == "int64" else graph.cast(tensor, np.int64)


def scale_between(source: int, target: int) -> float:
    """Scale that a runtime, which rounds down, makes exactly ``target`` pixels with.

    In single precision or in double: runtimes do either.
    """
    scale = np.float32(target / source)
    while float(scale) * source < target:
        scale = np.nextafter(scale, np.float32(np.inf))
    return float(scale)
