"""From the bytes of an image file to pixels, by whichever library reads it rightly."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL.ExifTags import Base as Tag

from core.images.headers import MAX_PIXELS, Header, import_tifffile, open_header, unreadable
from core.system.errors import InputError

Pixels = npt.NDArray[Any]
_DEEP = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
_MOST_CHANNELS = 4
_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (1, True), 6: (3, False)}
_TURNS |= {7: (3, True), 8: (1, False)}
"""Orientation → (quarter turns to the left, then mirrored sideways)."""


def decode_bytes(path: Path | str, data: bytes, header: Header, flag: int) -> npt.NDArray[np.uint8]:
    """Decode an image of 8 bits as OpenCV's ``flag`` says: (H, W) or (H, W, 3) BGR.

    Raises:
        InputError: damaged.
    """
    image = _opencv(path, data, flag)
    if image is not None:
        return np.asarray(image, np.uint8)
    if header.format in ("BMP", "JPEG", "PNG", "WEBP"):  # OpenCV knows them: this one is damaged
        raise unreadable(path, ValueError())
    with open_header(path, data) as opened:
        try:
            return np.ascontiguousarray(np.asarray(opened.convert("RGB"))[..., ::-1])
        except Exception as error:
            raise unreadable(path, error) from error


def decode_deep(path: Path | str, data: bytes, header: Header) -> Pixels:
    """Decode an image of more than 8 bits, with sign, or with fractions.

    Alpha is dropped, the camera's orientation applied. Signed, 32-bit and floating-point values
    become float32: those that are too large for it infinite.

    Returns:
        uint16 or float32, (H, W) or (H, W, 3) BGR.

    Raises:
        InputError: damaged, or neither grey nor colour.
    """
    if header.channels > _MOST_CHANNELS:
        raise InputError(
            "{file} has {channels} channels; save it as grey or with red, green and blue.",
            file=path,
            channels=header.channels,
        )
    image = _tifffile(path, data) if header.needs_tifffile else _opencv(path, data, _DEEP)
    if image is None or image.shape[:2] != (header.height, header.width):
        raise unreadable(path, ValueError())
    if image.dtype != np.uint16:
        with np.errstate(over="ignore"):
            image = image.astype(np.float32, copy=False)
    elif header.is_inverted:
        image = np.iinfo(np.uint16).max - image
    return np.ascontiguousarray(image)


def _opencv(path: Path | str, data: bytes, flag: int) -> Pixels | None:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise unreadable(path, error) from error
    return None if image is None else np.asarray(image)


def _tifffile(path: Path | str, data: bytes) -> Pixels:
    """Half precision, which OpenCV refuses, and colours in separate planes, which it mixes up."""
    tifffile = import_tifffile()
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            orientation = page.tags.get(int(Tag.Orientation))
            if page.size > MAX_PIXELS * _MOST_CHANNELS:  # volumes have a depth besides
                raise ValueError("too large")
            image = page.asarray()
            if page.axes.startswith("S"):
                image = np.moveaxis(image, 0, -1)
            return _upright(image, 1 if orientation is None else int(orientation.value))
    except Exception as error:
        raise unreadable(path, error) from error


def _upright(image: Pixels, orientation: int) -> Pixels:
    """Turn pixels as they are stored, and put red, green, blue (and alpha) into OpenCV's order."""
    quarters, mirrored = _TURNS.get(orientation, (0, False))
    image = np.rot90(image, quarters)
    if mirrored:
        image = image[:, ::-1]
    if image.ndim == 3:
        image = image[..., 0] if image.shape[-1] < 3 else image[..., 2::-1]
    return image
