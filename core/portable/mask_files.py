"""Label maps as indexed PNG files: class ids that show in the classes' colours.

OpenCV writes no palettes; the format needs a checksum and a compressor, which Python has.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from .picture_headers import MAX_PIXELS
from .portable_error import PortableError

LabelMap = npt.NDArray[np.uint8]
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_INDEXED: Final = 3
_LEVEL: Final = 4


def encode_label_map(label_map: LabelMap, colors: Sequence[tuple[int, int, int]]) -> bytes:
    """Return the bytes of an indexed PNG.

    Args:
        label_map: (H, W) uint8 class ids.
        colors: (r, g, b) of each class; the other values become grey.
    """
    height, width = label_map.shape
    palette = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    palette[: len(colors)] = np.asarray(colors, np.uint8).reshape(-1, 3)
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter, 0: none
    rows[:, 1:] = label_map
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _INDEXED, 0, 0, 0)),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), _LEVEL)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def decode_label_map(data: bytes, *, name: object = "mask") -> LabelMap:
    """Return the class ids of what ``encode_label_map`` wrote, (H, W) uint8.

    Raises:
        PortableError: it is something else, or damaged.
    """
    try:
        if not data.startswith(_SIGNATURE):
            raise ValueError("no PNG")
        width, height, *form = struct.unpack_from(">IIBBBBB", data, 16)
        if form != [8, _INDEXED, 0, 0, 0] or not 0 < width * height <= MAX_PIXELS:
            raise ValueError("another kind of PNG")
        place, packed = len(_SIGNATURE), b""
        while place < len(data):
            (size,) = struct.unpack_from(">I", data, place)
            if data[place + 4 : place + 8] == b"IDAT":
                packed += data[place + 8 : place + 8 + size]
            place += size + 12
        unpacker = zlib.decompressobj()
        rows = np.frombuffer(unpacker.decompress(packed, height * (width + 1)), np.uint8)
        rows = rows.reshape(height, width + 1)
        if rows[:, 0].any():
            raise ValueError("rows that depend on each other")
    except (ValueError, struct.error, zlib.error) as error:
        raise PortableError(
            "{file} is no mask that this program wrote ({reason}).", file=name, reason=str(error)
        ) from error
    return np.ascontiguousarray(rows[:, 1:])
