"""Reading and writing images and masks by any path, and colours for classes.

OpenCV's own file functions fail on non-ASCII paths on Windows, so everything goes through bytes.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from core.images.decoding import decode_bytes, decode_deep, decode_wide_mask
from core.images.equal_channels import equal_channels
from core.images.headers import (
    Header,
    open_header,
    png_bits,
    read_header,
    size_from_header,
    unreadable,
)
from core.images.palette import Color, default_palette
from core.portable.window_level import to_display
from core.system.errors import InputError, UnreadableFilesError
from core.system.files import open_regular, write_bytes_atomic

ImageArray = npt.NDArray[np.uint8]

IGNORE_INDEX = 255
WRITABLE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp"})
IMAGE_SUFFIXES = WRITABLE_SUFFIXES | {
    ".jfif",
    ".mpo",
    ".gif",
    ".apng",
    ".avif",
    ".jp2",
    ".j2k",
    ".jpx",
}
IMAGE_SUFFIXES |= {".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".dib"}
"""Of the formats that are read; what a file is, its content tells."""
UNREAD_SUFFIXES = frozenset(
    {".heic", ".heif", ".jxl", ".psd", ".exr", ".hdr", ".svg", ".dcm", ".nii", ".nrrd", ".fits"}
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2", ".pef", ".srw", ".czi"}
    | {".mp4", ".mov", ".avi", ".mkv"}
)
"""Of pictures and films that people expect to be read, and that are not."""
LOSSY_FORMATS = ("JPEG", "MPO")
_LARGE_PIXELS = 30_000_000
_LARGE_TURN = threading.Lock()  # one large image at a time is decoded only to be made small
_GREY_SCALE = {2: 85, 4: 17}  # Pillow spreads 2- and 4-bit grey over 0 … 255


def read_image(path: Path | str, *, full_range: bool = False) -> ImageArray:
    """Read an image as networks see it: uint8 (H, W, 3), BGR.

    Grey becomes three equal channels, alpha is dropped, and the camera's orientation is applied.
    Values of 16 bits, of 32 bits and fractions are spread over black to white by the default
    window of the image, ``window_level.default_window``: fixed ranges would make the 12 bits
    of a camera nearly black, and fractions have no range.

    Args:
        path: file.
        full_range: scale 16 bits over their full range instead, for images whose colours mean
            something.

    Raises:
        InputError: missing, not an image, cut short, or more than ``MAX_PIXELS`` pixels.
    """
    return decode_image(path, _read_bytes(path), full_range=full_range)


def decode_image(path: Path | str, data: bytes, *, full_range: bool = False) -> ImageArray:
    """Decode the bytes of an image file as ``read_image`` does.

    Args:
        path: what errors call it.
        data: the whole file.
        full_range: as in ``read_image``.

    Raises:
        InputError: as ``read_image``.
    """
    header = read_header(path, data)
    if not header.is_deep:
        return decode_bytes(path, data, header, cv2.IMREAD_COLOR)
    pixels = decode_deep(path, data, header)
    if full_range and pixels.dtype == np.uint16:
        return _three_channels((pixels // 257).astype(np.uint8))
    return _three_channels(to_display(pixels))


def read_deep_image(path: Path | str) -> npt.NDArray[Any]:
    """Read an image with the depth it has: uint8, uint16 or float32, (H, W) grey or (H, W, 3) BGR.

    For looking at it; ``read_image`` is what networks see. Alpha is dropped, the camera's
    orientation is applied.

    Raises:
        InputError: as ``read_image``.
    """
    data = _read_bytes(path)
    header = read_header(path, data)
    if header.is_deep:
        return decode_deep(path, data, header)
    return decode_bytes(path, data, header, cv2.IMREAD_ANYCOLOR)


def image_size(path: Path | str) -> tuple[int, int]:
    """Return (width, height) in pixels as ``read_image`` gives them, from the header alone.

    Raises:
        InputError: missing or not an image.
    """
    return size_from_header(path)


def image_suffix(data: bytes) -> str | None:
    """Return the suffix (".png" …) that fits the bytes of an image, None if they are none."""
    try:
        with open_header("", data) as image:
            suffix = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2"}.get(
                image.format or "", f".{(image.format or '').lower()}"
            )
    except InputError:
        return None
    return suffix if suffix in IMAGE_SUFFIXES else None


def read_mask(path: Path | str) -> ImageArray:
    """Read a mask of class indices as uint8 (H, W).

    Grey and palette images of 1 to 8 bits give their stored values (a palette's colours play no
    part); so do colours of 8 bits whose channels are equal. More bits, signs and fractions are
    accepted while the values are whole and fit.

    Raises:
        InputError: missing, unreadable, compressed with loss, several channels, or values that are
            no class indices.
    """
    data = _read_bytes(path)
    header = read_header(path, data)
    if header.format in LOSSY_FORMATS:
        raise InputError(
            "The mask {file} is a JPEG, whose compression changes the values; save it as PNG.",
            file=path,
        )
    if header.format == "TIFF" and header.channels == 1 and not _is_pillows(data):
        return _class_indices(path, decode_wide_mask(path, data))
    with open_header(path, data) as image:
        mode = image.mode
        if mode not in ("1", "L", "P") and not mode.startswith(("I", "F")):
            if (grey := _grey_in_colors(path, data, image)) is not None:
                return grey
            raise InputError(
                "The mask {file} has {channels} {channels:channel|channels}; save it as a "
                "single-channel image whose pixel values are class indices.",
                file=path,
                channels=len(image.getbands()),
            )
        try:
            values = np.asarray(image)
        except Exception as error:
            raise unreadable(path, error) from error
    if values.dtype == np.bool_ or mode == "P":
        return values.astype(np.uint8)
    if mode == "L":
        return np.array(values // _GREY_SCALE.get(png_bits(data), 1), np.uint8)
    return _class_indices(path, values)


def _is_pillows(data: bytes) -> bool:
    try:
        Image.open(io.BytesIO(data)).close()
    except Exception:  # of a kind that only tifffile knows, or damaged
        return False
    return True


def _class_indices(path: Path | str, values: npt.NDArray[Any]) -> ImageArray:
    """Return numbers of any type as uint8; raises ``InputError`` for what is no class index."""
    if not values.size:
        return values.astype(np.uint8)
    if values.dtype.kind == "f":
        broken = values[~(np.isfinite(values) & (values == np.round(values)))]
        if broken.size:
            raise InputError(
                "The mask {file} holds {value}, and class indices are whole numbers.",
                file=path,
                value=f"{float(broken[0]):g}",
            )
    if values.min() < 0:
        raise InputError(
            "The mask {file} holds the negative value {value}; class indices begin with 0, and 255"
            " marks ignored pixels.",
            file=path,
            value=int(values.min()),
        )
    if values.max() > IGNORE_INDEX:
        raise InputError(
            "The mask {file} holds values up to {value}; class indices end at 254 and 255 marks"
            " ignored pixels.",
            file=path,
            value=int(values.max()),
        )
    return values.astype(np.uint8)


def _grey_in_colors(path: Path | str, data: bytes, image: Image.Image) -> ImageArray | None:
    """Return the values of a mask whose channels are equal; None for any other."""
    if png_bits(data) != 8:  # Pillow would cut off the half in which small values are
        return None
    try:
        return equal_channels(image)
    except Exception as error:
        raise unreadable(path, error) from error


def write_mask(
    path: Path | str, mask: ImageArray, *, palette: Sequence[Color] | None = None
) -> None:
    """Write class indices as ``encode_mask`` makes them, atomically."""
    write_bytes_atomic(path, encode_mask(mask, palette=palette))


def encode_mask(mask: ImageArray, *, palette: Sequence[Color] | None = None) -> memoryview:
    """Return class indices (H, W) uint8 as an indexed 8-bit PNG.

    Args:
        mask: class indices, 255 = ignored.
        palette: red, green, blue (0 … 255) of each class; the rest is filled up.
    """
    if mask.dtype != np.uint8 or mask.ndim != 2:
        raise ValueError(f"a mask is uint8 (H, W), not {mask.dtype} {mask.shape}")
    colors = [*(palette or ())][:IGNORE_INDEX]
    colors += [*default_palette(IGNORE_INDEX)[len(colors) :], (255, 255, 255)]
    image = Image.fromarray(np.ascontiguousarray(mask)).convert("L")
    image.putpalette(np.array(colors, np.uint8).tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=4)
    return stream.getbuffer()


def write_image(path: Path | str, bgr: ImageArray) -> None:
    """Write uint8 (H, W, 3) BGR or (H, W) grey in the format of the suffix, atomically."""
    suffix = Path(path).suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        raise InputError("{file} has no suffix of an image format such as .png.", file=path)
    _, data = cv2.imencode(suffix, bgr)
    write_bytes_atomic(path, data.tobytes())


def thumbnail(path: Path | str, *, max_side: int) -> ImageArray:
    """Read an image as uint8 (h, w, 3) BGR with its longer side at most ``max_side`` pixels.

    JPEG is decoded at a half, a quarter or an eighth where that suffices; images are never
    enlarged. What has more than 8 bits is spread over black to white as in ``read_image``.

    Raises:
        InputError: as ``read_image``.
    """
    data = _read_bytes(path)
    header = read_header(path, data)
    is_large = header.width * header.height > _LARGE_PIXELS
    with _LARGE_TURN if is_large else contextlib.nullcontext():
        image = _decode_small(path, data, header, max_side)
        height, width = image.shape[:2]
        scale = max_side / max(height, width)
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return _three_channels(image)


def _decode_small(path: Path | str, data: bytes, header: Header, max_side: int) -> ImageArray:
    """Decode no more than a thumbnail needs: (H, W) or (H, W, 3)."""
    if header.is_deep:
        return to_display(decode_deep(path, data, header))
    if header.format not in LOSSY_FORMATS:
        # Only JPEG gains, and OpenCV forgets a TIFF's orientation when it reduces. Grey stays one
        # channel: a scan of 20 000² would take three times the memory.
        return decode_bytes(path, data, header, cv2.IMREAD_ANYCOLOR)
    for factor, reduced in (
        (8, cv2.IMREAD_REDUCED_COLOR_8),
        (4, cv2.IMREAD_REDUCED_COLOR_4),
        (2, cv2.IMREAD_REDUCED_COLOR_2),
    ):
        if max(header.width, header.height) >= factor * max_side:
            return decode_bytes(path, data, header, reduced)
    return decode_bytes(path, data, header, cv2.IMREAD_COLOR)


def _three_channels(image: ImageArray) -> ImageArray:
    if image.ndim == 3:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)


def _read_bytes(path: Path | str) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read()
    except FileNotFoundError as error:
        raise unreadable(path, error) from error
    except OSError as error:
        raise UnreadableFilesError(
            "{file} cannot be read: {reason}.",
            file=path,
            reason=error.strerror or error,
            files=[Path(path)],
        ) from error
