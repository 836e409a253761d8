"""The objects in a label map: connected areas of a class, and how large they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from .quantities import rounded

LabelMap = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]
#: Pixels of this value are of no class.
NO_CLASS: Final = 255
_CORNERS: Final = np.array([(0, 0), (1, 0), (0, 1), (1, 1)], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObject:
    """A connected area of one class; diagonal neighbours are connected.

    Places count from the upper left corner of the image, so that the middle of the first pixel is
    (0.5, 0.5). Length and width are those of the smallest rectangle, turned as it likes, around
    all of its pixels with their corners: one pixel is 1 × 1.

    Attributes:
        class_id: its class.
        name: of the class.
        area_px: number of pixels.
        length_px: longer side of the rectangle.
        width_px: shorter side.
        angle: direction of the longer side, degrees from 0 up to 180: 0 along a row, 90 along a
            column, 45 from the upper left to the lower right.
        center: (x, y), mean of its pixels.
        box: (x0, y0, x1, y1) in pixels, the last ones outside.
        score: mean probability of its class over its pixels; None where no scores were computed.
        score_max: largest one.
        pixel_size_mm: side of a pixel; None where it is not known.
    """

    class_id: int
    name: str
    area_px: int
    length_px: float
    width_px: float
    angle: float
    center: tuple[float, float]
    box: tuple[int, int, int, int]
    score: float | None = None
    score_max: float | None = None
    pixel_size_mm: float | None = None

    @property
    def area_mm2(self) -> float | None:
        """Area in square millimetres."""
        size = self.pixel_size_mm
        return None if size is None else rounded(self.area_px * size * size)

    @property
    def length_mm(self) -> float | None:
        """Length in millimetres."""
        return self._mm(self.length_px)

    @property
    def width_mm(self) -> float | None:
        """Width in millimetres."""
        return self._mm(self.width_px)

    @property
    def center_mm(self) -> tuple[float, float] | None:
        """Center in millimetres from the upper left corner of the image."""
        size = self.pixel_size_mm
        return (
            None
            if size is None
            else (rounded(self.center[0] * size), rounded(self.center[1] * size))
        )

    def _mm(self, pixels: float) -> float | None:
        return None if self.pixel_size_mm is None else rounded(pixels * self.pixel_size_mm)

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        return {
            "class": self.class_id,
            "name": self.name,
            "area_px": self.area_px,
            "length_px": self.length_px,
            "width_px": self.width_px,
            "area_mm2": self.area_mm2,
            "length_mm": self.length_mm,
            "width_mm": self.width_mm,
            "center": list(self.center),
            "center_mm": None if self.center_mm is None else list(self.center_mm),
            "box": list(self.box),
            "angle": self.angle,
            "score": self.score,
            "score_max": self.score_max,
        }


def find_objects(
    label_map: LabelMap,
    scores: Scores | None,
    *,
    labels: Sequence[str],
    background: int | None,
    pixel_size_mm: float | None = None,
    predicted: LabelMap | None = None,
) -> list[FoundObject]:
    """Find the objects of every class but the background.

    Args:
        label_map: (H, W) uint8 class ids; ids beyond the labels are of no class.
        scores: probabilities, (H, W, num_classes) float32, or those of each pixel's own class
            alone, (H, W); or None.
        labels: class names.
        background: class id that means "nothing here"; None where every class is something.
        pixel_size_mm: side of a pixel, or None.
        predicted: (H, W) uint8, the label map before holes were filled: what was filled has no say
            in the score of an object.

    Returns:
        Them by class, and in each class from top to bottom as their first pixels come.
    """
    present = np.flatnonzero(np.bincount(label_map.ravel(), minlength=256)[: len(labels)])
    return [
        one
        for class_id in present.tolist()
        if class_id != background
        for one in _objects_of(
            label_map,
            scores,
            label_map if predicted is None else predicted,
            class_id=class_id,
            name=labels[class_id],
            pixel_size_mm=pixel_size_mm,
        )
    ]


def _objects_of(
    label_map: LabelMap,
    scores: Scores | None,
    predicted: LabelMap,
    *,
    class_id: int,
    name: str,
    pixel_size_mm: float | None,
) -> Iterator[FoundObject]:
    whole = (label_map == class_id).view(np.uint8)
    left, top, width, height = cv2.boundingRect(whole)
    mask = np.ascontiguousarray(whole[top : top + height, left : left + width])
    count, numbers, stats, centers = cv2.connectedComponentsWithStats(
        mask, connectivity=8, ltype=cv2.CV_32S
    )
    means: list[float | None] = [None] * count
    largest: list[float | None] = [None] * count
    if scores is not None:
        own = scores if scores.ndim == 2 else scores[..., class_id]
        part = (slice(top, top + height), slice(left, left + width))
        seen = np.where(predicted[part] == class_id, numbers, 0)
        means, largest = _score_figures(seen, own[part], count)
    rectangles = _rectangles(mask, numbers)
    for number in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[number])
        length, across, angle = rectangles[number]
        yield FoundObject(
            class_id=class_id,
            name=name,
            area_px=area,
            length_px=length,
            width_px=across,
            angle=angle,
            center=(
                round(float(centers[number][0]) + left + 0.5, 3),
                round(float(centers[number][1]) + top + 0.5, 3),
            ),
            box=(x + left, y + top, x + left + w, y + top + h),
            score=means[number],
            score_max=largest[number],
            pixel_size_mm=pixel_size_mm,
        )


def _score_figures(
    numbers: npt.NDArray[np.int32], scores: Scores, count: int
) -> tuple[list[float | None], list[float | None]]:
    """Return the mean and the largest score by number; None for what is no object."""
    inside = numbers > 0
    owners, values = numbers[inside], scores[inside].astype(np.float64)
    pixels = np.maximum(np.bincount(owners, minlength=count), 1)
    means = np.bincount(owners, values, minlength=count) / pixels
    largest = np.zeros(count)
    np.maximum.at(largest, owners, values)
    return (
        [None, *(round(one, 6) for one in means[1:].tolist())],
        [None, *(round(one, 6) for one in largest[1:].tolist())],
    )


def _rectangles(
    mask: LabelMap, numbers: npt.NDArray[np.int32]
) -> dict[int, tuple[float, float, float]]:
    """Return length, width and angle of the smallest rectangle of each object by its number."""
    outlines, levels = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    found = {}
    for outline, level in zip(outlines, levels[0], strict=True):
        if level[3] >= 0:  # of a hole
            continue
        pixels = outline[:, 0]
        number = int(numbers[pixels[0, 1], pixels[0, 0]])
        corners = (pixels - pixels[0]).astype(np.float32)[:, None] + _CORNERS
        found[number] = _rectangle(corners.reshape(-1, 2))
    return found


def _rectangle(points: npt.NDArray[np.float32]) -> tuple[float, float, float]:
    (_, sides, angle) = cv2.minAreaRect(points)
    length, width = max(sides), min(sides)
    direction = angle if sides[0] >= sides[1] else angle + 90
    return round(length, 3), round(width, 3), round(math.fmod(direction + 360, 180), 2) % 180
