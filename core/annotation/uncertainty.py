"""How sure a model is of an image: for each pixel, and as one number to sort images by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX

Scores = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_BAND_NUMBERS = 2**22
_LEAST = np.float32(1e-12)


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Means over the pixels that were predicted, both 0 … 1.

    Attributes:
        entropy: Shannon entropy of the class probabilities divided by log(number of classes): 1
            where all classes are as likely.
        margin: lead of the likeliest class over the second: 0 where the two are as likely.
    """

    entropy: float
    margin: float


def measure(scores: Scores, label_map: Bytes) -> tuple[Bytes, Uncertainty]:
    """Measure the certainty of a prediction.

    Args:
        scores: (H, W, C) float32 probabilities, C ≥ 2.
        label_map: (H, W) uint8 predicted classes; where it is 255 nothing was predicted.

    Returns:
        (H, W) uint8 confidence: probability of the likeliest class × 255, 0 where nothing was
        predicted; and the image's means.
    """
    height, width, classes = scores.shape
    if classes < 2:
        raise ValueError("probabilities of at least two classes are needed")
    confidence = np.zeros((height, width), np.uint8)
    entropy = margin = 0.0
    count = 0
    rows = max(1, _BAND_NUMBERS // max(1, width * classes))
    for top in range(0, height, rows):  # bands bound the memory of what is in between
        predicted = label_map[top : top + rows] != IGNORE_INDEX
        band = scores[top : top + rows][predicted]
        if not band.size:
            continue
        first, second = _two_largest(band)
        confidence[top : top + rows][predicted] = np.rint(first.clip(0, 1) * 255).astype(np.uint8)
        logarithms = np.log(np.maximum(band, _LEAST))
        entropy -= float(np.einsum("pc,pc->", band, logarithms, dtype=np.float64))
        margin += float((first - second).sum(dtype=np.float64))
        count += len(band)
    if not count:
        return confidence, Uncertainty(1.0, 0.0)
    mean_entropy = entropy / count / math.log(classes)
    return confidence, Uncertainty(min(max(mean_entropy, 0.0), 1.0), margin / count)


def _two_largest(scores: Scores) -> tuple[Scores, Scores]:
    """Return the largest and the second of each row."""
    if scores.shape[1] == 2:
        return scores.max(axis=1), scores.min(axis=1)
    largest = np.partition(scores, -2, axis=1)
    return largest[:, -1], largest[:, -2]
