"""The shapes of one image in their order: what each shows, covers, and uncovers.

The mask is the truth. A shape stays as long as the mask shows it: each of its pixels that no other
shape above covers has its class, and there is at least one such pixel.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from core.annotation.edits import Box, Mask, Pixels, Region, crop, intersect, shift_box, whole_box
from core.annotation.shapes import Shape, ShapeChanges, Shapes, changed

_KEPT_BYTES = 64 * 1024**2
_FEW = 64  # changes that are made one by one
_NOWHERE: Box = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class _Bits:
    """The pixels of a shape inside the image, eight to a byte along each row."""

    shape: Shape
    box: Box
    packed: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, shape: Shape, size: tuple[int, int]) -> _Bits:
        region = shape.outline.region(size)
        if region is None:
            return cls(shape, _NOWHERE, np.zeros((0, 0), np.uint8))
        return cls(shape, region.box, np.packbits(region.pixels, axis=1))

    def part(self, box: Box) -> Pixels:
        """Return the pixels in ``box``, which lies inside the own one."""
        x0, y0, x1, y1 = shift_box(box, -self.box[0], -self.box[1])
        first = x0 // 8
        rows = np.unpackbits(self.packed[y0:y1, first : (x1 + 7) // 8], axis=1)
        return rows[:, x0 - first * 8 : x1 - first * 8].view(np.bool_)


class ShapeLayers:
    """The shapes of an image of ``size`` (width, height)."""

    def __init__(self, shapes: Shapes, size: tuple[int, int]) -> None:
        self._size = size
        self._shapes: Shapes = ()
        self._bits: LRUCache[int, _Bits] = LRUCache(
            _KEPT_BYTES, getsizeof=lambda bits: bits.packed.nbytes
        )
        self.replace_all(shapes)

    @property
    def shapes(self) -> Shapes:
        """All of them, the topmost last."""
        return self._shapes

    @property
    def next_id(self) -> int:
        """The id of a new shape on top."""
        return self._shapes[-1].id + 1 if self._shapes else 1

    def replace_all(self, shapes: Shapes) -> None:
        """Go on with other shapes, sorted by id."""
        self._shapes = shapes
        self._ids = np.array([shape.id for shape in shapes], np.int64)
        self._boxes = _boxes([shape.outline.box for shape in shapes])

    def change(self, changes: ShapeChanges) -> None:
        """Put shapes in and take others out; costs little where there are thousands."""
        if not changes:
            return
        if len(changes) > _FEW:
            self.replace_all(changed(self._shapes, changes))
            return
        shapes = list(self._shapes)
        self._boxes = self._boxes.copy()
        for id_, shape in changes.items():
            row = self._row(id_)
            is_known = row < len(shapes) and shapes[row].id == id_
            if shape is not None and is_known:
                shapes[row] = shape
                self._boxes[row] = shape.outline.box
            elif shape is not None:
                shapes.insert(row, shape)
                self._ids = np.insert(self._ids, row, id_)
                self._boxes = np.insert(self._boxes, row, shape.outline.box, axis=0)
            elif is_known:
                del shapes[row]
                self._ids = np.delete(self._ids, row)
                self._boxes = np.delete(self._boxes, row, axis=0)
        self._shapes = tuple(shapes)

    def get(self, shape_id: int) -> Shape | None:
        """Return the shape with this id."""
        row = self._row(shape_id)
        found = self._shapes[row] if row < len(self._shapes) else None
        return found if found is not None and found.id == shape_id else None

    def shape_at(self, x: int, y: int) -> Shape | None:
        """Return the topmost shape that has this pixel."""
        pixel = (x, y, x + 1, y + 1)
        near = reversed(self.in_box(pixel))
        return next((shape for shape in near if self.pixels(shape, pixel).any()), None)

    def in_box(self, box: Box) -> list[Shape]:
        """Return the shapes that may have pixels in a box, the topmost last."""
        near: list[int] = np.flatnonzero(_meet(self._boxes, box)).tolist()
        return [self._shapes[index] for index in near]

    def region(self, shape: Shape) -> Region | None:
        """Return all pixels of a shape."""
        bits = self._bits_of(shape)
        return Region(bits.box, bits.part(bits.box)) if bits.packed.size else None

    def pixels(self, shape: Shape, box: Box) -> Pixels:
        """Return which pixels of ``box`` a shape has, bool of the box's size."""
        bits = self._bits_of(shape)
        common = intersect(bits.box, box)
        if common == box:
            return bits.part(box)
        pixels = np.zeros((box[3] - box[1], box[2] - box[0]), np.bool_)
        if common is not None:
            crop(pixels, shift_box(common, -box[0], -box[1]))[...] = bits.part(common)
        return pixels

    def covered(self, box: Box, shape_id: int) -> Pixels:
        """Return which pixels of ``box`` lie under shapes above ``shape_id``."""
        covered = np.zeros((box[3] - box[1], box[2] - box[0]), np.bool_)
        for shape in self.in_box(box):
            if shape.id > shape_id:
                covered |= self.pixels(shape, box)
        return covered

    def visible(self, shape: Shape) -> Region | None:
        """Return the pixels of a shape that no other covers."""
        region = self.region(shape)
        if region is None:
            return None
        return Region(region.box, region.pixels & ~self.covered(region.box, shape.id))

    def ground(self, mask: Mask, box: Box, without: Collection[int]) -> Mask:
        """Return what no shape painted: the mask in ``box`` without any shape.

        Args:
            mask: as it is.
            box: inside the image.
            without: ids of shapes that the mask does not show any more.
        """
        values = crop(mask, box).copy()
        for shape in self.in_box(box):
            if shape.id not in without:
                self._paste_ground(values, box, shape)
        return values

    def beneath(self, shape: Shape, box: Box, without: Collection[int]) -> Mask:
        """Return what shows in ``box`` once a shape is gone.

        Args:
            shape: which one.
            box: inside the image.
            without: ids of shapes that go with it.
        """
        values = np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
        near = self.in_box(box)
        for other in (shape, *(other for other in near if other.id in without)):
            self._paste_ground(values, box, other)
        for other in near:
            if other.id < shape.id and other.id not in without:
                values[self.pixels(other, box)] = other.class_id
        return values

    def is_shown(self, mask: Mask, shape: Shape) -> bool:
        """Whether the mask shows a shape."""
        return self._agrees(mask, shape, [shape.outline.box], set()) and self._is_visible(
            shape, set()
        )

    def settle(
        self, mask: Mask, boxes: Iterable[Box], put: ShapeChanges
    ) -> dict[int, Shape | None]:
        """Follow a change of the mask: take shapes up, drop those that it does not show any more.

        Only shapes that meet the changed boxes are looked at, from the top down: what lies under a
        dropped one has to show there itself.

        Args:
            mask: after the change.
            boxes: where it changed.
            put: shapes that were painted or taken away.

        Returns:
            What became of the shapes.
        """
        old = {id_: self.get(id_) for id_ in put}
        places = [*boxes, *(one.outline.box for one in (*old.values(), *put.values()) if one)]
        self.change(put)
        lost = self._lost(mask, _boxes(places), is_covered=any(put.values()))
        changes = {id_: shape for id_, shape in put.items() if shape is not old[id_]}
        if lost:
            for shape in lost:
                if old.get(shape.id, shape) is None:
                    del changes[shape.id]  # it was not there before either
                else:
                    changes[shape.id] = None
            self.change(dict.fromkeys(shape.id for shape in lost))
        return changes

    def _row(self, shape_id: int) -> int:
        return int(np.searchsorted(self._ids, shape_id))

    def _lost(self, mask: Mask, places: npt.NDArray[np.int64], *, is_covered: bool) -> list[Shape]:
        """Return the shapes that the mask does not show any more after a change in ``places``."""
        near = np.zeros(len(self._shapes), np.bool_)
        for box in places.tolist():
            near |= _meet(self._boxes, box)
        lost: list[Shape] = []
        gone: set[int] = set()
        last = len(near)
        while (below := np.flatnonzero(near[:last])).size:
            last = int(below[-1])
            shape, box = self._shapes[last], self._boxes[last]
            within = places[_meet(places, box.tolist())]
            if self._agrees(mask, shape, within.tolist(), gone) and not (
                is_covered and not self._is_visible(shape, gone)
            ):
                continue
            lost.append(shape)
            gone.add(shape.id)
            near |= _meet(self._boxes, box.tolist())
            if not _within(box, places):
                places = np.vstack([places, box])
        return lost

    def _agrees(
        self, mask: Mask, shape: Shape, places: Iterable[Iterable[int]], gone: Collection[int]
    ) -> bool:
        """Whether a shape's pixels in ``places``, but the covered ones, have its class."""
        own = intersect(self._bits_of(shape).box, whole_box(mask))
        for x0, y0, x1, y1 in places:
            box = None if own is None else intersect(own, (x0, y0, x1, y1))
            if box is None:
                continue
            wrong = self.pixels(shape, box) & (crop(mask, box) != np.uint8(shape.class_id))
            if wrong.any() and self._left(wrong, box, shape, gone).any():
                return False
        return True

    def _is_visible(self, shape: Shape, gone: Collection[int]) -> bool:
        region = self.region(shape)
        return region is not None and bool(self._left(region.pixels, region.box, shape, gone).any())

    def _left(self, pixels: Pixels, box: Box, shape: Shape, gone: Collection[int]) -> Pixels:
        """Return those of a shape's ``pixels`` in ``box`` that no other covers."""
        for other in reversed(self.in_box(box)):
            if other.id <= shape.id or not pixels.any():
                break
            if other.id not in gone:
                pixels = pixels & ~self.pixels(other, box)
        return pixels

    def _paste_ground(self, values: Mask, box: Box, shape: Shape) -> None:
        """Write what a shape was painted over into ``values`` of ``box``, where it has pixels."""
        own = self._bits_of(shape).box
        common = intersect(own, box)
        if common is None:
            return
        ground = crop(shape.ground_in(own), shift_box(common, -own[0], -own[1]))
        target = crop(values, shift_box(common, -box[0], -box[1]))
        np.copyto(target, ground, where=self.pixels(shape, common))

    def _bits_of(self, shape: Shape) -> _Bits:
        bits = self._bits.get(shape.id)
        if bits is None or bits.shape is not shape:
            bits = _Bits.of(shape, self._size)
            if bits.packed.nbytes <= _KEPT_BYTES:
                self._bits[shape.id] = bits
        return bits


def _boxes(boxes: list[Box]) -> npt.NDArray[np.int64]:
    return np.array(boxes, np.int64).reshape(-1, 4)


def _meet(boxes: npt.NDArray[np.int64], box: Iterable[int]) -> Pixels:
    x0, y0, x1, y1 = box
    meets: Pixels = (boxes[:, 0] < x1) & (boxes[:, 2] > x0)
    meets &= (boxes[:, 1] < y1) & (boxes[:, 3] > y0)
    return meets


def _within(box: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> bool:
    starts = (places[:, :2] <= box[:2]).all(axis=1)
    return bool((starts & (places[:, 2:] >= box[2:]).all(axis=1)).any())
