"""Exported models that take images as they are: preprocessing is part of the file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import Manifest
from core.portable.runtimes import Runtime
from core.portable.tiling import needs_windows, score_rows
from core.prediction.choosing import Choice, Chooser, Scores
from core.prediction.image_arguments import Image, Prediction
from core.prediction.predictor import Predictor, Prepared
from core.prediction.thresholds import score_offsets
from core.system.errors import portable_errors
from core.transforms import Decode

#: Rows whose classes are chosen at once: their scores are held twice meanwhile.
_ROWS = 256
#: Probabilities below are as good as none; a logarithm needs some.
_SMALLEST = np.float32(1e-37)


class CompletePredictor(Predictor):
    """An exported model with a complete graph.

    Large images are computed in windows of the image itself, as a program on the line does.

    Args:
        manifest: of the model.
        runtime: what computes it.
    """

    def __init__(self, manifest: Manifest, runtime: Runtime) -> None:
        thresholds = manifest.thresholds if manifest.applies_thresholds else None
        chooser = Chooser(None if thresholds is None else score_offsets(thresholds))
        super().__init__(num_classes=manifest.num_classes, chooser=chooser)
        self._line = LinePredictor.from_runtime(manifest, runtime)
        self._cuts = any("CenterCrop" in item for item in manifest.preprocessing or ())

    def prepare(self, image: Image) -> Prepared:
        """Read an image given by path or in memory: (H, W, 3) uint8 BGR."""
        path = os.fspath(image) if isinstance(image, os.PathLike) else image
        return Prepared(Decode(to_rgb=False)({"image": path})["image"])

    def predict(self, image: Image, *, with_scores: bool = True) -> Prediction:
        """Predict one image; see ``Segmenter.predict``."""
        prepared = self.prepare(image)
        if not with_scores:
            return {"label_map": self.label_maps([prepared])[0].astype(np.int32)}
        with portable_errors():
            scores = self._line.scores(prepared.image)
        logarithms = ((0, rows) for rows in [np.log(np.maximum(scores, _SMALLEST))])
        choice = self._choose(prepared.image, logarithms, self._chooser)
        return {"label_map": choice.label_map.astype(np.int32), "score_map": scores}

    def _choices(self, batch: Sequence[Prepared], chooser: Chooser) -> list[Choice]:
        with portable_errors():
            return [self._chosen(prepared.image, chooser) for prepared in batch]

    def _chosen(self, image: npt.NDArray[np.uint8], chooser: Chooser) -> Choice:
        if chooser.background is None and chooser.offsets is self._own_chooser.offsets:
            return Choice(self._line.label_map(image))
        return self._choose(image, self._logarithms(image), chooser)

    def _choose(
        self,
        image: npt.NDArray[np.uint8],
        bands: Iterator[tuple[int, Scores]],
        chooser: Chooser,
    ) -> Choice:
        whole = chooser.choose_rows(bands, (image.shape[0], image.shape[1]))
        if self._cuts:  # scores say nothing where the preprocessing cut the image off
            outside = self._line.label_map(image) == IGNORE_INDEX
            for array in (whole.label_map, whole.defect, whole.odds, whole.class_odds):
                if array is not None:
                    array[outside] = IGNORE_INDEX
        return whole

    def _logarithms(self, image: npt.NDArray[np.uint8]) -> Iterator[tuple[int, Scores]]:
        """Yield the first row, and logarithms of probabilities (rows, W, num_classes)."""
        runtime, tiling = self._line.runtime, self._line.tiling
        if tiling is not None and needs_windows(image, tiling):
            multiple = self._line.manifest.size_multiple
            for top, rows in score_rows(image, tiling, runtime.scores, multiple=multiple):
                yield top, rows.transpose(1, 2, 0)
            return
        scores = runtime.scores(image[None])[0]
        for top in range(0, len(image), _ROWS):
            rows = scores[:, top : top + _ROWS].transpose(1, 2, 0)
            yield top, np.log(np.maximum(rows, _SMALLEST))
