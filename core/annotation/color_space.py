"""The colours image-guided tools compare."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import ImageArray

Lab = npt.NDArray[np.float32]


def as_bgr(image: ImageArray) -> ImageArray:
    """Return a uint8 image (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) as BGR (H, W, 3).

    Other depths go through ``core.portable.window_level`` first.

    Raises:
        ValueError: any other shape or type.
    """
    if image.dtype != np.uint8:
        raise ValueError(f"an image of {image.dtype}, not uint8")
    if image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    if image.ndim == 3 and image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    if image.ndim == 3 and image.shape[2] in (3, 4):
        return np.ascontiguousarray(image[..., :3])
    raise ValueError(f"an image of shape {image.shape}")


def to_lab(image: ImageArray) -> Lab:
    """Return CIE Lab (H, W, 3) of a uint8 BGR or grey image, L in 0 … 100."""
    scaled: Any = as_bgr(image).astype(np.float32) / np.float32(255)
    lab: Lab = cv2.cvtColor(scaled, cv2.COLOR_BGR2Lab)
    return lab
