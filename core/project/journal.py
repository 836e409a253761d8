"""What was painted but is not in the project yet, on the disk before the mask's file is.

Writing the PNG of a large mask takes a second; a finished stroke must survive ``kill -9`` from the
moment it is finished. Its pixels go to a journal, one file an image, and leave it when the mask is
saved. Replaying a journal over a mask that holds some of its patches already gives the same mask.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from core.annotation.edits import Box, Mask, crop, intersect
from core.annotation.shape_text import NO_TEXTS, ShapeTexts, changes_from_text, joined_texts
from core.annotation.shapes import NO_CHANGES, ShapeChanges
from core.project.rows import STATES, State

FOLDER = "recovery"
_MAGIC = b"MWJ1"
_HEADER = struct.Struct("<4sII")  # magic, width, height
_CHANGE = struct.Struct("<II")  # size of the packed patches, their checksum
_PATCH = struct.Struct("<5I")  # box, size of the packed pixels
# Boxes that stand before something else in the place of a patch.
_STATE_BOX: Box = (0, 0, 0, 0)
_SHAPES_BOX: Box = (1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class LabelStatus:
    """What an image is once a change is saved, besides the mask's pixels.

    Attributes:
        state: None for what a save makes of the state by itself.
        has_mask: False: the change left what an image without a mask has, and it has none again.
    """

    state: State | None = None
    has_mask: bool = True


DEFAULT_STATUS = LabelStatus()


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


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """The patches of one change, the status of the image with it, and its shapes."""

    patches: tuple[Patch, ...]
    status: LabelStatus = DEFAULT_STATUS
    shapes: ShapeChanges = field(default_factory=dict)


class Journal:
    """The journal of one image's mask of (width, height) pixels."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self.path = path
        self._size = size
        self._file: int | None = None

    def append(
        self,
        patches: Iterable[Patch],
        status: LabelStatus = DEFAULT_STATUS,
        shapes: ShapeTexts = NO_TEXTS,
    ) -> None:
        """Add one change; it survives the end of this process once this returns.

        A change that is cut off by the end of the process is left out as a whole.

        Args:
            patches: the pixels.
            status: the image's then.
            shapes: texts of the shapes that changed by id, None for those that are gone.

        Raises:
            OSError: the disk is full or refuses.
        """
        body = b"".join(_packed(patch) for patch in patches)
        if status != DEFAULT_STATUS:
            told = json.dumps([status.state, status.has_mask]).encode()
            body += _PATCH.pack(*_STATE_BOX, len(told)) + told
        if shapes:
            items = (str(id_) if text is None else text for id_, text in shapes.items())
            told = joined_texts(items).encode()
            body += _PATCH.pack(*_SHAPES_BOX, len(told)) + told
        data = _CHANGE.pack(len(body), zlib.crc32(body)) + body
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


def read_journal(path: Path, size: tuple[int, int]) -> Iterator[Change]:
    """Yield all whole changes; a torn or damaged rest is left out.

    Args:
        path: the journal.
        size: (width, height) of the image; a journal of another size yields nothing.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size or _HEADER.unpack(header) != (_MAGIC, *size):
            return
        while len(head := file.read(_CHANGE.size)) == _CHANGE.size:
            length, checksum = _CHANGE.unpack(head)
            body = file.read(length)
            if len(body) < length or zlib.crc32(body) != checksum:
                return
            change = _unpacked(body, (0, 0, *size))
            if change is None:
                return
            yield change


def _packed(patch: Patch) -> bytes:
    data = zlib.compress(np.ascontiguousarray(patch.pixels).tobytes(), 1)
    return _PATCH.pack(*patch.box, len(data)) + data


def _unpacked(body: bytes, bounds: Box) -> Change | None:
    """Return a change, None where a part of it makes no sense."""
    patches = []
    status = DEFAULT_STATUS
    shapes = NO_CHANGES
    place = 0
    while place + _PATCH.size <= len(body):
        x0, y0, x1, y1, length = _PATCH.unpack_from(body, place)
        place += _PATCH.size
        box, shape = (x0, y0, x1, y1), (y1 - y0, x1 - x0)
        if box == _STATE_BOX:
            told = _status(body[place : place + length])
            if told is None:
                return None
            status = told
            place += length
            continue
        if box == _SHAPES_BOX:
            try:
                shapes = changes_from_text(body[place : place + length])
            except ValueError:
                return None
            place += length
            continue
        if intersect(box, bounds) != box:
            return None
        unpacker = zlib.decompressobj()
        try:
            pixels = unpacker.decompress(body[place : place + length], shape[0] * shape[1])
        except zlib.error:
            return None
        if len(pixels) != shape[0] * shape[1]:
            return None
        patches.append(Patch(box, np.frombuffer(pixels, np.uint8).reshape(shape)))
        place += length
    return Change(tuple(patches), status, shapes)


def _status(told: bytes) -> LabelStatus | None:
    try:
        state, has_mask = json.loads(told)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(has_mask, bool) or not (state is None or state in STATES):
        return None
    return LabelStatus(state, has_mask)
