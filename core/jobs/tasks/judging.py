"""Measuring a model and saying what it is good for, at the end of whatever made or measured it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.advice.verdict import Row, judge
from core.models.model_folder import add_measurement
from core.models.model_verdict import Verdict
from core.prediction.figures import FigureRules
from core.prediction.predictor import ImageCallback, ImageEvaluation, LabelMap
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.prediction.exported_model import ExportedModel
    from core.seg.segmenter import Segmenter


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a measurement found.

    Attributes:
        metrics: as ``Segmenter.evaluate`` returns them, ``objects`` and ``images`` included.
        matrix: pixel counts, rows labels, columns predictions.
        thresholds: best ones for each class, None without a background.
        verdict: in words.
    """

    metrics: Mapping[str, Any]
    matrix: npt.NDArray[np.int64]
    thresholds: list[float | None] | None
    verdict: Verdict

    def result(self) -> dict[str, Any]:
        """Return what a job's result tells of it besides the pixels' metrics."""
        return {
            "objects": self.metrics["objects"],
            "images": self.metrics["images"],
            "verdict": self.verdict.to_dict(),
        }

    @property
    def pixel_metrics(self) -> dict[str, Any]:
        """The metrics of the pixels alone, as a training tells them."""
        others = {*self.result(), "best_thresholds"}
        return {name: value for name, value in self.metrics.items() if name not in others}

    def keep(self, model_dir: str | Path) -> None:
        """Write it into the folder of the model that was measured."""
        add_measurement(
            model_dir,
            thresholds=self.thresholds,
            evaluation={"confusion_matrix": self.matrix.tolist(), **self.result()},
        )


def measure_and_judge(
    model: Segmenter | ExportedModel,
    dataset: SegDataset,
    *,
    reporter: Reporter,
    on_image: ImageCallback | None = None,
    rules: FigureRules | None = None,
    thresholds: bool = False,
    every_class: bool = False,
) -> Judgement:
    """Measure a model on a data set.

    Args:
        model: what to measure.
        dataset: images with masks.
        reporter: is told of progress and may stop the work.
        on_image: called after each image.
        rules: what counts as found.
        thresholds: choose classes by the model's thresholds.
        every_class: tell ``on_image`` the odds of each class, too.
    """
    rows: list[Row] = []

    def remember(image: ImageEvaluation, label_map: LabelMap) -> None:
        if image.figures is not None:
            rows.append((image.image, image.figures))
        if on_image is not None:
            on_image(image, label_map)

    measured = model.evaluate(
        dataset,
        return_details=True,
        reporter=reporter,
        on_image=remember,
        rules=rules,
        thresholds=thresholds,
        every_class=every_class,
    )
    assert isinstance(measured, tuple)  # as details were asked for
    metrics, details = measured
    matrix = np.asarray(details["confusion_matrix"], np.int64)
    return Judgement(
        metrics=metrics,
        matrix=matrix,
        thresholds=metrics["best_thresholds"],
        verdict=judge(model.labels, matrix, metrics, rows),
    )
