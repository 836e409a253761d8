"""Undo and redo, capped by bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.annotation.edits import Box, Mask, MaskEdit

MAX_BYTES = 256 * 1024**2
_PACK_ABOVE = 4096
_STEP_BYTES = 256


@dataclass(frozen=True, slots=True, eq=False)
class UndoStep:
    """One step the user can take back, as the interface names it.

    ``before`` and ``after`` are whatever else the step changed, such as the tuple of shapes; they
    are kept and given back untouched.
    """

    name: str
    boxes: tuple[Box, ...]
    before: object = None
    after: object = None


@dataclass(frozen=True, slots=True, eq=False)
class _PackedPixels:
    """Pixels as runs, or as they are where runs would take more."""

    shape: tuple[int, int]
    values: Mask
    lengths: npt.NDArray[np.uint32] | None

    @classmethod
    def of(cls, pixels: Mask) -> _PackedPixels:
        shape = (pixels.shape[0], pixels.shape[1])
        flat = np.ascontiguousarray(pixels).reshape(-1)
        if flat.size > _PACK_ABOVE:
            starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
            if starts.size * 5 < flat.size // 2:
                edges = np.concatenate(([0], starts, [flat.size]))
                return cls(shape, flat[edges[:-1]], np.diff(edges).astype(np.uint32))
        return cls(shape, flat.copy(), None)

    def unpack(self) -> Mask:
        flat = self.values if self.lengths is None else np.repeat(self.values, self.lengths)
        return flat.reshape(self.shape)

    @property
    def nbytes(self) -> int:
        return self.values.nbytes + (0 if self.lengths is None else self.lengths.nbytes)


@dataclass(frozen=True, slots=True, eq=False)
class _PackedEdit:
    box: Box
    before: _PackedPixels
    after: _PackedPixels

    def unpack(self) -> MaskEdit:
        return MaskEdit(self.box, self.before.unpack(), self.after.unpack())


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    step: UndoStep
    edits: tuple[_PackedEdit, ...]
    nbytes: int


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
        self._group: _Group | None = None
        self._has_dropped = False
        self.redo_note: object = None

    def push(
        self,
        name: str,
        edits: Iterable[MaskEdit | None] = (),
        *,
        before: object = None,
        after: object = None,
        state_bytes: int = 0,
    ) -> None:
        """Add a step that has been applied already; what was undone can no longer be redone.

        Args:
            name: what the interface calls it.
            edits: changes of the mask, in their order; None is left out.
            before: anything else as it was before the step.
            after: the same after it. A step without edits whose ``before`` is its ``after`` is
                no step.
            state_bytes: what keeping both takes, without what other steps keep anyway.
        """
        packed = tuple(_pack(edit) for edit in edits if edit is not None)
        if not packed and before is after:
            return
        if self._group is not None:
            self._group.add(packed, before, after, state_bytes)
            return
        step = UndoStep(name, tuple(edit.box for edit in packed), before, after)
        self._add(_Entry(step, packed, _size(packed) + state_bytes))

    @contextmanager
    def group(self, name: str) -> Iterator[None]:
        """Make one step of all that is pushed inside; groups inside a group join it."""
        if self._group is not None:
            yield
            return
        self._group = group = _Group()
        try:
            yield
        finally:
            self._group = None
            if group.edits or group.before is not group.after:
                step = UndoStep(
                    name, tuple(edit.box for edit in group.edits), group.before, group.after
                )
                packed = tuple(group.edits)
                self._add(_Entry(step, packed, _size(packed) + group.state_bytes))

    def undo(self, mask: Mask) -> UndoStep | None:
        """Take the last step back in ``mask``; None if there is none."""
        if not self._done:
            return None
        entry = self._done.pop()
        for edit in reversed(entry.edits):
            edit.unpack().revert(mask)
        self._undone.append(entry)
        return entry.step

    def redo(self, mask: Mask) -> UndoStep | None:
        """Do the last step that was taken back again; None if there is none."""
        if not self._undone:
            return None
        entry = self._undone.pop()
        for edit in entry.edits:
            edit.unpack().apply(mask)
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
        """Bytes all steps take."""
        return sum(entry.nbytes for entry in (*self._done, *self._undone))

    def __len__(self) -> int:
        return len(self._done)

    def clear(self) -> None:
        """Forget every step."""
        self._has_dropped = self._has_dropped or bool(self._done)
        self.redo_note = None
        self._done.clear()
        self._undone.clear()

    def _add(self, entry: _Entry) -> None:
        self._undone.clear()
        self.redo_note = None
        self._done.append(entry)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        total = sum(entry.nbytes for entry in self._done)
        drop = 0
        while total > self._max_bytes and drop < len(self._done) - 1:
            total -= self._done[drop].nbytes
            drop += 1
            self._has_dropped = True
        del self._done[:drop]


class _Group:
    def __init__(self) -> None:
        self.edits: list[_PackedEdit] = []
        self.before: object = None
        self.after: object = None
        self.state_bytes = 0
        self._has_state = False

    def add(
        self, edits: tuple[_PackedEdit, ...], before: object, after: object, state_bytes: int
    ) -> None:
        self.edits.extend(edits)
        self.state_bytes += state_bytes
        if before is not after:
            if not self._has_state:
                self.before = before
                self._has_state = True
            self.after = after


def _pack(edit: MaskEdit) -> _PackedEdit:
    return _PackedEdit(edit.box, _PackedPixels.of(edit.before), _PackedPixels.of(edit.after))


def _size(edits: tuple[_PackedEdit, ...]) -> int:
    return _STEP_BYTES + sum(edit.before.nbytes + edit.after.nbytes + _STEP_BYTES for edit in edits)
