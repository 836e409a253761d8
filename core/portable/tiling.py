"""Windows over images that are too large to be computed at once, blended where they overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .manifest import Tiling

Weights = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

#: Pixels of windows that are computed at once: what the network keeps of them bounds it.
_BATCH_PIXELS = 2 * 1024 * 1024
#: Probabilities below are as good as none; a logarithm needs some.
_SMALLEST = np.float32(1e-37)


def window_starts(length: int, window: int, overlap: int) -> tuple[list[int], int]:
    """Cover ``length`` pixels with windows that share at least ``overlap``.

    Returns:
        where each window starts, ascending, and the windows' common length.
    """
    window = min(window, length)
    if window == length:
        return [0], length
    count = 1 + -(-(length - window) // max(1, window - overlap))
    return [round(index * (length - window) / (count - 1)) for index in range(count)], window


def blend_weights(starts: Sequence[int], window: int, length: int) -> list[Weights]:
    """Weights of each window's pixels, (window,) float32 in (0, 1].

    They fall linearly where windows overlap, since a network sees least context at its border;
    the image's own borders keep 1.
    """
    shared = max((start + window - after for start, after in pairwise(starts)), default=0)
    ramp = np.minimum(1.0, (np.arange(window, dtype=np.float32) + 1) / (shared + 1))
    weights = []
    for start in starts:
        one = np.ones(window, np.float32)
        if start > 0:
            one = np.minimum(one, ramp)
        if start + window < length:
            one = np.minimum(one, ramp[::-1])
        weights.append(one)
    return weights


def needs_windows(image: Image, tiling: Tiling | None) -> bool:
    """Whether an image (H, W, 3) is larger than a window."""
    height, width = image.shape[:2]
    return tiling is not None and (height > tiling.height or width > tiling.width)


def score_rows(
    image: Image,
    tiling: Tiling,
    scores: Callable[[Image], Scores],
    *,
    multiple: int = 1,
) -> Iterator[tuple[int, Scores]]:
    """Compute the windows of an image band by band; yield finished rows from the top.

    What is blended are logarithms of probabilities: up to one number a pixel they are the
    network's own logits, so that the highest is where it is when logits are blended.

    Args:
        image: (H, W, 3) uint8.
        tiling: of the windows, in the image's pixels.
        scores: (N, h, w, 3) uint8 → probabilities (N, C, h, w).
        multiple: what sides of windows are multiples of, where the image is larger than a window.

    Yields:
        first row, logarithms (C, rows, W); valid until the next one is asked for.
    """
    height = len(image)
    tops, tall = window_starts(height, _side(height, tiling.height, multiple), tiling.overlap)
    row_weights = blend_weights(tops, tall, height)
    sums: Scores | None = None  # of the rows that are not finished, from the band's top on
    totals = np.zeros((tall, 1), np.float32)
    for index, top in enumerate(tops):
        weights = row_weights[index][:, None]
        band = _band(image[top : top + tall], tiling, scores, multiple)
        if sums is None:
            sums = np.zeros_like(band)
        band *= weights
        sums += band
        del band  # as large as the sums
        totals += weights
        done = (tops[index + 1] if index + 1 < len(tops) else height) - top
        sums[:, :done] /= totals[:done]
        yield top, sums[:, :done]
        for array in (sums.swapaxes(0, 1), totals):
            array[: tall - done] = array[done:].copy()
            array[tall - done :] = 0


def _band(image: Image, tiling: Tiling, scores: Callable[[Image], Scores], multiple: int) -> Scores:
    """Blend the windows side by side in a band of one window's height: (C, rows, W)."""
    height, width = image.shape[:2]
    starts, wide = window_starts(width, _side(width, tiling.width, multiple), tiling.overlap)
    weights = blend_weights(starts, wide, width)
    at_once = max(1, _BATCH_PIXELS // (height * wide))
    sums: Scores | None = None
    totals = np.zeros(width, np.float32)
    for first in range(0, len(starts), at_once):
        batch = starts[first : first + at_once]
        computed = scores(np.stack([image[:, start : start + wide] for start in batch]))
        if sums is None:
            sums = np.zeros((computed.shape[1], height, width), np.float32)
        logarithms = np.log(np.maximum(computed, _SMALLEST))
        for place, start in enumerate(batch):
            one = weights[first + place]
            sums[:, :, start : start + wide] += logarithms[place] * one
            totals[start : start + wide] += one
    assert sums is not None  # there is at least one window
    sums /= totals
    return sums


def _side(length: int, chosen: int, multiple: int) -> int:
    """Return the side of the windows along an axis of ``length``, at most what was chosen."""
    if length <= chosen:
        return length
    return max(multiple, chosen // multiple * multiple)
