"""Cleaning up one class: holes, specks, rough edges, size.

Every function looks at the pixels of one class inside a region, or in the whole mask, and returns
an edit made through ``PaintRule``. What a class gives up becomes ``background``.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from core.annotation.edits import (
    FREE,
    Box,
    Mask,
    MaskEdit,
    PaintRule,
    Pixels,
    Region,
    crop,
    edit_between,
    fill_pixels,
    grow_box,
    intersect,
    whole_box,
)
from core.annotation.flood_fill import flood

_Components = tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int32]]
_MAX_RADIUS = 255


def pick_component(mask: Mask, x: int, y: int) -> Region | None:
    """Return the connected part (corners count) of its class that holds pixel (x, y)."""
    return flood(mask, x, y, diagonal=True)


def class_region(mask: Mask, class_id: int, *, within: Box | None = None) -> Region | None:
    """Return all pixels of a class, None if it has none."""
    box = intersect(within, whole_box(mask)) if within is not None else whole_box(mask)
    return None if box is None else Region(box, crop(mask, box) == class_id).tight()


def fill_holes(
    mask: Mask,
    class_id: int,
    *,
    selection: Region | None = None,
    rule: PaintRule = FREE,
) -> MaskEdit | None:
    """Fill what a class encloses.

    Args:
        mask: the mask, changed in place.
        class_id: the class.
        selection: part of the class to look at; all of it if None.
        rule: which pixels may change.
    """
    found = _class_pixels(mask, class_id, selection, margin=1)
    if found is None:
        return None
    box, pixels = found
    # Everything around is one part if the plane has a free border of its own.
    outside = np.pad(~pixels, 1, constant_values=True)
    _, labels, _ = _components(outside, connectivity=4)
    holes = outside[1:-1, 1:-1] & (labels[1:-1, 1:-1] != labels[0, 0])
    return _change(mask, box, holes, class_id, rule)


def remove_specks(
    mask: Mask,
    class_id: int,
    *,
    min_area: int,
    selection: Region | None = None,
    rule: PaintRule = FREE,
) -> MaskEdit | None:
    """Remove connected parts (corners count) of fewer than ``min_area`` pixels.

    Args:
        mask: the mask, changed in place.
        class_id: the class.
        min_area: area in pixels from which a part stays.
        selection: part of the class to look at; all of it if None.
        rule: which pixels may change.
    """
    found = _class_pixels(mask, class_id, selection, margin=1)
    if found is None:
        return None
    box, pixels = found
    _, labels, stats = _components(pixels, connectivity=8)
    target = crop(mask, box)
    before = target.copy()
    for label in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < min_area).tolist():
        if label == 0:
            continue
        left, top, width, height = stats[label, :4].tolist()
        size = (target.shape[1], target.shape[0])
        around = grow_box((left, top, left + width, top + height), 1, size)
        speck = crop(labels, around) == label
        value = _surrounding_class(crop(before, around), speck, class_id)
        fill_pixels(crop(target, around), speck, np.uint8(value), rule)
    return edit_between(before, target, origin=box[:2])


def dilate(
    mask: Mask,
    class_id: int,
    *,
    radius: int = 1,
    selection: Region | None = None,
    rule: PaintRule = FREE,
) -> MaskEdit | None:
    """Grow a class by ``radius`` pixels in every direction (a disc)."""
    radius = _checked(radius)
    found = _class_pixels(mask, class_id, selection, margin=radius)
    if found is None:
        return None
    box, pixels = found
    return _change(mask, box, _near(pixels, radius), class_id, rule)


def erode(
    mask: Mask,
    class_id: int,
    *,
    radius: int = 1,
    selection: Region | None = None,
    rule: PaintRule = FREE,
) -> MaskEdit | None:
    """Shrink a class by ``radius`` pixels; the border of the image is no edge of it."""
    radius = _checked(radius)
    found = _class_pixels(mask, class_id, selection, margin=1)
    if found is None:
        return None
    box, pixels = found
    lost = pixels & _near(~pixels, radius)
    return _change(mask, box, lost, 0, rule)


def smooth(
    mask: Mask,
    class_id: int,
    *,
    radius: int = 2,
    selection: Region | None = None,
    rule: PaintRule = FREE,
) -> MaskEdit | None:
    """Smooth the outline of a class: each pixel becomes what most of its neighbours are.

    Args:
        mask: the mask, changed in place.
        class_id: the class.
        radius: neighbours are the (2 radius + 1)² pixels around.
        selection: part of the class to look at; all of it if None.
        rule: which pixels may change.
    """
    radius = _checked(radius)
    found = _class_pixels(mask, class_id, selection, margin=2 * radius + 1)
    if found is None:
        return None
    box, pixels = found
    side = 2 * radius + 1
    plane = pixels.astype(np.float32)
    share = cv2.boxFilter(plane, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REPLICATE)
    smoothed = np.asarray(share) > 0.5
    target = crop(mask, box)
    before = target.copy()
    fill_pixels(target, smoothed & ~pixels, np.uint8(class_id), rule)
    fill_pixels(target, pixels & ~smoothed, np.uint8(0), rule)
    return edit_between(before, target, origin=box[:2])


def _class_pixels(
    mask: Mask, class_id: int, selection: Region | None, *, margin: int
) -> tuple[Box, Pixels] | None:
    """Return the class's selected pixels with a margin around them."""
    within = selection.box if selection is not None else None
    found = class_region(mask, class_id, within=within)
    if found is None:
        return None
    box = grow_box(found.box, margin, (mask.shape[1], mask.shape[0]))
    pixels = crop(mask, box) == class_id
    if selection is not None:
        pixels &= selection.in_box(box)
    return (box, pixels) if pixels.any() else None


def _change(
    mask: Mask, box: Box, pixels: Pixels, class_id: int, rule: PaintRule
) -> MaskEdit | None:
    target = crop(mask, box)
    before = target.copy()
    fill_pixels(target, pixels, np.uint8(class_id), rule)
    return edit_between(before, target, origin=box[:2])


def _components(pixels: Pixels, *, connectivity: int) -> _Components:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(pixels, np.uint8), connectivity=connectivity, ltype=cv2.CV_32S
    )
    return count, np.asarray(labels, np.int32), np.asarray(stats, np.int32)


def _near(pixels: Pixels, radius: int) -> Pixels:
    """Pixels within ``radius`` of a true one."""
    if not pixels.any():
        return pixels
    source: Any = np.logical_not(pixels).astype(np.uint8)
    distance = cv2.distanceTransform(source, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    near: Pixels = np.asarray(distance) <= radius
    return near


def _surrounding_class(values: Mask, speck: Pixels, class_id: int) -> int:
    ring = np.asarray(cv2.dilate(speck.astype(np.uint8), np.ones((3, 3), np.uint8)), np.bool_)
    around = values[ring & ~speck & (values != class_id)]
    return int(np.bincount(around).argmax()) if around.size else 0


def _checked(radius: int) -> int:
    if not 1 <= radius <= _MAX_RADIUS:
        raise ValueError(f"radius {radius} is outside 1 … {_MAX_RADIUS}")
    return radius
