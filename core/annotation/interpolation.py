"""Carrying labels through a sequence: shapes between two frames, regions to the next image."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from core.annotation.edits import (
    Mask,
    Pixels,
    Region,
    bounding_box,
    crop,
    unite,
    whole_box,
)

Distance = npt.NDArray[np.float32]


def interpolate(first: Mask, second: Mask, *, class_id: int, share: float) -> Region | None:
    """Return where a class is between two frames.

    The signed distances to the outline in both frames are mixed, after the class's centres of
    mass have been laid upon each other, so that a moving object moves instead of fading.

    Args:
        first: mask of the earlier frame.
        second: mask of the later one, of the same size.
        class_id: the class.
        share: 0 at the first frame … 1 at the second.

    Returns:
        The region, None if it is empty or if only one frame has the class.

    Raises:
        ValueError: different sizes or a share outside 0 … 1.
    """
    if first.shape != second.shape:
        raise ValueError(f"masks of {first.shape} and {second.shape}")
    if not 0 <= share <= 1:
        raise ValueError(f"share {share} is outside 0 … 1")
    shapes = first == class_id, second == class_id
    boxes = bounding_box(shapes[0]), bounding_box(shapes[1])
    if boxes[0] is None or boxes[1] is None:
        return None
    parts = [Region(box, crop(shape, box)) for shape, box in zip(shapes, boxes, strict=True) if box]
    centres = [np.argwhere(part.pixels).mean(axis=0)[::-1] + part.box[:2] for part in parts]
    middle = centres[0] * (1 - share) + centres[1] * share
    steps = [np.rint(middle - centre).astype(int).tolist() for centre in centres]
    laid = [part.shifted(*step) for part, step in zip(parts, steps, strict=True)]
    box = unite(laid[0].box, laid[1].box)
    assert box is not None
    near, far = (_signed_distance(part.in_box(box)) for part in laid)
    mixed = Region(box, near * np.float32(1 - share) + far * np.float32(share) > 0)
    inside = mixed.clipped(whole_box(first))
    return None if inside is None else inside.tight()


def copy_region(region: Region, size: tuple[int, int], *, shift: tuple[int, int]) -> Region | None:
    """Return a region moved to the next image of ``size`` (width, height); None if it left it."""
    moved = region.shifted(*shift).clipped((0, 0, *size))
    return None if moved is None else moved.tight()


def _signed_distance(pixels: Pixels) -> Distance:
    """Distance to the outline in pixels, positive inside."""
    plane: Any = np.pad(pixels, 1).astype(np.uint8)
    inner = np.asarray(cv2.distanceTransform(plane, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
    outer = np.asarray(cv2.distanceTransform(1 - plane, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
    # Between the centres of an inner and an outer pixel lies the outline, half a pixel from each.
    signed = np.where(plane, inner - 0.5, 0.5 - outer).astype(np.float32)
    return np.asarray(signed[1:-1, 1:-1], np.float32)
