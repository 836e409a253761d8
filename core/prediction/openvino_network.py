"""Plain networks as OpenVINO's intermediate representation at work, on the processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.portable.manifest import Manifest
from core.portable.onnx_sessions import first_line
from core.prediction.predictor import Scores
from core.system.devices import usable_cores
from core.system.errors import InputError


class OpenVinoNetwork:
    """``model.xml`` and ``model.bin`` of a plain graph with a manifest beside them.

    Args:
        folder: what an export wrote.
        manifest: what it says of itself.
        threads: how many threads compute one batch; None for as many as there are cores.

    Attributes:
        num_classes: number of classes.
        size: (width, height) of the images it takes, None for any.

    Raises:
        InputError: a file is missing or damaged.
    """

    def __init__(
        self, folder: str | Path, manifest: Manifest, *, threads: int | None = None
    ) -> None:
        import openvino  # loads for a while

        self.path = Path(folder) / manifest.model_file
        self.num_classes = manifest.num_classes
        height, width = manifest.input.height, manifest.input.width
        self.size = None if height is None or width is None else (width, height)
        if not self.path.is_file():
            raise InputError("{file} does not exist.", file=self.path)
        config = {
            "INFERENCE_PRECISION_HINT": "f32",  # it takes 16 bits where it can
            "PERFORMANCE_HINT": "LATENCY",
            # Every process would tie its threads to the same cores, from the first one on.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_NUM_THREADS": threads or usable_cores(),
        }
        try:
            compiled = openvino.Core().compile_model(self.path, "CPU", config)
        except Exception as error:  # its own kinds
            raise InputError(
                "{file} is no model that OpenVINO can run here: {reason}.",
                file=self.path,
                reason=first_line(error),
            ) from error
        self._request = compiled.create_infer_request()

    def logits(self, batch: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) float32, preprocessed → (N, num_classes, H, W) float32."""
        return np.array(self._request.infer([batch])[0], np.float32)
