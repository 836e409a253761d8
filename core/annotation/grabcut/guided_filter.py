"""Guided filter (He et al., 2013): a coarse answer follows the edges of its image."""

from __future__ import annotations

import cv2
import numpy as np

from core.annotation.grabcut.min_cut import Plane
from core.images.io import ImageArray


def guided_filter(image: ImageArray, u: Plane) -> Plane:
    """Return ``u`` at the image's scale, its borders moved to the image's edges.

    The coefficients are worked out at the scale of ``u``.

    Args:
        image: uint8 BGR (H, W, 3).
        u: (h, w), at most the image's size.
    """
    size = (u.shape[1], u.shape[0])
    guide = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = np.asarray(cv2.resize(guide, size, interpolation=cv2.INTER_AREA), np.float32) / 255
    kernel = (5, 5)
    mean_i, mean_u = cv2.blur(small, kernel), cv2.blur(u, kernel)
    variance = cv2.blur(small * small, kernel) - mean_i * mean_i
    slope = (cv2.blur(small * u, kernel) - mean_i * mean_u) / (variance + 1e-4)
    offset = mean_u - slope * mean_i
    full = (image.shape[1], image.shape[0])
    slopes, offsets = (
        cv2.resize(np.asarray(cv2.blur(plane, kernel)), full) for plane in (slope, offset)
    )
    return np.asarray(slopes * (guide.astype(np.float32) / 255) + offsets, np.float32)
