"""What a complete graph computes on the way: the network's input and its logits."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.deploy.verification.originals import Array
from core.portable.manifest import Manifest
from core.portable.onnx_sessions import open_session

#: Names of the tensors in a complete graph (``core.deploy.complete_graph``).
NETWORK_INPUT: Final = "network_input"
NETWORK_OUTPUT: Final = "network_output"


@dataclass(frozen=True, slots=True, eq=False)
class InnerTensors:
    """What a graph computed of one image.

    Attributes:
        prepared: the network's input (3, h, w), perhaps continued to the right and below.
        logits: (h, w, num_classes).
    """

    prepared: Array
    logits: Array

    def cut(self, height: int, width: int) -> InnerTensors:
        """Return it without what the input was continued by."""
        return InnerTensors(self.prepared[:, :height, :width], self.logits[:height, :width])


def inner_tensors(
    folder: Path, manifest: Manifest, image: npt.NDArray[np.uint8], *, runtime: str
) -> InnerTensors | None:
    """Run a complete graph on an image and return what it computes on the way.

    Args:
        folder: of the export.
        manifest: its manifest.
        image: (H, W, 3) uint8 BGR; taken whole.
        runtime: ``"onnxruntime"`` or ``"openvino"``.

    Returns:
        None where the graph does not have such tensors, or cannot be run.
    """
    if manifest.graph != "complete":
        return None
    if manifest.input.color_order == "RGB":
        image = image[..., ::-1]
    batch = np.ascontiguousarray(image[None])
    try:
        run = _run_openvino if runtime == "openvino" else _run_onnx
        prepared, logits = run(folder / manifest.model_file, manifest.input.name, batch)
    except MemoryError:
        raise
    except Exception:  # the runtimes' own kinds; the whole way is judged without this, too
        return None
    return InnerTensors(prepared[0], np.ascontiguousarray(logits[0].transpose(1, 2, 0)))


def _run_onnx(file: Path, name: str, batch: npt.NDArray[np.uint8]) -> list[Any]:
    import onnx

    model = onnx.load(file)
    del model.graph.output[:]
    for tensor in (NETWORK_INPUT, NETWORK_OUTPUT):
        value = onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, [None] * 4)
        model.graph.output.append(value)
    with tempfile.TemporaryDirectory(prefix="verify-") as place:
        changed = Path(place) / "model.onnx"
        changed.write_bytes(model.SerializeToString())
        results: list[Any] = open_session(changed).run(None, {name: batch})
    return results


def _run_openvino(file: Path, name: str, batch: npt.NDArray[np.uint8]) -> list[Any]:
    import openvino

    core = openvino.Core()
    model = core.read_model(file)
    model.add_outputs([NETWORK_INPUT, NETWORK_OUTPUT])
    for result in list(model.outputs):
        if not {NETWORK_INPUT, NETWORK_OUTPUT} & result.names:
            model.remove_result(result.get_node())
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = compiled({name: batch})
    return [np.array(results[tensor]) for tensor in (NETWORK_INPUT, NETWORK_OUTPUT)]
