"""Pictures for people: what was found, drawn over the image, and what the image is.

OpenCV draws Latin letters only, so the band shows the outcome as a colour and an English word, and
reasons and class names as far as they are Latin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from .deciding import Outcome
from .judging import Judgement
from .objects import LabelMap

Image = npt.NDArray[np.uint8]
Color: TypeAlias = tuple[int, int, int]
#: RGB, told apart by colour-blind eyes too.
OUTCOME_COLORS: Final[Mapping[Outcome, Color]] = {
    "accept": (0, 128, 96),
    "warn": (200, 140, 0),
    "inconclusive": (0, 100, 190),
    "reject": (200, 40, 30),
}
#: Of classes where a manifest has none (Okabe and Ito).
_COLORS: Final[tuple[Color, ...]] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
_FILL: Final = 0.35
_WHITE: Final = (255, 255, 255)
_PAPER: Final = 64
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_LEAST_BAND: Final = 16


def draw_label_map(
    image: Image,
    label_map: LabelMap,
    *,
    colors: Sequence[Color] | None,
    background: int | None,
) -> Image:
    """Lay translucent classes with their outlines over an image.

    Args:
        image: (H, W, 3) uint8 BGR.
        label_map: (H, W) uint8 class ids; what is no class stays clear.
        colors: RGB by class id, or None.
        background: this class stays clear.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    present = np.flatnonzero(np.bincount(label_map.ravel(), minlength=256)[:255]).tolist()
    classes = [one for one in present if one != background]
    table = np.zeros((256, 3), np.float32)
    shares = np.zeros(256, np.float32)
    for class_id in classes:
        table[class_id] = class_color(colors, class_id)[::-1]
        shares[class_id] = _FILL
    share = shares[label_map][..., None]
    drawn = np.ascontiguousarray(
        np.rint(image * (1 - share) + table[label_map] * share), dtype=np.uint8
    )
    thickness = max(1, round(max(label_map.shape) / 700))
    for class_id in classes:
        area = (label_map == class_id).view(np.uint8)
        outlines, _ = cv2.findContours(area, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outlines, -1, class_color(colors, class_id)[::-1], thickness)
    return drawn


def draw_judgement(
    image: Image,
    judgement: Judgement,
    *,
    colors: Sequence[Color] | None,
    background: int | None,
) -> Image:
    """Draw what was found, under a band with the outcome and the first reason.

    The band is added above the image, so that it hides nothing. Where the image is too narrow for
    the outcome, grey is added at its right.

    Args:
        image: (H, W, 3) uint8 BGR.
        judgement: of the image.
        colors: RGB by class id, or None.
        background: this class stays clear.

    Returns:
        (H + band, W or more, 3) uint8 BGR.
    """
    drawn = draw_label_map(image, judgement.label_map, colors=colors, background=background)
    height, width = judgement.label_map.shape
    rows = max(_LEAST_BAND, round(max(height, width) / 24))
    text = judgement.outcome.upper()
    while rows > _LEAST_BAND and _width(text, rows) > width:
        rows -= 1
    width = max(width, _width(text, rows))
    band = np.full((rows, width, 3), OUTCOME_COLORS[judgement.outcome][::-1], np.uint8)
    reason = next((str(one) for one in judgement.reasons if str(one).isascii()), "")
    whole = f"{text}: {reason}"
    _write(band, whole if reason and _width(whole, rows) <= width else text)
    picture = np.full((height, width, 3), _PAPER, np.uint8)
    picture[:, : drawn.shape[1]] = drawn
    return np.vstack([band, picture])


def class_color(colors: Sequence[Color] | None, class_id: int) -> Color:
    """Return (r, g, b) of a class: its own, or one that is as good as any other."""
    if colors is not None and class_id < len(colors):
        return colors[class_id]
    return _COLORS[class_id % len(_COLORS)]


def _text_size(rows: int) -> float:
    return max(0.3, rows / 42)


def _width(text: str, rows: int) -> int:
    """Return how wide a band of so many rows is to be for a text."""
    (width, _), _ = cv2.getTextSize(text, _FONT, _text_size(rows), _thickness(rows))
    return int(width) + rows


def _thickness(rows: int) -> int:
    return max(1, round(rows / 22))


def _write(band: Image, text: str) -> None:
    rows = len(band)
    place = (rows // 3, round(rows * 0.72))
    cv2.putText(band, text, place, _FONT, _text_size(rows), _WHITE, _thickness(rows), cv2.LINE_AA)
