"""Flood fill and connected parts of the mask itself."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from core.annotation.edits import Box, Mask, Pixels, Region, bounding_box, crop, shift_box

_FILLED = 2
_FIRST_SIDE = 512


def flood(
    mask: Mask, x: int, y: int, *, within: Box | None = None, diagonal: bool = False
) -> Region | None:
    """Return the connected pixels that have the class of pixel (x, y).

    Args:
        mask: the mask.
        x: column of the start.
        y: row of the start.
        within: box the fill may not leave; the whole mask if None.
        diagonal: whether pixels that touch only at a corner are connected.

    Returns:
        The pixels, None if the start is outside.
    """
    box = within or (0, 0, mask.shape[1], mask.shape[0])
    if not (box[0] <= x < box[2] and box[1] <= y < box[3]):
        return None

    def same_class(part: Box) -> Region:
        return Region(part, np.equal(crop(mask, part), mask[y, x]))

    return grow_connected(same_class, x, y, within=box, diagonal=diagonal)


def grow_connected(
    choose: Callable[[Box], Region], x: int, y: int, *, within: Box, diagonal: bool
) -> Region | None:
    """Return the connected part of what ``choose`` selects that holds pixel (x, y).

    Looks at a small box first and at larger ones while the part reaches their edge, so that a
    small part of a large image costs little.
    """
    side = _FIRST_SIDE
    while True:
        box = box_around(x, y, side, within=within)
        found = connected(choose(box), x, y, diagonal=diagonal)
        if found is None or box == within or not _touches(found.box, box, within):
            return found
        side *= 4


def box_around(x: int, y: int, side: int, *, within: Box) -> Box:
    """Return the box of at most ``side`` pixels around (x, y), moved to lie in ``within``."""
    left = max(min(x - side // 2, within[2] - side), within[0])
    top = max(min(y - side // 2, within[3] - side), within[1])
    return left, top, min(left + side, within[2]), min(top + side, within[3])


def _touches(inner: Box, box: Box, within: Box) -> bool:
    """Say whether ``inner`` reaches a side of ``box`` that is no side of ``within``."""
    return any(inner[side] == box[side] and box[side] != within[side] for side in range(4))


def connected(region: Region, x: int, y: int, *, diagonal: bool = True) -> Region | None:
    """Return the connected part of ``region`` that holds pixel (x, y), None if it holds it not."""
    x0, y0, x1, y1 = region.box
    if not (x0 <= x < x1 and y0 <= y < y1) or not region.pixels[y - y0, x - x0]:
        return None
    # The plane has the border that floodFill asks of its mask: no second plane is needed.
    plane = np.zeros((y1 - y0 + 2, x1 - x0 + 2), np.uint8)
    np.logical_not(region.pixels, out=plane[1:-1, 1:-1].view(np.bool_))
    plane[0], plane[-1], plane[:, 0], plane[:, -1] = 1, 1, 1, 1
    flags = (8 if diagonal else 4) | cv2.FLOODFILL_MASK_ONLY | (_FILLED << 8)
    canvas = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.floodFill(canvas, plane, (x - x0, y - y0), 0, flags=flags)
    filled: Pixels = plane[1:-1, 1:-1] == _FILLED
    inner = bounding_box(filled)
    assert inner is not None  # the start itself
    return Region(shift_box(inner, x0, y0), crop(filled, inner))
