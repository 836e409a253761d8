"""Class weights for cross entropy from the pixels of a training set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.system.errors import InputError

if TYPE_CHECKING:
    from core.datasets import SegDataset

_MOST_MASKS = 1000
_MOST_WEIGHT = 30.0


def resolve_class_weights(
    weights: Literal["balanced"] | Sequence[float] | None, dataset: SegDataset
) -> list[float] | None:
    """Return one weight per class, or None for equal ones.

    Raises:
        InputError: not as many weights as classes, one that is no number of 0 or more, or all 0.
    """
    if weights is None:
        return None
    if isinstance(weights, str):
        if weights != "balanced":
            raise InputError(
                "class_weights is “{value}”: give “balanced”, a list of numbers or None.",
                value=weights,
            )
        return balanced_weights(dataset)
    given = [_number(weight) for weight in weights] if isinstance(weights, Iterable) else []
    if len(given) != dataset.num_classes or not all(
        math.isfinite(weight) and weight >= 0 for weight in given
    ):
        raise InputError(
            "class_weights needs {num_classes} numbers of 0 or more, one per class.",
            num_classes=dataset.num_classes,
        )
    if not any(given):
        raise InputError("All class_weights are 0: nothing would be learnt.")
    return given


def _number(value: object) -> float:
    """Return a number as a float; what is none as NaN."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan


def balanced_weights(dataset: SegDataset) -> list[float]:
    """Weights 1 / √(share of pixels), scaled to weigh the average pixel 1, at most 30.

    The square root stands between no weights, with which a defect on one pixel in 5000 is never
    learnt, and 1 / share, with which false alarms cost more IoU than missed pixels did. A class
    that the masks lack weighs the most. Large sets are sampled at even distances.
    """
    chosen = np.unique(
        np.linspace(0, len(dataset) - 1, min(_MOST_MASKS, len(dataset))).round().astype(int)
    )
    counts = np.zeros(256, np.int64)
    for index in chosen:
        counts += np.bincount(dataset.read_mask(int(index)).ravel(), minlength=256)
    counts = counts[: dataset.num_classes]
    shares = counts / max(1, counts.sum())
    weights = 1 / np.sqrt(np.maximum(shares, np.finfo(float).tiny))
    average = float((weights * shares).sum()) or 1.0
    return [min(_MOST_WEIGHT, float(weight)) for weight in weights / average]
