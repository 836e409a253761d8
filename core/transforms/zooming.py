"""Transforms that keep what a pixel stands for: one factor for all images, and parts around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX
from core.transforms.base import Sample, Transform, bad_parameter, check_probability, register
from core.transforms.inversion import resize
from core.transforms.resizing import Size, height_width, stretch

_LARGEST_FACTOR = 16.0


@register
@dataclass(frozen=True, slots=True)
class Rescale(Transform):
    """Enlarge or shrink every image by the same factor, so that equal things stay equally large.

    For images of several sizes from one camera: fitted into one size, a scratch would be twice as
    wide in one image as in another.

    Args:
        scale: network pixels for each pixel of the image, on both sides.
        window: (height, width) of the parts that were trained on; costs are counted for it.
    """

    scale: float = 1.0
    window: Size | None = None

    def __post_init__(self) -> None:
        check_factor(self, "scale", self.scale)
        if self.window is not None:
            object.__setattr__(self, "window", height_width(self, "window", self.window))

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Resize image and mask."""
        height, width = (max(1, round(side * self.scale)) for side in sample["image"].shape[:2])
        return stretch(sample, (height, width), "AREA" if self.scale < 1 else "LINEAR", rng)


def check_factor(transform: Transform, name: str, value: object) -> None:
    """Raise ``InputError`` unless ``value`` is a factor that images can be resized by."""
    factor = value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
    if not 1 / _LARGEST_FACTOR <= factor <= _LARGEST_FACTOR:
        raise bad_parameter(transform, name, value, "a factor from 1/16 to 16")


@register
@dataclass(frozen=True, slots=True)
class RandomZoomCrop(Transform):
    """Cut out a part of any zoom and bring it to ``target_size``; beyond the image, mirror it.

    Zoom is drawn evenly on a logarithmic scale around what an evaluation sees, both ways: a network
    trained on enlarged parts alone expects things larger than an evaluation shows them (Touvron et
    al. 2019, arXiv:1906.06423).

    Args:
        target_size: pixels or (height, width) of the result.
        scale: network pixels for each pixel of the image at zoom 1; None: at zoom 1 the whole
            image is stretched to ``target_size``.
        zoom: smallest and largest zoom; below 1 the part is larger than ``target_size``.
        aspect_ratio: largest factor by which width / height change, either way.
        class_prob: how often the part is cut around a pixel of a class of the mask. The fewer
            pixels a class has there, the more likely it is (with the inverse square root).
    """

    is_random: ClassVar[bool] = True

    target_size: Size
    scale: float | None = None
    zoom: Sequence[float] = (0.6, 1.6)
    aspect_ratio: float = 1.2
    class_prob: float = 0.6

    def __post_init__(self) -> None:
        object.__setattr__(self, "target_size", height_width(self, "target_size", self.target_size))
        if self.scale is not None:
            check_factor(self, "scale", self.scale)
        pair = self.zoom
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not 0 < pair[0] <= pair[1]:
            raise bad_parameter(self, "zoom", pair, "the smallest and the largest factor")
        for factor in pair:
            check_factor(self, "zoom", factor)
        object.__setattr__(self, "zoom", tuple(float(factor) for factor in pair))
        if not isinstance(self.aspect_ratio, (int, float)) or not 1 <= self.aspect_ratio <= 4:
            raise bad_parameter(self, "aspect_ratio", self.aspect_ratio, "a factor from 1 to 4")
        check_probability(self, "class_prob")

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Cut, resize and continue image and mask."""
        target = height_width(self, "target_size", self.target_size)
        shape = sample["image"].shape[:2]
        factors = self._factors(shape, target, rng)
        centre = self._centre(sample.get("mask"), rng)
        placed = [
            _placed(side, wanted, factor, None if centre is None else centre[axis], rng)
            for axis, (side, wanted, factor) in enumerate(zip(shape, target, factors, strict=True))
        ]
        for name, flag in (
            ("image", cv2.INTER_AREA if max(factors) < 1 else cv2.INTER_LINEAR),
            ("mask", cv2.INTER_NEAREST_EXACT),
        ):
            if sample.get(name) is not None:
                sample[name] = _cut_out(sample[name], placed, target, flag)
        return sample

    def _factors(
        self, shape: tuple[int, int], target: tuple[int, int], rng: np.random.Generator
    ) -> tuple[float, float]:
        """Draw how many result pixels stand for one of the image, along height and width."""
        zoom = math.exp(rng.uniform(math.log(self.zoom[0]), math.log(self.zoom[1])))
        bend = math.exp(rng.uniform(-1, 1) * math.log(self.aspect_ratio) / 2)
        base = (
            (target[0] / shape[0], target[1] / shape[1])
            if self.scale is None
            else (self.scale, self.scale)
        )
        return base[0] * zoom / bend, base[1] * zoom * bend

    def _centre(
        self, mask: npt.NDArray[np.uint8] | None, rng: np.random.Generator
    ) -> tuple[int, int] | None:
        """Draw (row, column) of a pixel of a class, None for a part from anywhere."""
        if mask is None or rng.random() >= self.class_prob:
            return None
        counts = np.bincount(mask.ravel(), minlength=IGNORE_INDEX)[:IGNORE_INDEX]
        classes = np.flatnonzero(counts)
        if not len(classes):
            return None
        shares = 1 / np.sqrt(counts[classes])
        pixels = np.flatnonzero(mask == rng.choice(classes, p=shares / shares.sum()))
        row, column = divmod(int(rng.choice(pixels)), mask.shape[1])
        return row, column


@dataclass(frozen=True, slots=True)
class _Placed:
    """Along one axis: which pixels are cut out, and where they lie in the result."""

    start: int
    stop: int
    offset: int
    length: int


def _placed(
    side: int, wanted: int, factor: float, centre: int | None, rng: np.random.Generator
) -> _Placed:
    """Place a part of ``wanted`` result pixels: inside where the image suffices, else around it."""
    covered = wanted / factor
    spare = side - covered
    if spare <= 0:
        start = rng.uniform(spare, 0.0)
    elif centre is None:
        start = rng.uniform(0.0, spare)
    else:
        start = min(max(centre + 0.5 - rng.uniform(0.1, 0.9) * covered, 0.0), spare)
    first = max(0, math.floor(start))
    last = min(side, max(first + 1, math.ceil(start + covered)))
    offset = round((first - start) * factor)
    length = max(1, round((last - first) * factor))
    return _Placed(first, last, offset, length)


def _cut_out(
    array: npt.NDArray[Any], placed: Sequence[_Placed], target: tuple[int, int], flag: int
) -> npt.NDArray[Any]:
    rows, columns = placed
    part = array[rows.start : rows.stop, columns.start : columns.stop]
    part = resize(part, (rows.length, columns.length), flag)
    margins = []
    for one, wanted in zip(placed, target, strict=True):
        margins += [max(0, one.offset), max(0, wanted - one.offset - one.length)]
    if any(margins):
        top, bottom, left, right = margins
        part = np.asarray(cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_REFLECT))
    first, start = max(0, -rows.offset), max(0, -columns.offset)
    return part[first : first + target[0], start : start + target[1]]
