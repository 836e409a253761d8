"""An export that judges several images of one size at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from core.deploy.opening import open_export
from core.portable.judging import Judgement
from core.portable.manifest import Manifest
from core.portable.tiling import needs_windows
from core.serve.image_judge import Image, ModelFacts

_MOST_JUDGING: Final = 4
_FIRST_SIDE: Final = 64


class ServedModel:
    """Opens an export and judges images by its own settings.

    Args:
        folder: what an export wrote.
        runtime: ``"auto"``, ``"onnxruntime"``, ``"openvino"`` or ``"paddle"``.
        threads: that compute; None for one on each core.

    Raises:
        InputError: it is no export, or cannot be computed here.
        PortableError: the same, or its rules do not fit it.
    """

    def __init__(self, folder: Path, *, runtime: str = "auto", threads: int | None = None) -> None:
        self._predictor = open_export(folder, runtime=runtime, threads=threads)
        workers = min(_MOST_JUDGING, threads or os.cpu_count() or 1)
        self._judges = ThreadPoolExecutor(workers, thread_name_prefix="judge")
        self._compute_something()

    @property
    def manifest(self) -> Manifest:
        """What the export says of itself."""
        return self._predictor.manifest

    @property
    def facts(self) -> ModelFacts:
        """What is served, and by what."""
        manifest, runtime = self._predictor.manifest, self._predictor.runtime
        return ModelFacts(
            model=manifest.model,
            format=manifest.format,
            precision=manifest.precision,
            revision=manifest.revision,
            runtime=runtime.name,
            runtime_version=runtime.version,
        )

    def judge(self, images: Sequence[Image]) -> Sequence[Judgement]:
        """Judge images of one size, each (H, W, 3) uint8 BGR; not by several threads at once.

        Raises:
            PortableError: they cannot be computed, or do not fit a region file.
        """
        if len(images) == 1 or needs_windows(images[0], self._predictor.tiling):
            return [self._predictor.judge(image) for image in images]
        scores = self._predictor.runtime.scores(np.stack(images))
        return list(self._judges.map(self._predictor.judge_probabilities, scores))

    def _compute_something(self) -> None:
        """Have the first computation, which is slow and may fail, before anybody waits for it."""
        given = self._predictor.manifest.input
        size = (given.height or _FIRST_SIDE, given.width or _FIRST_SIDE)
        image = np.zeros((*size, 3), np.uint8)
        self._predictor.scores(image)
        self._predictor.label_map(image, thresholds=self._predictor.settings.thresholds)
