"""Exported models of Paddle's inference library at work, on the processor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.portable.manifest import Manifest
from core.prediction.predictor import Scores
from core.system.devices import usable_cores
from core.system.errors import InputError
from core.system.native_folder import native_folder

NETWORK: Final = "model.json"
WEIGHTS: Final = "model.pdiparams"


class PaddleNetwork:
    """``model.json`` and ``model.pdiparams`` with a manifest beside them.

    The engine is imported here, and nowhere before.

    Args:
        folder: what an export wrote.
        manifest: what it says of itself.
        threads: how many threads compute one batch; None for as many as there are cores.

    Attributes:
        num_classes: number of classes.
        size: (width, height) of the images it takes, None for any.

    Raises:
        InputError: a file is missing or damaged, or not what the manifest says.
    """

    def __init__(
        self, folder: str | Path, manifest: Manifest, *, threads: int | None = None
    ) -> None:
        self.path = Path(folder) / NETWORK
        self.num_classes = manifest.num_classes
        height, width = manifest.input.height, manifest.input.width
        self.size = None if height is None or width is None else (width, height)
        # oneDNN's kernels are several times faster on convolutions, and several times slower on the
        # many small steps of simulated quantisation. Looking for what can be fused there takes 45 s
        # in HRNet, and makes others no faster.
        self._predictor = _open(
            Path(folder),
            threads=threads or usable_cores(),
            optimized=manifest.status != "Quantized",
        )
        (name,) = self._predictor.get_input_names()
        self._input = self._predictor.get_input_handle(name)
        (name,) = self._predictor.get_output_names()
        self._output = self._predictor.get_output_handle(name)

    def logits(self, batch: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) float32, preprocessed → (N, num_classes, H, W) float32."""
        self._input.reshape(batch.shape)
        self._input.copy_from_cpu(np.ascontiguousarray(batch))
        self._predictor.run()
        logits: Scores = self._output.copy_to_cpu()
        return logits


def _open(folder: Path, *, threads: int, optimized: bool) -> Any:
    files = [folder / NETWORK, folder / WEIGHTS]
    for file in files:
        if not file.is_file():
            raise InputError("{file} does not exist.", file=file)
    from paddle import inference

    with native_folder("export-") as temporary:
        if not all(str(file).isascii() for file in files):
            # It opens files by name in C++, which some systems' other letters defeat.
            files = [Path(shutil.copy(file, temporary)) for file in files]
        config = inference.Config(*map(str, files))
        config.disable_gpu()
        config.set_cpu_math_library_num_threads(threads)
        config.disable_glog_info()
        if not optimized:
            config.disable_mkldnn()
            config.switch_ir_optim(False)
        try:
            return inference.create_predictor(config)
        except Exception as error:  # the library's own kinds
            raise InputError(
                "{file} is no model that Paddle can run here: {reason}.",
                file=folder / NETWORK,
                reason=_reason(error),
            ) from error


def _reason(error: Exception) -> str:
    """Return the line of one of the library's long messages that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "Error:" in line or line.startswith("(")]
    return (told or lines or [type(error).__name__])[-1].rstrip(".")
