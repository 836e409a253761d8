"""An exported model of any format that judges images as a machine on the line does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from core.models.model_folder import exported_file
from core.portable.judging import Judgement, judge_scores
from core.portable.manifest import MANIFEST, Manifest, read_manifest
from core.portable.settings import Settings
from core.prediction.exported_model import ExportedModel
from core.prediction.image_arguments import Prediction
from core.system.errors import InputError, portable_errors

Image = npt.NDArray[np.uint8]
LabelMap = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]


class JudgedExport:
    """Predicts by the exported file, and decides by the settings of its manifest.

    Args:
        model_dir: what an export wrote, or its file.
        threads: that compute; None for as many as there are cores.

    Attributes:
        folder: where the export lies.
        manifest: ``manifest.json``; what the file says of itself where there is none.
        settings: that the manifest holds.

    Raises:
        InputError: it is no exported model, or its settings are wrong.
    """

    def __init__(self, model_dir: Path, *, threads: int | None = None) -> None:
        file = exported_file(model_dir)
        if file is None:
            raise InputError(
                "{folder} is no exported model: images are judged by exported models; run export "
                "first.",
                folder=model_dir,
            )
        self.folder = file.parent
        self._model = ExportedModel(file, threads=threads)
        with portable_errors():
            described = (self.folder / MANIFEST).is_file()
            self.manifest: Manifest = (
                read_manifest(self.folder) if described else self._model.manifest
            )
            self.settings = Settings.from_manifest(self.manifest, self.folder)

    def predict(
        self, image: Path | Image, *, thresholds: bool | Sequence[float | None] | None
    ) -> tuple[LabelMap, Scores]:
        """Return the label map, (H, W) uint8, and scores, (H, W, num_classes) float32.

        Args:
            image: path, or (H, W, 3) uint8 BGR.
            thresholds: choose by the model's own (True), or by one for each class.

        Raises:
            InputError: the image cannot be read, or there are no such thresholds.
        """
        predicted = cast(Prediction, self._model.predict(image, thresholds=thresholds or False))
        return predicted["label_map"].astype(np.uint8), predicted["score_map"]

    def judge(self, image: Path | Image, settings: Settings) -> Judgement:
        """Judge one image.

        Args:
            image: path, or (H, W, 3) uint8 BGR.
            settings: what decides.

        Raises:
            InputError: the image cannot be read, or a setting does not fit it.
        """
        start = time.perf_counter()
        label_map, scores = self.predict(image, thresholds=settings.thresholds)
        seconds = {"predict": time.perf_counter() - start}
        with portable_errors():
            judged = judge_scores(
                scores,
                settings,
                labels=self.manifest.labels,
                background=self.manifest.background,
                label_map=label_map,
            )
        return replace(judged, seconds=seconds | judged.seconds)
