"""Changes of a mask: regions, the rules they obey, and undo.

A mask is (height, width) uint8 of class indices, 255 for ignored pixels. Coordinates are (x, y) in
pixels; pixel (i, j) covers [i, i + 1) × [j, j + 1). A box is (x0, y0, x1, y1), its end excluded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Pixels of an image: those of ``box`` where ``pixels`` (bool, the box's size) is true."""

    box: Box
    pixels: Pixels

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.pixels))

    def tight(self) -> Region | None:
        """Return the same pixels in their bounding box, None if there are none."""
        inner = bounding_box(self.pixels)
        if inner is None:
            return None
        x0, y0, x1, y1 = inner
        x, y = self.box[:2]
        return Region((x + x0, y + y0, x + x1, y + y1), self.pixels[y0:y1, x0:x1])

    def clipped(self, box: Box) -> Region | None:
        """Return the part inside ``box``, None if the boxes do not meet."""
        common = intersect(self.box, box)
        if common is None:
            return None
        return Region(common, crop(self.pixels, shift_box(common, -self.box[0], -self.box[1])))

    def shifted(self, dx: int, dy: int) -> Region:
        """Return the region moved by whole pixels."""
        return Region(shift_box(self.box, dx, dy), self.pixels)

    def in_box(self, box: Box) -> Pixels:
        """Return the part inside ``box`` as a bool array of the box's size."""
        pixels = np.zeros((box[3] - box[1], box[2] - box[0]), np.bool_)
        part = self.clipped(box)
        if part is not None:
            crop(pixels, shift_box(part.box, -box[0], -box[1]))[...] = part.pixels
        return pixels


@dataclass(frozen=True, slots=True)
class PaintRule:
    """Which pixels may change.

    A class in ``protect`` stays as it is: its pixels keep it and no other pixel gets it. With
    ``only_over`` only pixels of that class change.
    """

    protect: frozenset[int] = frozenset()
    only_over: int | None = None

    def allows(self, values: Mask) -> Pixels | None:
        """Return where ``values`` may change; None means everywhere."""
        if self.only_over is not None:
            if self.only_over in self.protect:
                return np.zeros(values.shape, np.bool_)
            return np.equal(values, np.uint8(self.only_over))
        if not self.protect:
            return None
        table = np.ones(256, np.bool_)
        table[list(self.protect)] = False
        return table[values]


FREE = PaintRule()


@dataclass(frozen=True, slots=True, eq=False)
class MaskEdit:
    """One change: the pixels of ``box`` ``before`` and ``after`` it."""

    box: Box
    before: Mask
    after: Mask

    def apply(self, mask: Mask) -> None:
        """Do the change."""
        crop(mask, self.box)[...] = self.after

    def revert(self, mask: Mask) -> None:
        """Take the change back."""
        crop(mask, self.box)[...] = self.before


def crop(array: npt.NDArray[Scalar], box: Box) -> npt.NDArray[Scalar]:
    """Return the view of ``array`` (rows, columns, …) in ``box``, which must lie inside."""
    x0, y0, x1, y1 = box
    return array[y0:y1, x0:x1]


def shift_box(box: Box, dx: int, dy: int) -> Box:
    """Return ``box`` moved."""
    return box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy


def intersect(a: Box, b: Box) -> Box | None:
    """Return the box common to both, None if it is empty."""
    x0, y0, x1, y1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def unite(a: Box | None, b: Box | None) -> Box | None:
    """Return the smallest box around both."""
    if a is None or b is None:
        return a or b
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def grow_box(box: Box, margin: int, size: tuple[int, int]) -> Box:
    """Return ``box`` with ``margin`` more pixels on each side, inside an image of ``size``."""
    x0, y0, x1, y1 = box
    return (
        max(x0 - margin, 0),
        max(y0 - margin, 0),
        min(x1 + margin, size[0]),
        min(y1 + margin, size[1]),
    )


def whole_box(array: npt.NDArray[np.generic]) -> Box:
    """Return the box of a whole image or mask."""
    return 0, 0, array.shape[1], array.shape[0]


def bounding_box(pixels: Pixels) -> Box | None:
    """Return the box around the true pixels, None if there are none."""
    rows = np.flatnonzero(pixels.any(axis=1))
    if not rows.size:
        return None
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(pixels[y0:y1].any(axis=0))
    return int(columns[0]), y0, int(columns[-1]) + 1, y1


def joined(first: Region, *others: Region) -> Region:
    """Return the region that has the pixels of all of them."""
    box = first.box
    for region in others:
        box = unite(box, region.box) or box
    pixels = np.zeros((box[3] - box[1], box[2] - box[0]), np.bool_)
    for region in (first, *others):
        part = crop(pixels, shift_box(region.box, -box[0], -box[1]))
        part |= region.pixels
    return Region(box, pixels)


def edit_between(before: Mask, after: Mask, *, origin: tuple[int, int] = (0, 0)) -> MaskEdit | None:
    """Return the edit that turns ``before`` into ``after``, None if they are equal.

    Args:
        before: pixels as they were.
        after: pixels as they are, of the same size.
        origin: where (x, y) their upper left pixel lies in the image.
    """
    changed = bounding_box(np.not_equal(before, after))
    if changed is None:
        return None
    return MaskEdit(
        shift_box(changed, *origin), crop(before, changed).copy(), crop(after, changed).copy()
    )


def paint(mask: Mask, region: Region, *, class_id: int, rule: PaintRule = FREE) -> MaskEdit | None:
    """Give ``region`` a class, as far as the rule lets it; parts outside the mask are left out.

    Returns:
        What changed in ``mask``, None if nothing did.
    """
    return _write(mask, region, np.uint8(class_id), rule)


def paste(mask: Mask, region: Region, values: Mask, *, rule: PaintRule = FREE) -> MaskEdit | None:
    """Copy ``values`` (uint8, of the region's size) into ``region``, as ``paint`` does.

    Returns:
        What changed in ``mask``, None if nothing did.
    """
    return _write(mask, region, values, rule)


def _write(mask: Mask, region: Region, values: Mask | np.uint8, rule: PaintRule) -> MaskEdit | None:
    part = region.clipped(whole_box(mask))
    if part is None:
        return None
    if isinstance(values, np.ndarray):
        values = crop(values, shift_box(part.box, -region.box[0], -region.box[1]))
    target = crop(mask, part.box)
    before = target.copy()
    fill_pixels(target, part.pixels, values, rule)
    return edit_between(before, target, origin=part.box[:2])


def fill_pixels(target: Mask, pixels: Pixels, values: Mask | np.uint8, rule: PaintRule) -> None:
    """Write ``values`` into ``target`` in place where ``pixels`` and the rule allow it."""
    if isinstance(values, np.ndarray):
        if rule.protect:
            pixels = pixels & ~np.isin(values, list(rule.protect))
    elif int(values) in rule.protect:
        return
    allowed = rule.allows(target)
    np.copyto(target, values, where=pixels if allowed is None else pixels & allowed)
