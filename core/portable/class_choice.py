"""From the probabilities of every class to the class of each pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .manifest import Manifest
from .portable_error import PortableError

LabelMap = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]
_ROWS = 256


def threshold_offsets(thresholds: Sequence[float | None]) -> Scores:
    """What is added to the logarithm of each class's score so that the highest one obeys, (C,).

    A class's threshold is about its share against the background, p(class) / (p(class) +
    p(background)).

    Raises:
        PortableError: one is not between 0 and 1.
    """
    offsets = np.zeros(len(thresholds), np.float32)
    for index, threshold in enumerate(thresholds):
        if threshold is None:
            continue
        if not 0 < threshold < 1:
            raise PortableError(
                "A threshold is {value}: give numbers between 0 and 1.", value=threshold
            )
        offsets[index] = np.log((1 - threshold) / threshold)
    return offsets


def asked_offsets(manifest: Manifest, asked: bool | Sequence[float | None] | None) -> Scores | None:
    """Return the offsets (C,) by which classes are chosen, None where the highest score counts.

    Args:
        manifest: of the model.
        asked: True for the model's own thresholds, None or False for none, or one for each class.

    Raises:
        PortableError: the model has none, or there is not one for each class.
    """
    if asked is None or asked is False:
        return None
    thresholds = manifest.thresholds if asked is True else asked
    if thresholds is None:
        raise PortableError(
            "The model has no thresholds of its own: it was not measured after its training, or "
            "none of its classes is called background."
        )
    if len(thresholds) != manifest.num_classes:
        raise PortableError(
            "There are {thresholds} thresholds for {classes} classes: give one for each.",
            thresholds=len(thresholds),
            classes=manifest.num_classes,
        )
    return threshold_offsets(thresholds)


def choose_classes(logarithms: Scores, offsets: Scores | None) -> LabelMap:
    """Return the class of each pixel, (H, W), by logarithms of scores (C, H, W)."""
    if offsets is not None:
        logarithms = logarithms + offsets[:, None, None]
    return np.asarray(logarithms.argmax(axis=0), np.uint8)


def choose_by_probability(scores: Scores, offsets: Scores | None) -> LabelMap:
    """Return the class of each pixel, (H, W), by probabilities (C, H, W)."""
    if offsets is None:
        return np.asarray(scores.argmax(axis=0), np.uint8)
    factors = np.exp(offsets)[:, None, None]
    label_map = np.empty(scores.shape[1:], np.uint8)
    for top in range(0, len(label_map), _ROWS):  # the products are as large as the scores
        rows = slice(top, top + _ROWS)
        label_map[rows] = (scores[:, rows] * factors).argmax(axis=0)
    return label_map
