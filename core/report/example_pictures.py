"""Pictures of a report: image, ground truth, prediction and errors side by side."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import read_image, read_mask
from core.prediction.inspection import ImageScore, LabelMap, PixelError, error_map
from core.prediction.threshold_trial import read_prediction
from core.system.errors import InputError

Color = tuple[int, int, int]
ERROR_COLORS: dict[PixelError, Color] = {  # RGB
    PixelError.MISSED: (0, 114, 178),
    PixelError.FALSE: (230, 97, 1),
    PixelError.CONFUSED: (170, 51, 158),
    PixelError.IGNORED: (214, 214, 214),
}
_SIDE = 320  # pixels; four in a row on a desktop page


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One image of the report: four pictures as data URIs; ``aspect`` is their height by width."""

    name: str
    score: ImageScore
    image: str
    truth: str
    prediction: str
    errors: str
    aspect: float


def make_example(
    score: ImageScore,
    *,
    colors: Sequence[Color],
    background: int | None,
    labels: Sequence[str] = (),
    thresholds: Sequence[float | None] | None = None,
) -> Example | None:
    """Draw one evaluated image; None if its prediction was not kept or a file is gone.

    Args:
        score: the image.
        colors: RGB by class id.
        background: class id that stays clear.
        labels: class names, needed where there are thresholds.
        thresholds: that its label map is to obey; None for as it was measured.
    """
    if score.prediction is None:
        return None
    try:
        image = read_image(score.image)
        label, predicted = read_mask(score.label), read_prediction(score, labels, thresholds)
        errors = error_map(predicted, label, background=background)
    except (InputError, OSError):
        return None
    image, label, predicted, errors = _fit(image, label, predicted, errors)
    return Example(
        name=score.image.name,
        score=score,
        image=_data_uri(image),
        truth=_data_uri(paint_label_map(image, label, colors, background=background)),
        prediction=_data_uri(paint_label_map(image, predicted, colors, background=background)),
        errors=_data_uri(_paint_errors(image, errors)),
        aspect=image.shape[0] / image.shape[1],
    )


def _fit(
    image: npt.NDArray[np.uint8], *maps: LabelMap
) -> tuple[npt.NDArray[np.uint8], LabelMap, LabelMap, LabelMap]:
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    label, predicted, errors = (
        np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_NEAREST), np.uint8) for one in maps
    )
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), label, predicted, errors


def paint_label_map(
    image: npt.NDArray[np.uint8],
    label_map: LabelMap,
    colors: Sequence[Color],
    *,
    background: int | None,
) -> npt.NDArray[np.uint8]:
    """Lay the classes' colours over an image.

    Args:
        image: (H, W, 3) uint8 BGR.
        label_map: (H, W) uint8 class ids.
        colors: RGB by class id; ids beyond are drawn like ignored pixels.
        background: this class stays clear.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    table = np.full((256, 3), ERROR_COLORS[PixelError.IGNORED], np.float32)
    table[: len(colors)] = np.asarray(colors, np.float32)
    share = np.full(256, 0.6, np.float32)
    if background is not None:
        share[background] = 0.0
    return _mix(image, table[label_map], share[label_map])


def _paint_errors(image: npt.NDArray[np.uint8], errors: LabelMap) -> npt.NDArray[np.uint8]:
    grey = np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    table = np.zeros((256, 3), np.float32)
    share = np.zeros(256, np.float32)
    for error, color in ERROR_COLORS.items():
        table[error] = color
        share[error] = 0.45 if error is PixelError.IGNORED else 0.85
    dimmed = np.asarray(grey * 0.6 + 60, np.uint8)
    return _mix(dimmed, table[errors], share[errors])


def _mix(
    image: npt.NDArray[np.uint8], rgb: npt.NDArray[np.float32], share: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    weight = share[..., None]
    return np.asarray(image * (1 - weight) + rgb[..., ::-1] * weight + 0.5, np.uint8)


def _data_uri(image: npt.NDArray[np.uint8]) -> str:
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not ok:  # only for images JPEG cannot hold, and these are at most 320 pixels wide
        raise ValueError("the picture could not be encoded")
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
