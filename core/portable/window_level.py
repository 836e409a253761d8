"""From any depth to 8 bits: window and level.

The window is the range of values spread over black to white, the level its middle. The default
window is what networks see, what thumbnails show, and what labelling begins with. Pictures keep
their channels: nothing is copied to RGBA.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_Bytes = npt.NDArray[np.uint8]
AnyDepth = _Bytes | npt.NDArray[np.uint16] | npt.NDArray[np.floating]
_SAMPLES = 1_000_000
_ROWS = 64
_WHITE = 255.0
_PERCENTILES = (0.1, 99.9)


@dataclass(frozen=True, slots=True)
class WindowLevel:
    """Values up to ``low`` are black, from ``high`` on white."""

    low: float
    high: float

    @property
    def window(self) -> float:
        """Width of the range."""
        return self.high - self.low


def default_window(image: AnyDepth) -> WindowLevel:
    """Return the window between percentiles 0.1 and 99.9 of all channels' finite values.

    The image alone decides, so that training, prediction and thumbnails agree without a note of
    the data set; percentiles, because one hot pixel would darken everything else. Of images above
    a million pixels, evenly spaced rows and columns count.

    8-bit images get 0 … 255: they are meant to be seen as they are. A window of 16-bit integers is
    at least 255 wide: the noise of an even surface must not become a pattern, and 8-bit values in
    a 16-bit file stay what they are. An image without finite values gets 0 … 1, a floating-point
    one of a single value a window of width 1 around it.

    Args:
        image: (H, W) or (H, W, 3) uint8, uint16 or float.
    """
    if image.dtype == np.uint8:
        return WindowLevel(0.0, 255.0)
    step = max(1, int(np.ceil(np.sqrt(image.shape[0] * image.shape[1] / _SAMPLES))))
    values = image[::step, ::step].reshape(-1)
    if np.issubdtype(image.dtype, np.floating):
        values = values[np.isfinite(values)]
    if not values.size:
        return WindowLevel(0.0, 1.0)
    low, high = (float(value) for value in np.percentile(values, _PERCENTILES))
    if high <= low:  # nearly all one value: what differs is what matters
        low, high = float(values.min()), float(values.max())
    if image.dtype == np.uint16:
        return _widened(low, high)
    return WindowLevel(low, high) if high > low else WindowLevel(low - 0.5, low + 0.5)


def _widened(low: float, high: float) -> WindowLevel:
    """At least 255 wide around the same middle, but not below 0."""
    if high - low >= _WHITE:
        return WindowLevel(low, high)
    low = max(0.0, float(np.floor((low + high - _WHITE) / 2)))
    return WindowLevel(low, low + _WHITE)


def window_table(window: WindowLevel, *, bits: int) -> npt.NDArray[np.uint8]:
    """Return the displayed value, 0 … 255, of each of the 2^bits values."""
    return _scaled(np.arange(2**bits, dtype=np.float64), window)


def to_display(
    image: AnyDepth, window: WindowLevel | None = None, *, out: _Bytes | None = None
) -> _Bytes:
    """Return an image as it is shown; channels of colour share one window.

    Args:
        image: (H, W) or (H, W, 3) uint8, uint16 or float; NaN and -inf are black, inf is white.
        window: values to spread; ``default_window`` if None.
        out: uint8 array of the image's size to write to.

    Returns:
        uint8 of the image's shape.

    Raises:
        ValueError: another type or number of dimensions.
    """
    if image.ndim not in (2, 3):
        raise ValueError(f"an image of shape {image.shape}, not (height, width[, channels])")
    window = default_window(image) if window is None else window
    shown = np.empty(image.shape, np.uint8) if out is None else out
    if image.dtype in (np.uint8, np.uint16):
        table = window_table(window, bits=8 * image.dtype.itemsize)
        for start in range(0, image.shape[0], _ROWS):  # indices become 64 bits wide on the way
            rows = slice(start, start + _ROWS)
            shown[rows] = np.take(table, image[rows].astype(np.intp), mode="clip")
        return shown
    if not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"an image of {image.dtype}, not uint8, uint16 or float")
    for start in range(0, image.shape[0], _ROWS):  # the double-width copy stays small
        rows = slice(start, start + _ROWS)
        shown[rows] = _scaled(image[rows].astype(np.float64), window)
    return shown


def _scaled(values: npt.NDArray[np.float64], window: WindowLevel) -> npt.NDArray[np.uint8]:
    values = np.nan_to_num(values, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    if window.window <= 0:
        return np.where(values >= window.high, 255, 0).astype(np.uint8)
    np.clip(values, window.low, window.high, out=values)
    return ((values - window.low) * (255 / window.window) + 0.5).astype(np.uint8)
