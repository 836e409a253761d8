"""Pooling in windows, to one value, and to a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.deploy.node_writer import Tensor
from core.deploy.onnx_writer.convolution import padding
from core.deploy.onnx_writer.graph import GraphWriter, cannot
from core.deploy.onnx_writer.program import Operator


def pool2d(graph: GraphWriter, operator: Operator) -> None:
    """Write a pooling.

    Raises:
        InputError: ONNX has none that computes the same.
    """
    settings = operator.attributes
    if settings["data_format"] != "NCHW":
        raise cannot(operator, f"data_format={settings['data_format']}")
    if settings["adaptive"] or settings["global_pooling"]:
        _pool_to_grid(graph, operator)
        return
    kernel = [int(n) for n in graph.array_of(operator, "kernel_size").ravel()]
    pads = padding(graph, operator, operator.operand("x"), kernel)
    if settings["ceil_mode"] and any(pads.get("pads", [1])):
        # Whether a last window that lies in the padding counts differs between runtimes.
        raise cannot(operator, f"ceil_mode=True, paddings={settings['paddings']}")
    is_average = settings["pooling_type"] == "avg"
    if is_average:
        pads["count_include_pad"] = int(not settings["exclusive"])
    graph.write(
        operator.results[0],
        "AveragePool" if is_average else "MaxPool",
        graph.tensor(operator.operand("x")),
        kernel_shape=kernel,
        strides=list(settings["strides"]),
        ceil_mode=int(settings["ceil_mode"]),
        **pads,
    )


def _pool_to_grid(graph: GraphWriter, operator: Operator) -> None:
    """Average over the cells of a grid.

    ONNX has no operator for cells that are not all alike; two matrix products compute them, of
    matrices that are made while the file runs where the size is free.
    """
    settings = operator.attributes
    result, source = operator.results[0], operator.operand("x")
    if settings["pooling_type"] != "avg":
        raise cannot(operator, f"adaptive=True, pooling_type={settings['pooling_type']}")
    is_one = settings["global_pooling"]
    target = [1, 1] if is_one else graph.array_of(operator, "kernel_size").ravel().tolist()
    image = graph.tensor(source)
    if target == [1, 1]:
        graph.write(result, "GlobalAveragePool", image)
        return
    axes = list(zip(graph.shape(source)[2:], target, strict=True))
    if all(side is not None and side % cells == 0 for side, cells in axes):
        kernel = [(side or 0) // cells for side, cells in axes]
        graph.write(result, "AveragePool", image, kernel_shape=kernel, strides=kernel)
        return
    rows, columns = (
        _free_matrix(graph, graph.side(image, axis + 2), cells, is_last=axis == 1)
        if side is None
        else graph.constant(_turned(pooling_matrix(side, cells), axis == 1), np.float32)
        for axis, (side, cells) in enumerate(axes)
    )
    graph.write(result, "MatMul", graph.add("MatMul", rows, image), columns)


def _turned(matrix: npt.NDArray[np.float32], is_last: bool) -> npt.NDArray[np.float32]:
    return matrix.T if is_last else matrix


def _free_matrix(graph: GraphWriter, length: Tensor, cells: int, *, is_last: bool) -> Tensor:
    """Write ``pooling_matrix`` of an axis whose length, (1,) int64, is known when it is run.

    Returns:
        (cells, length) float32, or turned where ``is_last``.
    """
    side, other = (0, 1) if is_last else (1, 0)
    numbers = np.expand_dims(np.arange(cells), side)
    begins = graph.add("Mul", graph.constant(numbers, np.int64), length)
    starts = graph.add("Div", begins, graph.whole(cells))
    last = graph.add("Add", graph.add("Add", begins, length), graph.whole(cells - 1))
    ends = graph.add("Div", last, graph.whole(cells))
    pixels = graph.axes(graph.count(length), other)
    is_from = graph.add("GreaterOrEqual", pixels, starts)
    inside = graph.cast(graph.add("And", is_from, graph.add("Less", pixels, ends)), np.float32)
    return graph.add("Div", inside, graph.cast(graph.add("Sub", ends, starts), np.float32))


def pooling_matrix(source: int, target: int) -> npt.NDArray[np.float32]:
    """Matrix (target, source) of adaptive average pooling along one axis; rows sum to 1."""
    matrix = np.zeros((target, source), np.float32)
    for cell in range(target):
        start, end = cell * source // target, -(-(cell + 1) * source // target)
        matrix[cell, start:end] = 1 / (end - start)
    return matrix
