"""The odds of every class in each pixel, kept beside an evaluation to try thresholds with.

A file a measured image: a grey PNG with one plane for each class but the background, below each
other in the order of their ids. A value is the bin of the class's odds against the background
(``core.prediction.thresholds``), 0 below the lowest threshold that is offered. So a plane is 0
nearly everywhere, and the file of an inspected surface has some hundredths of its raw size.

The label maps that follow are those that the network would give, but for this: two classes whose
odds fall into the same bin, an eighth of a unit wide, cannot be told apart. Then the one stays that
was predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX, read_mask, write_image
from core.prediction.thresholds import FIRST_BIN, LAST_BIN, NEUTRAL, bin_of_share
from core.system.errors import InputError

LabelMap = npt.NDArray[np.uint8]
Bins = npt.NDArray[np.int16]


def write_odds(file: Path, class_odds: npt.NDArray[np.uint8]) -> None:
    """Keep an image's odds, (H, W, C - 1) uint8 (``core.prediction.choosing.Choice``)."""
    planes = class_odds.transpose(2, 0, 1).reshape(-1, class_odds.shape[1])
    write_image(file, np.where(planes < FIRST_BIN, np.uint8(0), planes))


def read_odds(file: Path, shape: tuple[int, int], *, classes: int) -> npt.NDArray[np.uint8]:
    """Read an image's odds, (C - 1, H, W) uint8.

    Args:
        file: as ``write_odds`` made it.
        shape: height and width of the image.
        classes: how many there are, the background included.

    Raises:
        InputError: the file is gone, damaged, or of another image.
    """
    planes = read_mask(file)
    height, width = shape
    if planes.shape != (height * (classes - 1), width):
        raise InputError(
            "The results in {folder} cannot be read; measure the model again.",
            folder=file.parent.parent,
        )
    return planes.reshape(classes - 1, height, width)


def threshold_bins(thresholds: Sequence[float | None], *, background: int) -> Bins:
    """Return the bin from which on each class but the background may be chosen, (C - 1,)."""
    shares = [one for index, one in enumerate(thresholds) if index != background]
    bins = [bin_of_share(NEUTRAL if one is None else one) for one in shares]
    return np.clip(bins, FIRST_BIN, LAST_BIN).astype(np.int16)


def choose_by_odds(
    odds: npt.NDArray[np.uint8], bins: Bins, predicted: LabelMap, *, background: int
) -> LabelMap:
    """Return the class of each pixel by thresholds.

    Args:
        odds: (C - 1, …) uint8, as kept.
        bins: as ``threshold_bins`` gives them, (C - 1,).
        predicted: what was chosen when they were measured, (…) uint8; 255 where the image was cut
            off, which stays.
        background: class id that means "nothing here".
    """
    best = np.full(predicted.shape, -1, np.int16)
    chosen = np.full(predicted.shape, background, np.uint8)
    defects = [index for index in range(len(odds) + 1) if index != background]
    for index, plane, first in zip(defects, odds, bins, strict=True):
        # Twice the bins, so that the class that was predicted wins where two are alike.
        above = plane.astype(np.int16)
        above -= first
        above *= 2
        above += (predicted == index) & (above >= 0)
        better = above > best
        chosen[better] = index
        best[better] = above[better]
    chosen[predicted == IGNORE_INDEX] = IGNORE_INDEX
    return chosen
