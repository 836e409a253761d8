"""Pictures of an evaluated image: itself, its mask, the prediction, or where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from app.services.background import Progress
from app.widgets.blending import ImageArray, overlay_errors, overlay_mask, shrink
from core.images.io import read_image, read_mask
from core.images.palette import Color
from core.prediction.inspection import ImageScore, background_class, error_map
from core.prediction.object_errors import Box
from core.prediction.threshold_trial import read_prediction

_MAX_SIDE = 2048
_MARK: Color = (255, 214, 0)
_GAP = 3  # pixels of the picture between an object and its frame


class ErrorView(StrEnum):
    """What is drawn over the image."""

    ERRORS = "errors"
    PREDICTION = "prediction"
    TRUTH = "truth"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One image of one evaluation.

    Attributes:
        score: the image.
        labels: class names.
        thresholds: that its label map obeys; None for as it was measured.
        boxes: what is framed, x0, y0, x1, y1 in pixels of the image.
    """

    score: ImageScore
    labels: tuple[str, ...]
    thresholds: tuple[float | None, ...] | None = None
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """How it is drawn: the view, the class whose errors alone are shown, colours of the classes."""

    view: ErrorView
    focus: int | None = None
    colors: tuple[Color, ...] = ()


def render_errors(drawn: Drawn, max_side: int) -> ImageArray:
    """Return an image (H, W, 3) BGR with its errors over it; for the thread pool."""
    return render(drawn, Look(ErrorView.ERRORS), max_side=max_side)


def render(
    drawn: Drawn, look: Look, *, progress: Progress | None = None, max_side: int = _MAX_SIDE
) -> ImageArray:
    """Return a picture (H, W, 3) BGR of an image; for the thread pool.

    Raises:
        InputError: a file is gone or cannot be read.
    """
    whole = read_image(drawn.score.image)
    picture = shrink(whole, max_side)
    if progress is not None:
        progress.check()
    picture = _painted(picture, drawn, look)
    return _framed(picture, drawn.boxes, picture.shape[1] / whole.shape[1])


def _painted(image: ImageArray, drawn: Drawn, look: Look) -> ImageArray:
    score, background = drawn.score, background_class(drawn.labels)
    if look.view is ErrorView.IMAGE:
        return image
    if look.view is ErrorView.TRUTH:
        return overlay_mask(image, read_mask(score.label), look.colors, background=background)
    prediction = read_prediction(score, drawn.labels, drawn.thresholds)
    if look.view is ErrorView.PREDICTION:
        return overlay_mask(image, prediction, look.colors, background=background)
    errors = error_map(prediction, read_mask(score.label), background=background, focus=look.focus)
    return overlay_errors(image, errors)


def _framed(picture: ImageArray, boxes: tuple[Box, ...], scale: float) -> ImageArray:
    if not boxes:
        return picture
    framed = picture.copy()
    red, green, blue = _MARK
    width = max(1, round(max(picture.shape[:2]) / 500))
    for x0, y0, x1, y1 in boxes:
        first = (round(x0 * scale) - _GAP - width, round(y0 * scale) - _GAP - width)
        last = (round(x1 * scale) + _GAP, round(y1 * scale) + _GAP)
        cv2.rectangle(framed, first, last, (blue, green, red), width)
    return np.asarray(framed, np.uint8)
