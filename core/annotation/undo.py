"""Undo and redo, capped by bytes."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.annotation.edits import Box, Mask, MaskEdit
from core.annotation.shapes import NO_CHANGES, ShapeChanges

MAX_BYTES = 24 * 1024**2
_PACK_ABOVE = 4096
_ZIP_BELOW = 4 * 1024**2  # larger steps are not worth the wait
# What Python's objects take, measured with the collector's headers and rounded up.
_STEP_BYTES = 640
_EDIT_BYTES = 480
_CHANGE_BYTES = 160


@dataclass(frozen=True, slots=True, eq=False)
class UndoStep:
    """One step the user can take back, as the interface names it.

    Attributes:
        name: what it is called.
        boxes: where it changed the mask.
        before: the shapes that it changed as they were, by id; None where there was none.
        after: the same after it.
    """

    name: str
    boxes: tuple[Box, ...]
    before: ShapeChanges
    after: ShapeChanges


@dataclass(frozen=True, slots=True, eq=False)
class _Pixels:
    """The pixels of all edits of a step, one array after the other.

    Attributes:
        data: the arrays as bytes.
        runs: for each array how many runs it is packed into; 0: it is as it is.
        is_zipped: whether ``data`` is.
    """

    data: bytes
    runs: tuple[int, ...]
    is_zipped: bool

    @classmethod
    def of(cls, edits: Iterable[MaskEdit]) -> _Pixels:
        parts: list[bytes] = []
        runs: list[int] = []
        for edit in edits:
            for pixels in (edit.before, edit.after):
                part, count = _packed(pixels)
                parts.append(part)
                runs.append(count)
        data = b"".join(parts)
        if len(data) <= _ZIP_BELOW:
            zipped = zlib.compress(data, 1)
            if len(zipped) < len(data):
                return cls(zipped, tuple(runs), True)
        return cls(data, tuple(runs), False)

    def edits(self, boxes: Iterable[Box]) -> list[MaskEdit]:
        data = zlib.decompress(self.data) if self.is_zipped else self.data
        counts = iter(self.runs)
        place = 0
        edits = []
        for box in boxes:
            both: list[Mask] = []
            for _ in range(2):
                pixels, place = _unpacked(data, place, next(counts), box)
                both.append(pixels)
            edits.append(MaskEdit(box, both[0], both[1]))
        return edits


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    step: UndoStep
    pixels: _Pixels
    nbytes: int

    @classmethod
    def of(cls, step: UndoStep, edits: Iterable[MaskEdit]) -> _Entry:
        pixels = _Pixels.of(edits)
        size = _STEP_BYTES + sys.getsizeof(pixels.data) + _EDIT_BYTES * len(step.boxes)
        for changes in (step.before, step.after):
            size += _CHANGE_BYTES * len(changes)
            size += sum(shape.nbytes for shape in changes.values() if shape is not None)
        return cls(step, pixels, size)

    def edits(self) -> list[MaskEdit]:
        return self.pixels.edits(self.step.boxes)


class UndoStack:
    """Steps that can be undone and redone on one mask.

    The oldest steps go when all together take more than ``max_bytes``; the newest always stays.

    Attributes:
        redo_note: what the owner wants to know when steps that were undone are done again; gone
            as soon as a new step takes their place.
    """

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._done: list[_Entry] = []
        self._undone: list[_Entry] = []
        self._nbytes = 0
        self._has_dropped = False
        self.redo_note: object = None

    def push(
        self,
        name: str,
        edits: Iterable[MaskEdit | None] = (),
        *,
        before: ShapeChanges = NO_CHANGES,
        after: ShapeChanges = NO_CHANGES,
    ) -> None:
        """Add a step that has been applied already; what was undone can no longer be redone.

        Args:
            name: what the interface calls it.
            edits: changes of the mask, in their order; None is left out.
            before: the shapes that change as they were, None where there was none.
            after: the same after it. A step without edits and shapes is no step.
        """
        made = [edit for edit in edits if edit is not None]
        if not made and not after:
            return
        step = UndoStep(name, tuple(edit.box for edit in made), before, after)
        self._nbytes -= sum(entry.nbytes for entry in self._undone)
        self._undone.clear()
        self.redo_note = None
        entry = _Entry.of(step, made)
        self._done.append(entry)
        self._nbytes += entry.nbytes
        self._drop_oldest()

    def undo(self, mask: Mask) -> UndoStep | None:
        """Take the last step back in ``mask``; None if there is none."""
        if not self._done:
            return None
        entry = self._done.pop()
        for edit in reversed(entry.edits()):
            edit.revert(mask)
        self._undone.append(entry)
        return entry.step

    def redo(self, mask: Mask) -> UndoStep | None:
        """Do the last step that was taken back again; None if there is none."""
        if not self._undone:
            return None
        entry = self._undone.pop()
        for edit in entry.edits():
            edit.apply(mask)
        self._done.append(entry)
        return entry.step

    @property
    def is_at_start(self) -> bool:
        """Whether the mask is as it was before the first step of all."""
        return not self._done and not self._has_dropped

    @property
    def undo_name(self) -> str | None:
        """Name of the step that ``undo`` takes back."""
        return self._done[-1].step.name if self._done else None

    @property
    def redo_name(self) -> str | None:
        """Name of the step that ``redo`` does."""
        return self._undone[-1].step.name if self._undone else None

    @property
    def nbytes(self) -> int:
        """Bytes all steps take, at least what they hold."""
        return self._nbytes

    def __len__(self) -> int:
        return len(self._done)

    def clear(self) -> None:
        """Forget every step."""
        self._has_dropped = self._has_dropped or bool(self._done)
        self.redo_note = None
        self._done.clear()
        self._undone.clear()
        self._nbytes = 0

    def _drop_oldest(self) -> None:
        drop = 0
        while self._nbytes > self._max_bytes and drop < len(self._done) - 1:
            self._nbytes -= self._done[drop].nbytes
            drop += 1
            self._has_dropped = True
        del self._done[:drop]


def _packed(pixels: Mask) -> tuple[bytes, int]:
    """Return pixels as bytes, and into how many runs they are packed; 0: as they are."""
    flat = np.ascontiguousarray(pixels).reshape(-1)
    if flat.size > _PACK_ABOVE:
        starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        if starts.size * 5 < flat.size // 2:
            edges = np.concatenate(([0], starts, [flat.size]))
            lengths = np.diff(edges).astype(np.uint32)
            return flat[edges[:-1]].tobytes() + lengths.tobytes(), lengths.size
    return flat.tobytes(), 0


def _unpacked(data: bytes, place: int, runs: int, box: Box) -> tuple[Mask, int]:
    """Return the pixels of ``box`` that begin at ``place``, and where the next ones do."""
    shape = (box[3] - box[1], box[2] - box[0])
    size = runs or shape[0] * shape[1]
    pixels: Mask = np.frombuffer(data, np.uint8, size, place)
    place += size
    if runs:
        lengths = np.frombuffer(data, np.uint32, runs, place)
        pixels = np.repeat(pixels, lengths)
        place += 4 * runs
    return pixels.reshape(shape), place
