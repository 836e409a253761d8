"""From the bytes of an image file to pixels, by whichever library reads it rightly."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ImageOps
from PIL.ExifTags import Base as Tag

from core.images.headers import (
    Header,
    cut_short,
    import_tifffile,
    open_header,
    unreadable,
)
from core.portable.picture_headers import MAX_PIXELS, end_of_jpeg
from core.portable.pictures import deep_values
from core.system.errors import InputError

Pixels = npt.NDArray[Any]
_DEEP = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
_MOST_CHANNELS = 4
_SURELY_OPENCVS = ("BMP", "JPEG", "MPO", "PNG", "WEBP")
"""Formats that OpenCV reads; the others come and go with its builds, or lose their orientation."""
_LZW = 5
_ANY_DATA = b"".join(bytes(range(1, 255)) + bytes((0xFF, 0xD0 + n)) for n in range(8))
"""Data of a JPEG, with the marks that divide it in some."""
_BLOCK = 4
"""Rows and columns that are in one block of a JPEG wherever its size ends."""
_UNKNOWN_TAG = 339 + 1  # SMinSampleValue, which decoders pass over
_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False)}
_TURNS |= {7: (1, True), 8: (1, False)}
"""Orientation → (quarter turns to the left, then mirrored sideways)."""


def decode_bytes(path: Path | str, data: bytes, header: Header, flag: int) -> npt.NDArray[np.uint8]:
    """Decode an image of 8 bits as OpenCV's ``flag`` says: (H, W) or (H, W, 3) BGR.

    Raises:
        InputError: damaged.
    """
    if header.needs_tifffile and header.channels > 1:
        return _three_channels(np.asarray(_tifffile(path, data), np.uint8))
    if header.format in (*_SURELY_OPENCVS, "TIFF"):
        image = _opencv(path, data, flag)
        if image is not None:
            if header.format in ("JPEG", "MPO") and _has_flat_corner(image) and _lacks_data(data):
                raise cut_short(path)
            return np.asarray(image, np.uint8)
    if header.format in _SURELY_OPENCVS:  # this one is damaged
        raise unreadable(path, ValueError())
    with open_header(path, data) as opened:
        try:
            upright = opened if header.format == "TIFF" else ImageOps.exif_transpose(opened)
            return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[..., ::-1])
        except Exception as error:
            raise unreadable(path, error) from error


def _has_flat_corner(image: Pixels) -> bool:
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
    more = data[:end] + _ANY_DATA + data[end:]
    try:
        return not np.array_equal(_eighth(data), _eighth(more))
    except Exception:  # Pillow cannot judge what OpenCV has decoded
        return False


def _eighth(data: bytes) -> Pixels:
    """Decode a JPEG to an eighth of its size; OpenCV would write warnings to the console."""
    with open_header("", data) as image:
        image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
        return np.asarray(image)


def _three_channels(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    if image.ndim == 3:
        return np.ascontiguousarray(image)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_GRAY2BGR), np.uint8)


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
    image = _deep_pixels(path, data, header)
    if image is None or image.shape[:2] != (header.height, header.width):
        raise unreadable(path, ValueError())
    return deep_values(image, is_inverted=header.is_inverted, no_data=header.no_data)


def _deep_pixels(path: Path | str, data: bytes, header: Header) -> Pixels | None:
    if header.needs_tifffile:
        return _tifffile(path, data)
    if header.format in ("PNG", "TIFF"):
        return _opencv(path, data, _DEEP)
    with open_header(path, data) as opened:
        try:
            image = np.asarray(ImageOps.exif_transpose(opened))
        except Exception as error:
            raise unreadable(path, error) from error
    fits = image.dtype.kind in "iu" and image.min(initial=0) >= 0 and image.max(initial=0) < 2**16
    return image.astype(np.uint16) if fits else image


def _opencv(path: Path | str, data: bytes, flag: int) -> Pixels | None:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise unreadable(path, error) from error
    return None if image is None else np.asarray(image)


def _tifffile(path: Path | str, data: bytes) -> Pixels:
    """Half precision, which OpenCV refuses, and colours that it mixes up.

    They are in separate planes, or the file says that they are grey with something besides.
    """
    tifffile = import_tifffile()
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            orientation = page.tags.get(int(Tag.Orientation))
            if page.size > MAX_PIXELS * _MOST_CHANNELS:  # volumes have a depth besides
                raise ValueError("too large")
            if page.compression == _LZW:  # needs a library of half the size of this program
                image = cv2.imdecode(np.frombuffer(_as_colors(data, page), np.uint8), _DEEP)
                return np.asarray(image)
            image = page.asarray()
            if page.axes.startswith("S"):
                image = np.moveaxis(image, 0, -1)
            return upright(image, 1 if orientation is None else int(orientation.value))
    except Exception as error:
        raise unreadable(path, error) from error


def _as_colors(data: bytes, page: Any) -> bytes:
    """Return a TIFF whose bands are called red, green and blue in its tags, for OpenCV."""
    changed = bytearray(data)
    order: Literal["little", "big"] = "little" if page.parent.byteorder == "<" else "big"
    photometric = page.tags[int(Tag.PhotometricInterpretation)]
    changed[photometric.valueoffset : photometric.valueoffset + 2] = (2).to_bytes(2, order)
    extra = page.tags.get(int(Tag.ExtraSamples))
    if extra is not None:  # at most one sample is none of the three
        value = (int(page.samplesperpixel) - 3).to_bytes(4, order)
        changed[extra.offset + 4 : extra.offset + 8] = value
        if not any(value):  # an empty tag is an error: it becomes one that nobody knows
            changed[extra.offset + 4 : extra.offset + 8] = (1).to_bytes(4, order)
            changed[extra.offset : extra.offset + 2] = (_UNKNOWN_TAG).to_bytes(2, order)
        changed[extra.offset + 8 : extra.offset + 12] = bytes(4)
    return bytes(changed)


def upright(image: Pixels, orientation: int) -> Pixels:
    """Turn pixels as they are stored, and put red, green, blue (and alpha) into OpenCV's order.

    Args:
        image: (H, W), or (H, W, channels).
        orientation: 1 … 8, as EXIF counts.
    """
    image = turned(image, orientation)
    if image.ndim == 3:
        image = image[..., 0] if image.shape[-1] < 3 else image[..., 2::-1]
    return image


def turned(image: Pixels, orientation: int) -> Pixels:
    """Return stored pixels (H, W …) as EXIF's ``orientation``, 1 … 8, says that they are seen."""
    quarters, mirrored = _TURNS.get(orientation, (0, False))
    image = np.rot90(image, quarters)
    return image[:, ::-1] if mirrored else image


def decode_wide_mask(path: Path | str, data: bytes) -> Pixels:
    """Return the values of a TIFF of one channel that Pillow does not know: 64 bits, halves.

    Raises:
        InputError: damaged, or several channels.
    """
    tifffile = import_tifffile()
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            orientation = page.tags.get(int(Tag.Orientation))
            if page.size > MAX_PIXELS:
                raise ValueError("too large")
            image = np.asarray(page.asarray())
    except Exception as error:
        raise unreadable(path, error) from error
    if image.ndim != 2:
        raise InputError(
            "The mask {file} has {channels} {channels:channel|channels}; save it as a "
            "single-channel image whose pixel values are class indices.",
            file=path,
            channels=image.shape[-1],
        )
    return turned(image, 1 if orientation is None else int(orientation.value))
