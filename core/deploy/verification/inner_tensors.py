"""What an exported file computes on the way: the network's input and its logits."""

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
from core.prediction.exported_files import open_exported
from core.prediction.onnx_predictor import NETWORK_INPUT, NETWORK_OUTPUT, FilePredictor
from core.prediction.predictor import WINDOW
from core.prediction.thresholds import score_offsets
from core.transforms import transforms_from_list

_TENSORS: Final = (NETWORK_INPUT, NETWORK_OUTPUT)


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
    """Run an exported file on an image and return what is computed on the way.

    Args:
        folder: of the export.
        manifest: its manifest; what a plain graph's images are prepared by.
        image: (H, W, 3) uint8 BGR; taken whole.
        runtime: ``"onnxruntime"`` or ``"openvino"``; of complete graphs.

    Returns:
        None where the graph does not have such tensors, or cannot be run.
    """
    if manifest.graph == "plain":
        return _plain_tensors(folder, manifest, image)
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


def _plain_tensors(
    folder: Path, manifest: Manifest, image: npt.NDArray[np.uint8]
) -> InnerTensors | None:
    """Prepare an image as the manifest says, and run the network alone."""
    steps = transforms_from_list([dict(one) for one in manifest.preprocessing or ()])
    predictor = open_exported(folder / manifest.model_file).prepared_by(steps)
    assert isinstance(predictor, FilePredictor)  # as the graph is plain
    prepared = predictor.network_input(image).image
    height, width = prepared.shape[1:]
    below, right = -height % predictor.multiple, -width % predictor.multiple
    if height + below > WINDOW[1] or width + right > WINDOW[0]:
        return None
    continued = np.pad(prepared, ((0, 0), (0, below), (0, right)), mode="edge")
    logits = predictor.logits(continued[None])[0, :, :height, :width].transpose(1, 2, 0)
    if manifest.applies_thresholds and manifest.thresholds is not None:
        logits = logits - score_offsets(manifest.thresholds)
    return InnerTensors(prepared, np.ascontiguousarray(logits))


def _run_onnx(file: Path, name: str, batch: npt.NDArray[np.uint8]) -> list[Any]:
    import onnx

    model = onnx.load(file)
    del model.graph.output[:]
    for tensor in _TENSORS:
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
    model.add_outputs(list(_TENSORS))
    for result in list(model.outputs):
        if not result.names.intersection(_TENSORS):
            model.remove_result(result.get_node())
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = compiled({name: batch})
    return [np.array(results[tensor]) for tensor in _TENSORS]
