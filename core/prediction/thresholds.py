"""How sure a model must be of a class: thresholds chosen on labelled images.

A class's threshold is about its share against the background, p(class) / (p(class) +
p(background)). At 0.5 for every class the label map is that of the highest score; so thresholds are
added to the scores before it is chosen, and an exported file can do that itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from core.portable.class_choice import threshold_offsets
from core.portable.portable_error import PortableError
from core.system.errors import InputError

LabelMap = npt.NDArray[np.uint8]
#: What a caller may ask for: True for the model's own, False for none, or one for each class.
Thresholds: TypeAlias = bool | Sequence[float | None]
#: How the logarithm of the odds is counted: 256 bins from -16 to 16.
BINS: Final = 256
_LIMIT: Final = 16.0
_BINS_PER_UNIT: Final = BINS / (2 * _LIMIT)
#: Farther from even odds none is chosen: it would follow single images (0.018 … 0.982).
_FARTHEST: Final = 4.0
NEUTRAL: Final = 0.5
#: The bins whose lower edges are offered as thresholds.
FIRST_BIN: Final = BINS // 2 - int(_FARTHEST * _BINS_PER_UNIT)
LAST_BIN: Final = BINS // 2 + int(_FARTHEST * _BINS_PER_UNIT)
#: Pixels counted at once: bounds the memory that a very large image takes.
_BLOCK: Final = 1 << 20


def to_bins(odds: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Turn logarithms of odds into bins 0 … 255; 128 and more are even odds and better."""
    bins = np.clip((odds + _LIMIT) * _BINS_PER_UNIT, 0, BINS - 1)
    return np.asarray(bins, np.uint8)


def bin_of_share(share: float) -> int:
    """Return the bin whose lower edge is nearest to a share (above 0, below 1)."""
    return int(np.clip(round((np.log(share / (1 - share)) + _LIMIT) * _BINS_PER_UNIT), 0, BINS - 1))


def share_of_bin(place: float) -> float:
    """Return the share, 0 … 1, at the lower edge of a bin."""
    return float(1 / (1 + np.exp(_LIMIT - place / _BINS_PER_UNIT)))


def score_offsets(thresholds: Sequence[float | None]) -> npt.NDArray[np.float32]:
    """What is added to each class's score so that the highest one obeys the thresholds, (C,).

    Raises:
        InputError: one is not between 0 and 1.
    """
    try:
        return threshold_offsets(thresholds)
    except PortableError as error:
        raise InputError.from_portable(error) from error


def resolve_thresholds(
    asked: Thresholds, own: Sequence[float | None] | None
) -> Sequence[float | None] | None:
    """Return the thresholds to choose by, None for the highest score.

    Args:
        asked: True for the model's own, False for none, or one for each class.
        own: the model's.

    Raises:
        InputError: the model has none.
    """
    if asked is False:
        return None
    if asked is not True:
        return asked
    if own is None:
        raise InputError(
            "The model has no thresholds of its own: it was not measured after its training, or "
            "none of its classes is called background."
        )
    return own


class ThresholdCounts:
    """Pixels by class and share, summed over any number of images.

    Args:
        num_classes: number of classes.
        background: class id that means "nothing here".
    """

    def __init__(self, num_classes: int, *, background: int) -> None:
        self._background = background
        #: Pixels by likeliest class but the background, whether they are of it, and bin.
        self._pixels = np.zeros((num_classes, 2, BINS), np.int64)
        self._labelled = np.zeros(num_classes, np.int64)

    def update(
        self, defect: LabelMap, odds: LabelMap, mask: LabelMap, *, counted: npt.NDArray[np.bool_]
    ) -> None:
        """Count one image.

        Args:
            defect: likeliest class of each pixel but the background, (H, W).
            odds: its odds against the background, as ``to_bins`` gives them, (H, W).
            mask: labelled class ids, (H, W).
            counted: which pixels count, (H, W).
        """
        flat = [array.ravel() for array in (defect, odds, mask)]
        for start in range(0, counted.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            self._count(*(array[block] for array in flat), counted=counted.ravel()[block])

    def _count(
        self, defect: LabelMap, odds: LabelMap, mask: LabelMap, *, counted: npt.NDArray[np.bool_]
    ) -> None:
        defect, odds, mask = defect[counted], odds[counted], mask[counted]
        keys = (defect.astype(np.int64) * 2 + (defect == mask)) * BINS + odds
        self._pixels += np.bincount(keys, minlength=self._pixels.size).reshape(self._pixels.shape)
        self._labelled += np.bincount(mask, minlength=len(self._labelled))

    def choose(self) -> list[float | None]:
        """Return the threshold of each class with the highest F1 of its pixels.

        None for the background, 0.5 for a class that is not labelled anywhere. Of equal ones, the
        nearest to 0.5. Objects would be too few to choose by: three cracks have four recalls.
        """
        places = np.arange(FIRST_BIN, LAST_BIN + 1)
        nearest_first = places[np.argsort(abs(places - BINS // 2), kind="stable")]
        chosen: list[float | None] = []
        for index, (wrong, right) in enumerate(self._pixels):
            if index == self._background:
                chosen.append(None)
                continue
            hits, alarms = (pixels[::-1].cumsum()[::-1] for pixels in (right, wrong))
            f1 = 2 * hits / np.maximum(hits + alarms + self._labelled[index], 1)
            best = nearest_first[int(np.argmax(f1[nearest_first]))]
            chosen.append(round(share_of_bin(float(best)), 6) if right.any() else NEUTRAL)
        return chosen
