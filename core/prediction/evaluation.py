"""What ``evaluate`` of the library's classes has in common."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.prediction.figures import FigureRules, Figures
from core.prediction.predictor import ImageCallback, ImageEvaluation, Predictor, evaluate
from core.system.errors import InputError

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.system.reporting import Reporter

Metrics = dict[str, Any]


def measure(
    predictor: Predictor,
    dataset: SegDataset,
    *,
    batch_size: int = 1,
    return_details: bool = False,
    reporter: Reporter | None = None,
    per_image: bool = False,
    on_image: ImageCallback | None = None,
    rules: FigureRules | None = None,
    every_class: bool = False,
) -> Metrics | tuple[Metrics, dict[str, Any]]:
    """Measure a predictor on a dataset; see ``Segmenter.evaluate``."""
    rows: list[dict[str, Any]] = []

    def collect(score: ImageEvaluation, label_map: npt.NDArray[np.uint8]) -> None:
        if per_image:
            rows.append(
                {
                    "image": score.image,
                    "miou": score.miou,
                    "confusion": score.confusion,
                    "figures": score.figures,
                }
            )
        if on_image is not None:
            on_image(score, label_map)

    def on_step(done: int, count: int) -> None:
        if reporter is not None:
            reporter.check()
            reporter.progress(done, count, stage="evaluate")

    figures = Figures(dataset.labels, rules=rules)
    matrix = evaluate(
        predictor,
        dataset,
        batch_size=batch_size,
        on_step=on_step,
        on_image=collect if per_image or on_image else None,
        figures=figures,
        every_class=every_class,
    )
    metrics = {
        **matrix.metrics(),
        **figures.to_dict(),
        "best_thresholds": figures.thresholds(),
    }
    if not (return_details or per_image):
        return metrics
    details: dict[str, Any] = {"confusion_matrix": matrix.matrix.tolist()}
    if per_image:
        details["per_image"] = rows
    return metrics, details


def check_batch_size(value: Any) -> None:
    """Raise ``InputError`` unless ``value`` is a number of images that are computed at once."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise InputError(
            "batch_size is {value}: give a whole number of 1 or more.", value=repr(value)
        )
