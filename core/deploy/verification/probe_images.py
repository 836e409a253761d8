"""Pictures that bring out what images may not: colours, odd sizes, scaling both ways.

Grey images look alike in any order of colours, and images of the network's own size are not resized
at all. The pictures are made of whole numbers, so they are the same on every machine.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

#: (width, height): odd, one smaller and one larger than the usual network inputs, one elongated.
SIZES: Final = ((131, 97), (701, 523), (430, 61))


def probe_images() -> tuple[npt.NDArray[np.uint8], ...]:
    """Return the pictures, each (H, W, 3) uint8 BGR."""
    return tuple(_picture(width, height) for width, height in SIZES)


def _picture(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Ramps, rings and fine noise, others in each colour."""
    y, x = np.mgrid[:height, :width].astype(np.int64)
    noise = (x * 7919 + y * 104729 + x * y * 31) % 61
    blue = 255 * x // max(width - 1, 1)
    green = ((x - width // 3) ** 2 + (y - height // 2) ** 2) // 17 % 256
    red = 255 - 255 * y // max(height - 1, 1) * (1 + x // 19 % 2) // 2
    channels = [np.clip(one * 3 // 4 + noise, 0, 255) for one in (blue, green, red)]
    return np.stack(channels, axis=-1).astype(np.uint8)
