"""An exported model with its rules, as the watcher uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.deploy.opening import open_export
from core.images.palette import default_palette
from core.portable.judging import Judgement
from core.portable.line_predictor import LinePredictor
from core.portable.overlays import draw_judgement
from core.system.errors import portable_errors
from core.watch.assessment import Assessment, ImageArray

_HASH_DIGITS: Final = 12
_TRIAL: Final = 64


def open_assessor(
    folder: Path, *, runtime: str = "auto", threads: int | None = None
) -> ExportAssessor:
    """Open an export and try it on a small image: what is wrong is known before images come.

    Args:
        folder: what an export wrote.
        runtime: ``"onnxruntime"``, ``"openvino"``, or ``"auto"``.
        threads: that compute; None for one on each core.

    Raises:
        InputError: it cannot be opened or does not run, or one of its rules is wrong.
    """
    # Threads do not spin: the program that makes the images often runs on the same computer.
    predictor = open_export(folder, runtime=runtime, threads=threads, spinning=False)
    with portable_errors():
        predictor.scores(np.zeros((_TRIAL, _TRIAL, 3), np.uint8))
        _ = predictor.settings
    return ExportAssessor(predictor)


class ExportAssessor:
    """Judges by an export's rules, thresholds and limits.

    Args:
        predictor: of the export.
    """

    def __init__(self, predictor: LinePredictor) -> None:
        self._predictor = predictor
        self._manifest = predictor.manifest

    @property
    def model(self) -> str:
        """Network and the beginning of its file's hash."""
        record = self._manifest.files.get(self._manifest.model_file, {})
        return f"{self._manifest.model} {str(record.get('sha256', ''))[:_HASH_DIGITS]}".strip()

    @property
    def revision(self) -> str | None:
        """Hash of the labelled data that it was trained on."""
        return self._manifest.revision

    @property
    def statistics(self) -> Mapping[str, Any]:
        """Statistics of the images it was trained on."""
        return self._manifest.statistics

    @property
    def palette(self) -> tuple[tuple[int, int, int], ...]:
        """Red, green, blue of each class."""
        return tuple(self._manifest.colors or default_palette(self._manifest.num_classes))

    def assess(self, image: ImageArray) -> Assessment:
        """Judge an image, (H, W, 3) uint8 BGR.

        Raises:
            InputError: the image is none for this model.
        """
        with portable_errors():
            judgement = self._predictor.judge(image)
        confidence = judgement.scores_summary.get("mean_confidence")
        return Assessment(
            outcome=judgement.outcome,
            label_map=judgement.label_map,
            draw=lambda: self._draw(image, judgement),
            reasons=tuple(str(one) for one in judgement.reasons),
            objects=Counter(one.name for one in judgement.objects),
            confidence=None if confidence is None else float(confidence),
        )

    def _draw(self, image: ImageArray, judgement: Judgement) -> ImageArray:
        return draw_judgement(
            image, judgement, colors=self._manifest.colors, background=self._manifest.background
        )
