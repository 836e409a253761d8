"""What an image looks like in 256 bits: images that look alike differ in few of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core.images.io import thumbnail

_READ_SIDE = 256
_HASH_SIDE = 16


def perceptual_hash(path: Path | str) -> bytes:
    """Return the perceptual hash of an image file: 32 bytes.

    It is that of the lowest frequencies, so that size, compression and brightness change few bits.

    Raises:
        InputError: as ``read_image``.
    """
    from imagehash import phash  # brings a part of SciPy, which the window's start needs not

    grey = cv2.cvtColor(thumbnail(path, max_side=_READ_SIDE), cv2.COLOR_BGR2GRAY)
    found = phash(Image.fromarray(grey), hash_size=_HASH_SIDE)
    return np.packbits(found.hash).tobytes()
