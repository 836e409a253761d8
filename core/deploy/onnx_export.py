"""A network as an ONNX file in float, with the names that its tensors have there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import onnx
from paddle import nn

from core.deploy.onnx_graph import set_dimensions
from core.deploy.onnx_writer.network_writing import write_network
from core.system.files import write_bytes_atomic

if TYPE_CHECKING:
    from core.compression.trace import Trace

#: Names of the file's one input (N, 3, H, W) and one output (N, num_classes, H, W), float32.
INPUT: Final = "image"
OUTPUT: Final = "logits"


def export_float(
    net: nn.Layer, file: str | Path, *, size: tuple[int, int] | None, traced: Trace | None = None
) -> dict[str, str]:
    """Write the network's first output as an ONNX file that takes batches of any size.

    Args:
        net: network in float, its batch norms folded (``fold_batch_norms``).
        file: where to write.
        size: (width, height) of the images it will take; None for any.
        traced: trace of ``net`` where the tensors' names in the file are wanted.

    Returns:
        The tensor name of each leaf layer's output, by the layer's path, and of the network's
        input, by ``"input"``; empty without ``traced``.
    """
    calls = () if traced is None else traced.deployed().calls
    if len({call.path for call in calls}) < len(calls):
        raise ValueError("a layer is used twice: its path does not name one tensor")
    model, made = write_network(net, size=size, image=INPUT, logits=OUTPUT)
    graph = model.graph
    channels = graph.output[0].type.tensor_type.shape.dim[1].dim_value
    width, height = size or ("width", "height")
    set_dimensions(graph.input[0], "batch", 3, height, width)
    set_dimensions(graph.output[0], "batch", channels, height, width)
    onnx.checker.check_model(model, full_check=True)
    write_bytes_atomic(file, model.SerializeToString())
    return {} if traced is None else {"input": INPUT, **{c.path: made[c.path] for c in calls}}
