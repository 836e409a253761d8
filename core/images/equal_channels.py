"""Label maps that a program saved as colour images: three channels that say the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

_MODES = ("RGB", "RGBA", "LA")
_ALPHA = 3


def equal_channels(image: Image.Image) -> npt.NDArray[np.uint8] | None:
    """Return the one channel (H, W) of an image whose colour channels are equal everywhere.

    Args:
        image: of 8 bits; decoded by this. Alpha counts for nothing, so it must be the same
            everywhere: where it is not, the shape that was meant may be in it.

    Returns:
        None where the channels differ, or there is something else in them.
    """
    if image.mode not in _MODES:
        return None
    if image.mode.endswith("A"):
        low, high = image.getchannel("A").getextrema()
        if low != high:
            return None
    values = np.asarray(image)
    first = values[..., 0]
    if image.mode != "LA":
        for channel in range(1, _ALPHA):
            if not np.array_equal(first, values[..., channel]):
                return None
    return np.ascontiguousarray(first)
