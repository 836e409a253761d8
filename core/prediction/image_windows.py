"""Windows in the pixels of images that the preprocessing rescales.

Cut there, and each rescaled by itself, they are the same windows for the trained network and for a
file that takes images as they are; cut out of the rescaled image, they lie between its pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.portable.manifest import Tiling
from core.transforms import Normalize, Rescale, Transform


def scaled_tiling(window: tuple[int, int], overlap: int, *, scale: float) -> Tiling:
    """Return windows in pixels of the image.

    Args:
        window: (width, height) in pixels of the network's input.
        overlap: pixels of the network's input that neighbours share.
        scale: network pixels for each pixel of the image.
    """
    width, height, shared = (max(1, int(side / scale)) for side in (*window, overlap))
    return Tiling(width=width, height=height, overlap=min(shared, min(width, height) // 2))


def image_tiling(
    transforms: Sequence[Transform], window: tuple[int, int], overlap: int
) -> Tiling | None:
    """Return the windows in pixels of the image.

    None where they are cut out of the network's input: nothing is rescaled, or other transforms
    look at the image as a whole.

    Args:
        transforms: preprocessing.
        window: (width, height) in pixels of the network's input.
        overlap: pixels of the network's input that neighbours share.
    """
    if not all(isinstance(step, (Rescale, Normalize)) for step in transforms):
        return None
    scale = float(np.prod([step.scale for step in transforms if isinstance(step, Rescale)]))
    return None if scale == 1 else scaled_tiling(window, overlap, scale=scale)
