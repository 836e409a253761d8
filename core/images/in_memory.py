"""Images that a script holds in memory, brought to what ``read_image`` makes of a file."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from core.portable.window_level import WindowLevel, to_display
from core.system.errors import InputError

ImageArray = npt.NDArray[np.uint8]

#: What callers of ``as_image`` may be given besides paths.
IN_MEMORY: Final = (np.ndarray, Image.Image)
_FRACTIONS = WindowLevel(0.0, 1.0)
_BYTES = WindowLevel(0.0, 255.0)
_WHITE = 255


def as_image(source: Any) -> ImageArray:
    """Return an image in memory as networks see it: uint8 (H, W, 3), BGR.

    As with files, grey becomes three equal channels, alpha is dropped, a Pillow image is turned as
    its camera says, and uint16 is spread over black to white by its default window. Bools are
    black and white. Other numbers are taken as 8 bits where they all are from 0 to 255, fractions
    as shares of white where they all are from 0 to 1, the way libraries for images in Python have
    them; beyond that they are spread like those of a file of such numbers.

    Args:
        source: array (H, W), (H, W, 1), (H, W, 2) with alpha, (H, W, 3) BGR or (H, W, 4) BGRA; or
            a Pillow image of any mode.

    Raises:
        InputError: nothing of that, or nothing in it can be seen.
    """
    if isinstance(source, Image.Image):
        return _eight_bits(_from_pillow(source))
    if not isinstance(source, np.ndarray):
        raise not_an_image(source)
    array = np.asarray(source)
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3 and array.size:
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "buif" or array.ndim not in (2, 3) or not array.size:
        raise _unfit(array)
    if array.ndim == 3:
        if array.shape[2] > 4:
            raise _unfit(array)
        array = array[..., 0] if array.shape[2] < 3 else array[..., :3]
    return _eight_bits(array.astype(array.dtype.newbyteorder("="), copy=False))


def not_an_image(value: Any) -> InputError:
    """The error of a value that is no image at all."""
    return InputError(
        "{kind} is no image: an image is a path, a Pillow image, or an array (height, width), "
        "(height, width, 3) BGR or (height, width, 4) BGRA of bools or real numbers.",
        kind="None" if value is None else type(value).__name__,
    )


def _unfit(array: npt.NDArray[Any]) -> InputError:
    return InputError(
        "An array of {dtype} with the shape {shape} is no image: give (height, width), "
        "(height, width, 3) BGR or (height, width, 4) BGRA of bools or real numbers.",
        dtype=str(array.dtype),
        shape=tuple(array.shape),
    )


def _eight_bits(array: npt.NDArray[Any]) -> ImageArray:
    """(H, W) or (H, W, 3) BGR of any numbers → uint8 (H, W, 3)."""
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(_WHITE)
    elif array.dtype.kind == "f":
        array = _from_fractions(array)
    elif array.dtype == np.uint16:
        array = to_display(array)
    elif array.dtype != np.uint8:
        fits = array.min() >= 0 and array.max() <= _WHITE
        array = array.astype(np.uint8) if fits else to_display(array.astype(np.float32))
    if array.ndim == 2:
        array = np.asarray(cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_GRAY2BGR))
    return np.ascontiguousarray(array, np.uint8)


def _from_fractions(array: npt.NDArray[Any]) -> ImageArray:
    values = array[np.isfinite(array)]
    if not values.size:
        raise InputError("The image holds no finite value; check how it was computed.")
    window = None
    if values.min() >= 0:
        highest = values.max()
        window = _FRACTIONS if highest <= 1 else _BYTES if highest <= _WHITE else None
    with np.errstate(over="ignore"):
        # Half precision has no room for what the window multiplies by.
        return to_display(array.astype(np.float32, copy=False), window)


def _from_pillow(image: Image.Image) -> npt.NDArray[Any]:
    """(H, W) of its own depth, or (H, W, 3) uint8 BGR."""
    try:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):
            return np.asarray(upright).astype(np.uint16)
        if upright.mode == "I":  # what Pillow makes of many a file of 16 bits
            values = np.asarray(upright)
            deep = bool(values.size) and values.min() >= 0 and values.max() <= 0xFFFF
            array = values.astype(np.uint16 if deep else np.float32)
        elif upright.mode in ("1", "L", "F"):
            array = np.asarray(upright)
        else:
            array = np.asarray(upright.convert("RGB"))[..., ::-1]
    except Exception as error:  # Pillow reads files late, and its decoders raise what they like
        raise InputError(
            "The Pillow image {name} cannot be read: {reason}.",
            name=str(getattr(image, "filename", "") or f"({image.mode})"),
            reason=str(error) or type(error).__name__,
        ) from error
    if not array.size:
        raise _unfit(array)
    return array
