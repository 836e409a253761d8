"""Decoding image files as networks see them, with OpenCV alone: uint8 (H, W, 3), BGR.

The same pixels as ``core.images.io.read_image`` gives; kinds of files for which that needs other
libraries are refused with a sentence.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from .picture_headers import (
    PictureHeader,
    cut_short,
    end_of_jpeg,
    read_picture_header,
    unreadable,
)
from .portable_error import PortableError
from .window_level import to_display

Image = npt.NDArray[np.uint8]

#: Of the files that are read; what a file is, its content tells.
PICTURE_SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".webp"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)
_DEEP: Final = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
_ANY_DATA = b"".join(bytes(range(1, 255)) + bytes((0xFF, 0xD0 + n)) for n in range(8))
"""Data of a JPEG, with the marks that divide it in some."""
_BLOCK = 4
"""Rows and columns that are in one block of a JPEG wherever its size ends."""


def read_picture(path: str | Path) -> Image:
    """Read an image file: uint8 (H, W, 3), BGR, upright.

    Grey becomes three equal channels, alpha is dropped, and the camera's orientation is applied.
    More than 8 bits are spread over black to white by ``window_level.default_window``.

    Raises:
        PortableError: missing, no image, cut short, or more than ``MAX_PIXELS`` pixels.
    """
    file = Path(path)
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # a pipe may never end
            raise unreadable(path)
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise PortableError("{file} does not exist.", file=path) from error
    except OSError as error:
        raise PortableError(
            "{file} cannot be read: {reason}.", file=path, reason=error.strerror or error
        ) from error
    return decode_picture(data, name=path)


def decode_picture(data: bytes, *, name: object = "image") -> Image:
    """Decode the bytes of an image file, as ``read_picture``.

    Args:
        data: the whole file.
        name: what errors call it.

    Raises:
        PortableError: as ``read_picture``.
    """
    header = read_picture_header(name, data)
    if not header.is_deep:
        image = _decode(name, data, cv2.IMREAD_COLOR, header)
        if header.kind == "JPEG" and _has_flat_corner(image) and _lacks_data(data):
            raise cut_short(name)
        return np.ascontiguousarray(image, np.uint8)
    values = deep_values(
        _decode(name, data, _DEEP, header),
        is_inverted=header.is_inverted,
        no_data=header.no_data,
    )
    shown = to_display(values)
    return shown if shown.ndim == 3 else np.asarray(cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR))


def deep_values(
    image: npt.NDArray[Any], *, is_inverted: bool = False, no_data: float | None = None
) -> npt.NDArray[Any]:
    """Turn the stored numbers of an image of more than 8 bits into brightness.

    Args:
        image: (H, W) or (H, W, 3), any type.
        is_inverted: whether 0 is white; of 16 bits only.
        no_data: the value that stands for none: it must not stretch the window of the others.

    Returns:
        uint16 or float32; values that are too large for it are infinite.
    """
    without = None if no_data is None else _equal(image, no_data)
    if image.dtype != np.uint16:
        with np.errstate(over="ignore"):
            image = image.astype(np.float32, copy=False)
    elif is_inverted:
        image = np.iinfo(np.uint16).max - image
    if without is not None and without.any() and not without.all():
        image = image.copy()
        image[without] = np.nan if image.dtype == np.float32 else image[~without].min()
    return np.ascontiguousarray(image)


def _equal(image: npt.NDArray[Any], value: float) -> npt.NDArray[np.bool_]:
    """Where an image has a value that is given as text, rounded as the image's type rounds it."""
    if image.dtype.kind == "f":
        with np.errstate(over="ignore"):
            value = image.dtype.type(value)
        return np.asarray(np.isnan(image) if np.isnan(value) else image == value)
    return np.asarray(image == value)


def _decode(name: object, data: bytes, flag: int, header: PictureHeader) -> npt.NDArray[Any]:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise unreadable(name) from error
    if image is None or sorted(image.shape[:2]) != sorted((header.width, header.height)):
        raise unreadable(name)
    return np.asarray(image)


def _has_flat_corner(image: npt.NDArray[Any]) -> bool:
    """Whether a corner block is of one colour, as decoders fill a JPEG that breaks off."""
    ends = (slice(None, _BLOCK), slice(-_BLOCK, None))
    corners = (image[rows, columns] for rows in ends for columns in ends)
    return any(bool((corner == corner[0, 0]).all()) for corner in corners)


def _lacks_data(data: bytes) -> bool:
    """Whether the first picture of a JPEG would go on with what stood before its end marker.

    An end marker proves nothing: it may be another picture's. Decoders say nothing either, but
    whole pictures take no notice of more data, and those that break off do.
    """
    end = end_of_jpeg(data)
    first, second = (
        np.asarray(cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8))
        for one in (data, data[:end] + _ANY_DATA + data[end:])
    )
    return not np.array_equal(first, second)
