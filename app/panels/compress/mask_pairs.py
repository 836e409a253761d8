"""Two label maps of one image: how much they differ, and pictures of where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from app.services.background import Progress
from app.widgets.blending import ImageArray, fit, overlay_mask, shrink
from core.images.io import IGNORE_INDEX, read_image, read_mask
from core.images.palette import Color
from core.system.errors import InputError

_MAX_SIDE = 2048
_DIMMED = 0.45
_MARK: Color = (255, 214, 0)
_OUTLINE = 400  # pixels of the longer side to one of the outline


@dataclass(frozen=True, slots=True)
class MaskPair:
    """The files of one image and of two label maps of it."""

    image: Path
    first: Path
    second: Path


def differing_share(pair: MaskPair) -> float:
    """Return the share of pixels (0 … 1) whose classes differ; ignored ones do not count.

    Raises:
        InputError: a file cannot be read, or the two are not the same size.
    """
    first, second = _read(pair)
    counted = (first != IGNORE_INDEX) & (second != IGNORE_INDEX)
    total = int(counted.sum())
    return float((first != second)[counted].sum()) / total if total else 0.0


def render_pair(
    pair: MaskPair,
    *,
    colors: tuple[Color, ...],
    background: int | None,
    differences: bool,
    progress: Progress | None = None,
) -> tuple[ImageArray, ImageArray]:
    """Return the image (H, W, 3) BGR with each label map over it; for the thread pool.

    Args:
        pair: what to draw.
        colors: red, green, blue of each class.
        background: class that stays clear.
        differences: dim what agrees, and outline what does not.
        progress: asked between the steps whether to go on.
    """
    image = shrink(read_image(pair.image), _MAX_SIDE)
    if progress is not None:
        progress.check()
    first, second = (fit(label_map, image) for label_map in _read(pair))
    if progress is not None:
        progress.check()
    if not differences:
        return (
            overlay_mask(image, first, colors, background=background),
            overlay_mask(image, second, colors, background=background),
        )
    differing = (first != second) & (first != IGNORE_INDEX) & (second != IGNORE_INDEX)
    return (
        _marked(image, first, differing, colors, background),
        _marked(image, second, differing, colors, background),
    )


def _marked(
    image: ImageArray,
    label_map: ImageArray,
    differing: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    colors: tuple[Color, ...],
    background: int | None,
) -> ImageArray:
    """Dim the image, show the classes where the two differ, and outline those places."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    dimmed = np.asarray(np.rint(grey * _DIMMED), np.uint8)
    shown = overlay_mask(image, label_map, colors, background=background, strength=0.85)
    made = np.where(differing[..., None], shown, dimmed)
    contours, _ = cv2.findContours(
        differing.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    red, green, blue = _MARK
    width = max(1, round(max(image.shape[:2]) / _OUTLINE))
    cv2.drawContours(made, contours, -1, (blue, green, red), width)
    return np.asarray(made, np.uint8)


def _read(pair: MaskPair) -> tuple[ImageArray, ImageArray]:
    first, second = read_mask(pair.first), read_mask(pair.second)
    if first.shape != second.shape:
        raise InputError(
            "The two masks of {file} have different sizes; predict them again.", file=pair.image
        )
    return first, second
