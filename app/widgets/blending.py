"""Masks and error maps blended into images, as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX
from core.images.palette import Color
from core.prediction.inspection import PixelError

ImageArray = npt.NDArray[np.uint8]

ERROR_COLORS: dict[PixelError, Color] = {
    PixelError.MISSED: (0, 114, 178),
    PixelError.FALSE: (213, 94, 0),
    PixelError.CONFUSED: (204, 121, 167),
    PixelError.IGNORED: (128, 128, 128),
}
"""Okabe and Ito's blue, vermillion and purple: apart for colour-blind eyes too."""

_STRENGTH = 0.6
_DIM = 0.4


def overlay_mask(
    bgr: ImageArray,
    label_map: ImageArray,
    colors: Sequence[Color],
    *,
    background: int | None = None,
    strength: float = _STRENGTH,
) -> ImageArray:
    """Return the image with a mask over it.

    Args:
        bgr: image, (H, W, 3) uint8.
        label_map: class ids, (h, w) uint8; stretched to the image without mixing classes.
        colors: red, green, blue of each class.
        background: class that stays clear; None: every class is coloured.
        strength: opacity of the colours, 0 … 1. Ignored pixels (255) get a faint white.
    """
    label_map = fit(label_map, bgr)
    table = np.zeros((256, 3), np.float32)
    alpha = np.zeros((256, 1), np.float32)
    for index, (red, green, blue) in enumerate(colors[:IGNORE_INDEX]):
        table[index] = blue, green, red
        alpha[index] = 0.0 if index == background else strength
    table[IGNORE_INDEX], alpha[IGNORE_INDEX] = 255.0, 0.25
    return _blend(bgr, table[label_map], alpha[label_map])


def overlay_errors(bgr: ImageArray, errors: ImageArray) -> ImageArray:
    """Return the greyed image with the errors of ``error_map`` over it."""
    errors = fit(errors, bgr)
    grey = cv2.cvtColor(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    table = np.zeros((256, 3), np.float32)
    alpha = np.zeros((256, 1), np.float32)
    for error, (red, green, blue) in ERROR_COLORS.items():
        table[error] = blue, green, red
        alpha[error] = 0.4 if error is PixelError.IGNORED else 0.8
    return _blend(np.asarray(grey, np.uint8), table[errors], alpha[errors])


def dim_excluded(bgr: ImageArray, included: npt.NDArray[np.bool_] | None) -> ImageArray:
    """Return the image darker where nothing is inspected.

    Args:
        bgr: image, (H, W, 3) uint8.
        included: what is inspected, (h, w); stretched to the image; None: all of it.
    """
    if included is None:
        return bgr
    inside = fit(included.astype(np.uint8), bgr)[..., None]
    return np.where(inside, bgr, (bgr * _DIM).astype(np.uint8))


def fit(label_map: ImageArray, bgr: ImageArray) -> ImageArray:
    """Return ids resized to the image's size, nearest neighbour."""
    height, width = bgr.shape[:2]
    if label_map.shape == (height, width):
        return label_map
    resized = cv2.resize(label_map, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(resized, np.uint8)


def shrink(bgr: ImageArray, max_side: int) -> ImageArray:
    """Return the image with its longer side at most ``max_side`` pixels."""
    height, width = bgr.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return bgr
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)


def _blend(
    bgr: ImageArray, color: npt.NDArray[np.float32], alpha: npt.NDArray[np.float32]
) -> ImageArray:
    mixed = bgr * (1 - alpha) + color * alpha
    return np.asarray(np.rint(mixed), np.uint8)
