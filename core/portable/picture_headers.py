"""What an image file says of itself before a pixel of it is decoded: size, depth, kind.

OpenCV decodes whatever it is given: it allocates what a header claims, fills what is cut short
with grey, and mixes up some TIFFs. So the headers are looked at first.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .portable_error import PortableError

MAX_PIXELS: Final = 500_000_000
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_TIFF: Final = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
_PNM: Final = re.compile(
    rb"P([1-6])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:(?:\s|#[^\n]*\n)+(\d+))?\s"
)
_SCAN_END = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_STAND_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_BEGIN, _END, _SCAN = 0xD8, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: struct's letters of TIFF's types of numbers.
_TYPES: Final = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 16: "Q"}
_TEXT: Final = 2
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC = 256, 257, 258, 262
_SAMPLES, _PLANES, _SIGNS, _NO_DATA = 277, 284, 339, 42113
_PLACES: Final = ((273, 279), (324, 325))  # of strips, of tiles: where they are, how long
_MOST_CHANNELS: Final = 4
_HALF: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureHeader:
    """What is known of an image before it is decoded.

    Attributes:
        kind: "PNG", "JPEG", "BMP", "TIFF", "WebP" or "PNM".
        width: pixels as they are stored; the camera may have been turned.
        height: as ``width``.
        is_deep: whether a channel has more than 8 bits, a sign, or fractions.
        is_inverted: whether 0 is white.
        no_data: the value that stands for none, as GDAL writes it.
    """

    kind: str
    width: int
    height: int
    is_deep: bool = False
    is_inverted: bool = False
    no_data: float | None = None


def read_picture_header(name: object, data: bytes) -> PictureHeader:
    """Return the header; refuse what is no image, too large to decode, or cut short.

    Args:
        name: of the file, for the error.
        data: the whole file.

    Raises:
        PortableError: with the reason.
    """
    try:
        header, is_whole = _read(name, data)
    except (struct.error, ValueError, IndexError, KeyError, OverflowError) as error:
        if isinstance(error, PortableError):
            raise
        raise unreadable(name) from error
    if header.width < 1 or header.height < 1:
        raise unreadable(name)
    if header.width * header.height > MAX_PIXELS:
        raise PortableError(
            "{file} has more than {count} million pixels, too many to open at once; cut it into"
            " tiles.",
            file=name,
            count=MAX_PIXELS // 1_000_000,
        )
    if not is_whole:
        raise cut_short(name)
    return header


def unreadable(name: object) -> PortableError:
    """Return the sentence for what no decoder takes."""
    return PortableError(
        "{file} is unreadable: it is damaged or no image in a known format.", file=name
    )


def cut_short(name: object) -> PortableError:
    """Return the sentence for a file that ends too early."""
    return PortableError("{file} is cut short; copy or export it again.", file=name)


def _unread_kind(name: object, kind: str) -> PortableError:
    return PortableError(
        "{file} is of a kind that is not read here ({kind}); save it as PNG.", file=name, kind=kind
    )


def _read(name: object, data: bytes) -> tuple[PictureHeader, bool]:
    """Return the header, and whether the file is whole as far as can be told."""
    if data.startswith(_PNG):
        width, height, bits = struct.unpack_from(">IIB", data, 16)
        header = PictureHeader(kind="PNG", width=width, height=height, is_deep=bits > 8)
        return header, b"IEND" in data
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data[:4] in _TIFF:
        return _tiff(name, data)
    if data.startswith(b"BM"):
        (size,) = struct.unpack_from("<I", data, 14)
        width, height = struct.unpack_from("<HH" if size == 12 else "<ii", data, 18)
        return PictureHeader(kind="BMP", width=width, height=abs(height)), True
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data), True
    if (found := _PNM.match(data[:1024])) is not None:
        digit, width, height, most = found.groups()
        if digit not in b"14" and most != b"255":
            raise _unread_kind(name, f"PNM, 0 … {(most or b'').decode()}")
        return PictureHeader(kind="PNM", width=int(width), height=int(height)), True
    raise unreadable(name)


def _jpeg(data: bytes) -> tuple[PictureHeader, bool]:
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            end = end_of_jpeg(data)
            # What is no marker can only be judged by a decoder.
            is_whole = data[end : end + 2] == b"\xff\xd9" or end < len(data) - 1
            return PictureHeader(kind="JPEG", width=width, height=height), is_whole
        if marker in _STAND_ALONE or marker == 0xFF:
            place += 1 if marker == 0xFF else 2
            continue
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    raise ValueError("no frame")


def end_of_jpeg(data: bytes) -> int:
    """Return the place where the first picture of a JPEG ends, whatever lies behind it.

    The last bytes say nothing: phones append films, and thumbnails have an end of their own.

    Returns:
        The place of its end marker, or of what stands where a marker should; the length of
        ``data`` where it breaks off before that, or where another picture begins.
    """
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == _END:
            return place
        if marker == _BEGIN:
            return len(data)
        if marker == 0xFF:  # filling
            place += 1
            continue
        if marker in _STAND_ALONE:
            place += 2
            continue
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == _SCAN:
            found = _SCAN_END.search(data, place)
            if found is None:
                return len(data)
            place = found.end() - 2
    return min(place, len(data))


def _webp(data: bytes) -> PictureHeader:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        (packed,) = struct.unpack_from("<I", data, 21)
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return PictureHeader(kind="WebP", width=width, height=height)


def _tiff(name: object, data: bytes) -> tuple[PictureHeader, bool]:
    tags = _tiff_tags(data)
    bits, signs = tags.get(_BITS, (1,)), tags.get(_SIGNS, (1,))
    samples, photometric = int(tags.get(_SAMPLES, (1,))[0]), int(tags.get(_PHOTOMETRIC, (1,))[0])
    if samples > _MOST_CHANNELS:
        raise PortableError(
            "{file} has {channels} channels; save it as grey or with red, green and blue.",
            file=name,
            channels=samples,
        )
    if samples > 1 and tags.get(_PLANES, (1,))[0] == 2:
        raise _unread_kind(name, "TIFF, colours in separate planes")
    if samples > 2 and photometric in (0, 1):
        raise _unread_kind(name, "TIFF, three bands without colours")
    if signs[0] == 3 and bits[0] == _HALF:
        raise _unread_kind(name, "TIFF, 16-bit fractions")
    header = PictureHeader(
        kind="TIFF",
        width=int(tags[_WIDTH][0]),
        height=int(tags[_HEIGHT][0]),
        is_deep=max(bits) > 8 or any(sign != 1 for sign in signs),
        is_inverted=photometric == 0,
        no_data=_number(tags.get(_NO_DATA)),
    )
    is_whole = all(
        start + size <= len(data)
        for starts, sizes in _PLACES
        for start, size in zip(tags.get(starts, ()), tags.get(sizes, ()), strict=False)
    )
    return header, is_whole


def _tiff_tags(data: bytes) -> dict[int, Any]:
    """Return the first page's tags of numbers, as tuples, and GDAL's text for no data."""
    order = _TIFF[data[:4]]
    is_big = data[2:4] in (b"+\0", b"\0+")
    (start,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, 8 if is_big else 4)
    (count,) = struct.unpack_from(order + ("Q" if is_big else "H"), data, start)
    start += 8 if is_big else 2
    entry, inline, offset = (20, 8, "Q") if is_big else (12, 4, "I")
    if count * entry > len(data):
        raise ValueError("more tags than bytes")
    tags: dict[int, Any] = {}
    for place in range(start, start + count * entry, entry):
        tag, kind, number = struct.unpack_from(f"{order}HH{offset}", data, place)
        value = place + entry - inline
        is_text = kind == _TEXT and tag == _NO_DATA
        if not is_text and kind not in _TYPES:
            continue
        dtype = np.dtype(order + _TYPES.get(kind, "B"))
        if number * dtype.itemsize > inline:
            (value,) = struct.unpack_from(order + offset, data, value)
        values = np.frombuffer(data, dtype, number, value)
        tags[tag] = values.tobytes() if is_text else tuple(values.tolist())
    return tags


def _number(text: bytes | tuple[float, ...] | None) -> float | None:
    if not isinstance(text, bytes):
        return None
    try:
        return float(text.decode("latin-1").strip().strip("\0"))
    except ValueError:
        return None
