"""The image under the mask, ready to be drawn at any scale without a copy of it in RGBA."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import ImageArray, read_deep_image
from core.portable.window_level import WindowLevel, default_window, to_display

Pixels = npt.NDArray[Any]
_SMALLEST_LEVEL = 1024


@dataclass(frozen=True, slots=True, eq=False)
class ImagePyramid:
    """An image and its halvings.

    ``levels[k]`` is the image reduced 2^k times: (h, w) of uint8, uint16 or float32, or (h, w, 3)
    uint8 BGR.
    """

    levels: tuple[Pixels, ...]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self.levels[0].shape[:2]
        return width, height

    @property
    def nbytes(self) -> int:
        """Bytes that its pixels take."""
        return sum(int(level.nbytes) for level in self.levels)

    @property
    def is_grey(self) -> bool:
        """Whether a window can be chosen."""
        return self.levels[0].ndim == 2

    @property
    def value_range(self) -> tuple[float, float]:
        """Least and greatest value that a window may have."""
        pixels = self.levels[0]
        if pixels.dtype.kind == "u":
            return 0.0, float(np.iinfo(pixels.dtype).max)
        smallest = self.levels[-1]
        finite = smallest[np.isfinite(smallest)]
        return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)

    def default_window(self) -> WindowLevel:
        """Return the window that shows the most."""
        return default_window(self.levels[0]) if self.is_grey else WindowLevel(0.0, 255.0)

    def auto_window(self) -> WindowLevel:
        """Return the window that spreads most of the values over black to white."""
        pixels = self.levels[-1]
        if not self.is_grey:
            return WindowLevel(0.0, 255.0)
        return default_window(pixels.astype(np.float32))

    def as_shown(self, window: WindowLevel) -> ImageArray:
        """Return the whole image as it is shown: uint8 (H, W) or (H, W, 3) BGR."""
        return shown(self.levels[0], window)


def shown(pixels: Pixels, window: WindowLevel) -> ImageArray:
    """Return pixels of a picture as they are shown: uint8, grey ones through the window."""
    is_plain = pixels.dtype == np.uint8 and (window.low, window.high) == (0.0, 255.0)
    if pixels.ndim == 3 or is_plain:
        return pixels
    if pixels.dtype == np.uint8:
        table = to_display(np.arange(256, dtype=np.uint8)[None], window)
        return np.asarray(cv2.LUT(np.ascontiguousarray(pixels), table[0]), np.uint8)
    return to_display(pixels, window)


def read_pyramid(path: Path | str) -> ImagePyramid:
    """Read an image and halve it until it is small; raises ``InputError`` as ``read_image``."""
    return make_pyramid(read_deep_image(path))


def make_pyramid(pixels: Pixels) -> ImagePyramid:
    """Halve an image (H, W) or (H, W, 3) until it is small; deep colours are brought to uint8."""
    if pixels.ndim == 3 and pixels.dtype != np.uint8:
        pixels = to_display(pixels)
    levels: list[Pixels] = [pixels]
    while max(levels[-1].shape[:2]) > _SMALLEST_LEVEL:
        height, width = levels[-1].shape[:2]
        size = (-(-width // 2), -(-height // 2))
        levels.append(np.asarray(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA)))
    return ImagePyramid(tuple(levels))
