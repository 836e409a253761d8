"""An image whose mask can be read off it."""

from __future__ import annotations

from typing import Any

import numpy as np


def sample(height: int = 60, width: int = 90) -> dict[str, Any]:
    """Large blocks; the mask can be read off the image: class = grey / 60."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 :, : width // 2] = 1
    mask[height // 2 :, width // 3 :] = 2
    mask[: height // 5, width // 2 :] = 3
    return {"image": np.repeat((mask * 60)[..., None], 3, axis=2), "mask": mask}
