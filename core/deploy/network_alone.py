"""The network inside of an exported model, run without what is around it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from core.portable.manifest import Manifest
from core.prediction.onnx_predictor import NETWORK_INPUT, NETWORK_OUTPUT

#: (N, 3, H, W) float32 → logits; smaller or larger images than the network takes are cut and
#: filled up.
Network: TypeAlias = Callable[[npt.NDArray[np.float32]], Any]


def onnx_network(file: Path, open_session: Callable[[Path], Any]) -> Network:
    """Return the network of an ONNX file, complete or plain.

    Args:
        file: what an export wrote.
        open_session: opens an ONNX file in ONNX Runtime.
    """
    import onnx
    from onnx.utils import Extractor

    model = onnx.load(file)
    names = {name for node in model.graph.node for name in node.output}
    if NETWORK_INPUT in names:
        model = Extractor(model).extract_model([NETWORK_INPUT], [NETWORK_OUTPUT])
        with tempfile.TemporaryDirectory(prefix="onnx-") as folder:
            alone = Path(folder) / file.name
            alone.write_bytes(model.SerializeToString())
            session = open_session(alone)
    else:
        session = open_session(file)
    taken = session.get_inputs()[0]
    sides = [side if isinstance(side, int) else None for side in taken.shape[2:]]
    return lambda batch: session.run(None, {taken.name: _fitted(batch, *sides)})


def openvino_network(file: Path, *, threads: int) -> Network:
    """Return the network of an OpenVINO or an ONNX file, complete or plain.

    Of a complete OpenVINO file it may take colours in the other order, or images that are not
    normalised: its conversion moves such steps into the first convolution.
    """
    import openvino
    from openvino import opset13

    core = openvino.Core()
    model = core.read_model(file)
    tensors = {name: port for op in model.get_ops() for port in op.outputs() for name in port.names}
    if NETWORK_INPUT in tensors:
        start = tensors[NETWORK_INPUT]
        parameter = opset13.parameter(start.get_partial_shape(), start.get_element_type())
        for consumer in start.get_target_inputs():
            consumer.replace_source_output(parameter.output(0))
        result = opset13.result(tensors[NETWORK_OUTPUT])
        model = openvino.Model([result], [parameter], "network")
    config = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_NUM_THREADS": threads,
    }
    request = core.compile_model(model, "CPU", config).create_infer_request()
    shape = model.inputs[0].get_partial_shape()
    sides = [side.get_length() if side.is_static else None for side in list(shape)[2:]]
    return lambda batch: request.infer([_fitted(batch, *sides)])


def paddle_network(folder: Path, manifest: Manifest, *, threads: int) -> Network:
    """Return the network of a folder of Paddle's inference library."""
    from core.prediction.paddle_inference import PaddleNetwork  # brings the engine in

    network = PaddleNetwork(folder, manifest, threads=threads)
    width, height = network.size or (None, None)
    return lambda batch: network.logits(_fitted(batch, height, width))


def _fitted(
    batch: npt.NDArray[np.float32], height: int | None, width: int | None
) -> npt.NDArray[np.float32]:
    """Bring a batch to the size that a network is for, None for any."""
    for axis, side in ((2, height), (3, width)):
        if side is not None and batch.shape[axis] != side:
            batch = np.resize(batch, (*batch.shape[:axis], side, *batch.shape[axis + 1 :]))
    return batch
