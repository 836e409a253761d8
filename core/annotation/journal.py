"""What was painted but is not in the project yet, on the disk before the mask's file is.

Writing the PNG of a large mask takes a second; a finished stroke must survive ``kill -9`` from the
moment it is finished. Its pixels go to a journal, one file an image, and leave it when the mask is
saved. Replaying a journal over a mask that holds some of its patches already gives the same mask.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from core.annotation.edits import Box, Mask, crop, intersect

FOLDER = "recovery"
_MAGIC = b"MWJ1"
_HEADER = struct.Struct("<4sII")  # magic, width, height
_RECORD = struct.Struct("<6I")  # box, size of the packed pixels, their checksum


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """New ``pixels`` (uint8, the box's size) of a box of a mask."""

    box: Box
    pixels: Mask

    @classmethod
    def of(cls, mask: Mask, box: Box) -> Self:
        """Copy a box of a mask."""
        return cls(box, crop(mask, box).copy())

    def apply(self, mask: Mask) -> None:
        """Write the pixels into a mask."""
        crop(mask, self.box)[...] = self.pixels


class Journal:
    """The journal of one image's mask of (width, height) pixels."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self.path = path
        self._size = size
        self._file: int | None = None

    def append(self, patches: Iterable[Patch]) -> None:
        """Add patches; they survive the end of this process once this returns.

        Raises:
            OSError: the disk is full or refuses.
        """
        data = b"".join(_packed(patch) for patch in patches)
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(self.path, flags, 0o644)
            if os.fstat(self._file).st_size == 0:
                data = _HEADER.pack(_MAGIC, *self._size) + data
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def clear(self) -> None:
        """Remove the journal: everything in it is saved."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self.path.unlink(missing_ok=True)


def read_journal(path: Path, size: tuple[int, int]) -> Iterator[Patch]:
    """Yield the whole patches of a journal; a torn or damaged rest is left out.

    Args:
        path: the journal.
        size: (width, height) of the image; a journal of another size yields nothing.
    """
    bounds = (0, 0, *size)
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size or _HEADER.unpack(header) != (_MAGIC, *size):
            return
        while len(head := file.read(_RECORD.size)) == _RECORD.size:
            *corners, length, checksum = _RECORD.unpack(head)
            box = (corners[0], corners[1], corners[2], corners[3])
            if intersect(box, bounds) != box:
                return
            data = file.read(min(length, 2 * size[0] * size[1] + 1024))
            if len(data) < length or zlib.crc32(data) != checksum:
                return
            shape = (box[3] - box[1], box[2] - box[0])
            try:
                pixels = zlib.decompressobj().decompress(data, shape[0] * shape[1])
            except zlib.error:
                return
            if len(pixels) != shape[0] * shape[1]:
                return
            yield Patch(box, np.frombuffer(pixels, np.uint8).reshape(shape))


def _packed(patch: Patch) -> bytes:
    data = zlib.compress(np.ascontiguousarray(patch.pixels).tobytes(), 1)
    return _RECORD.pack(*patch.box, len(data), zlib.crc32(data)) + data
