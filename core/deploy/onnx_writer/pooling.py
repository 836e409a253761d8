"""Pooling in windows, to one value, and to a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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

    ONNX has no operator for cells that are not all alike; two matrix products compute them.
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
    height, width = graph.shape(source)[2:]
    if height is None or width is None:
        raise cannot(operator, f"kernel_size={target}, shape={list(graph.shape(source))}")
    if height % target[0] == 0 and width % target[1] == 0:
        kernel = [height // target[0], width // target[1]]
        graph.write(result, "AveragePool", image, kernel_shape=kernel, strides=kernel)
        return
    rows = graph.constant(pooling_matrix(height, target[0]), np.float32)
    columns = graph.constant(pooling_matrix(width, target[1]).T, np.float32)
    graph.write(result, "MatMul", graph.add("MatMul", rows, image), columns)


def pooling_matrix(source: int, target: int) -> npt.NDArray[np.float32]:
    """Matrix (target, source) of adaptive average pooling along one axis; rows sum to 1."""
    matrix = np.zeros((target, source), np.float32)
    for cell in range(target):
        start, end = cell * source // target, -(-(cell + 1) * source // target)
        matrix[cell, start:end] = 1 / (end - start)
    return matrix
