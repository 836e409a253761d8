"""Exported models of Paddle's inference library at work, on the processor."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.prediction.predictor import Scores
from core.system.errors import InputError

NETWORK: Final = "model.json"
WEIGHTS: Final = "model.pdiparams"


class PaddleNetwork:
    """``model.json`` and ``model.pdiparams``: (N, 3, H, W) float32 → logits, ready to run.

    The engine is imported here, and nowhere before.

    Args:
        folder: with the two files.
        threads: how many threads compute one batch; None for as many as there are cores.

    Raises:
        InputError: a file is missing or damaged.
    """

    def __init__(self, folder: str | Path, *, threads: int | None = None) -> None:
        self.path = Path(folder) / NETWORK
        self._predictor = _open(Path(folder), threads)
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


def _open(folder: Path, threads: int | None) -> Any:
    from core.system.devices import usable_cores

    files = [folder / NETWORK, folder / WEIGHTS]
    for file in files:
        if not file.is_file():
            raise InputError("{file} does not exist.", file=file)
    with tempfile.TemporaryDirectory(prefix="export-") as temporary:
        if not all(str(file).isascii() for file in files):
            # It opens files by name in C++, which some systems' other letters defeat.
            files = [Path(shutil.copy(file, temporary)) for file in files]
        from paddle import inference

        config = inference.Config(*map(str, files))
        config.disable_gpu()
        config.set_cpu_math_library_num_threads(threads or usable_cores())
        config.disable_glog_info()
        try:
            return inference.create_predictor(config)
        except Exception as error:  # the library's own kinds
            raise InputError(
                "{file} is no model that Paddle can run here: {reason}.",
                file=folder / NETWORK,
                reason=_reason(error),
            ) from error


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
