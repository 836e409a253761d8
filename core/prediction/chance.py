"""How much a mean IoU says that was measured on few images."""

from __future__ import annotations

import math
from typing import Final

#: Images from which on the higher one of two mean IoUs is that of the better model, mostly.
ENOUGH_IMAGES: Final = 10
#: How far chance moves a mean IoU that is measured on one image; on n images, √n times less.
_ON_ONE_IMAGE: Final = 0.4


def chance(images: int) -> float:
    """Return how far chance moves a mean IoU (0 … 1) that is measured on so many images."""
    return _ON_ONE_IMAGE / math.sqrt(images)


def gain_to_ask_for(images: int, *, gain: float) -> float:
    """Return how much more mean IoU (0 … 1) what usually helps must bring to be taken.

    Args:
        images: that it is measured on.
        gain: to ask for where they are enough to tell by; where they are not, it is taken unless it
            loses more than chance does.
    """
    return gain if images >= ENOUGH_IMAGES else -chance(images)
