"""OpenCV's GrabCut, one round at a time."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from core.annotation.edits import Pixels
from core.images.io import ImageArray

_ROUNDS = 3  # OpenCV's colours and cut in turns; more changed nothing that lasted
_COMPONENTS = 5  # OpenCV's mixtures; its k-means needs as many pixels on both sides


def box_cut(image: ImageArray, inside: Pixels, cancelled: Callable[[], bool]) -> Pixels | None:
    """Return the object's pixels by ``cv2.grabCut``; the same input gives the same answer.

    Args:
        image: uint8 BGR (H, W, 3).
        inside: (H, W), the drawn box; what is outside is not object.
        cancelled: asked before each round, which takes some tenths of a second at 512 × 512.

    Returns:
        (H, W), or None if cancelled or if too few pixels are inside or outside.
    """
    count = int(np.count_nonzero(inside))
    if min(count, inside.size - count) < _COMPONENTS or cancelled():
        return None
    labels = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    # No round yet, only the mixtures: so that the rounds can be told to stop in between.
    cv2.grabCut(image, labels, None, *models, 0, cv2.GC_INIT_WITH_MASK)
    for _ in range(_ROUNDS):
        if cancelled():
            return None
        if not (labels == cv2.GC_PR_FGD).any():
            break
        cv2.grabCut(image, labels, None, *models, 1, cv2.GC_EVAL)
    return np.asarray(labels == cv2.GC_PR_FGD)
