"""Carrying labels through a sequence: shapes between two frames, regions to the next image."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from core.annotation.colors import as_bgr
from core.annotation.edits import (
    Box,
    Mask,
    Pixels,
    Region,
    bounding_box,
    crop,
    grow_box,
    intersect,
    unite,
    whole_box,
)
from core.images.io import ImageArray

Distance = npt.NDArray[np.float32]
_FLOW_SIDE = 512
_SEARCH = 0.5
_LEAST_RESPONSE = 0.03


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


def estimate_shift(
    image: ImageArray, next_image: ImageArray, region: Region, *, method: Literal["phase", "flow"]
) -> tuple[int, int]:
    """Return how far (dx, dy), in whole pixels, what lies in ``region`` moves to the next image.

    Args:
        image: uint8 grey or BGR.
        next_image: the next one.
        region: what is followed.
        method: "phase" (phase correlation) finds large shifts of the whole surroundings, "flow"
            (DIS optical flow, the median inside the region) follows the object itself.

    Returns:
        (0, 0) where the images differ in size or nothing matches.
    """
    inside = region.clipped(whole_box(image))
    if image.shape[:2] != next_image.shape[:2] or inside is None or not inside.area:
        return 0, 0
    box = _search_box(inside.box, image)
    grey, next_grey = (
        cv2.cvtColor(as_bgr(crop(picture, box)), cv2.COLOR_BGR2GRAY)
        for picture in (image, next_image)
    )
    if min(grey.shape) < 16:
        return 0, 0
    scale = min(1.0, _FLOW_SIDE / max(grey.shape))
    if scale < 1:
        grey, next_grey = (
            cv2.resize(plane, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            for plane in (grey, next_grey)
        )
    if method == "phase":
        dx, dy = _phase_shift(grey, next_grey)
    else:
        dx, dy = _flow_shift(grey, next_grey, inside.in_box(box))
    return round(dx / scale), round(dy / scale)


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


def _search_box(box: Box, image: ImageArray) -> Box:
    margin = int(max(box[2] - box[0], box[3] - box[1]) * _SEARCH) + 16
    found = intersect(grow_box(box, margin, (image.shape[1], image.shape[0])), whole_box(image))
    assert found is not None
    return found


def _phase_shift(grey: Any, next_grey: Any) -> tuple[float, float]:
    window = cv2.createHanningWindow((grey.shape[1], grey.shape[0]), cv2.CV_32F)
    (dx, dy), response = cv2.phaseCorrelate(
        grey.astype(np.float32), next_grey.astype(np.float32), window
    )
    return (dx, dy) if response > _LEAST_RESPONSE else (0.0, 0.0)


def _flow_shift(grey: Any, next_grey: Any, pixels: Pixels) -> tuple[float, float]:
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(grey, next_grey, None)
    size = (grey.shape[1], grey.shape[0])
    chosen = cv2.resize(pixels.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    if not chosen.any():
        return 0.0, 0.0
    dx, dy = np.median(np.asarray(flow)[chosen], axis=0)
    return float(dx), float(dy)
