"""Transforms that cut out a part of image and mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.images.io import IGNORE_INDEX
from core.transforms.base import Sample, Transform, bad_parameter, check_probability, register
from core.transforms.inversion import Cropped
from core.transforms.resizing import Size, check_positive, height_width, stretch


def _ordered_pair(
    transform: Transform, name: str, pair: object, *, top: float
) -> tuple[float, float]:
    """Return ``pair`` as a tuple; raises ``InputError`` unless 0 < first ≤ second ≤ ``top``."""
    if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not 0 < pair[0] <= pair[1] <= top:
        raise bad_parameter(transform, name, pair, "the smallest and the largest value")
    return pair[0], pair[1]


def _cut(sample: Sample, x: int, y: int, size: tuple[int, int]) -> Sample:
    """Keep the part of ``size`` (height, width) from (x, y) on."""
    before = sample["image"].shape[:2]
    if before == size:
        return sample
    part = np.s_[y : y + size[0], x : x + size[1]]
    sample["image"] = sample["image"][part]
    if sample.get("mask") is not None:
        sample["mask"] = sample["mask"][part]
    sample["trace"].append(Cropped((x, y), before))
    return sample


@register
@dataclass(frozen=True, slots=True)
class CenterCrop(Transform):
    """Keep the square of ``crop_size`` pixels in the middle; a shorter side stays whole."""

    crop_size: int = 224

    def __post_init__(self) -> None:
        check_positive(self, "crop_size")

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Crop image and mask."""
        height, width = sample["image"].shape[:2]
        size = (min(self.crop_size, height), min(self.crop_size, width))
        return _cut(sample, (width - size[1]) // 2, (height - size[0]) // 2, size)


@register
@dataclass(frozen=True, slots=True)
class RandomCrop(Transform):
    """Cut out a random part, then resize it to ``crop_size`` if one is given.

    Args:
        crop_size: pixels or (height, width) of the result; None keeps the part as it is.
        aspect_ratio: smallest and largest width / height of the part relative to the image's;
            None draws both sides on their own and refuses parts more slender than 1 : 2.
        thresholds: only for boxes; kept so that PaddleX's parameter lists are accepted.
        scaling: smallest and largest square root of the part's share of the area.
        num_attempts: draws before the image is left whole.
        allow_no_crop: only for boxes.
        cover_all_box: only for boxes.
    """

    is_random: ClassVar[bool] = True

    crop_size: Size | None = None
    aspect_ratio: Sequence[float] | None = (0.5, 2.0)
    thresholds: Sequence[float] = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
    scaling: Sequence[float] = (0.3, 1.0)
    num_attempts: int = 50
    allow_no_crop: bool = True
    cover_all_box: bool = False

    def __post_init__(self) -> None:
        if self.crop_size is not None:
            object.__setattr__(self, "crop_size", height_width(self, "crop_size", self.crop_size))
        for name, top in (("scaling", 1.0), ("aspect_ratio", math.inf)):
            pair = getattr(self, name)
            if pair is None and name == "aspect_ratio":
                continue
            object.__setattr__(self, name, _ordered_pair(self, name, pair, top=top))
        object.__setattr__(self, "thresholds", tuple(self.thresholds))

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Crop, then resize, image and mask."""
        shape = sample["image"].shape[:2]
        for _ in range(self.num_attempts):
            size = self._draw_size(shape, rng)
            if size is not None:
                y = int(rng.integers(shape[0] - size[0] + 1))
                x = int(rng.integers(shape[1] - size[1] + 1))
                sample = _cut(sample, x, y, size)
                break
        if self.crop_size is None:
            return sample
        return stretch(sample, height_width(self, "crop_size", self.crop_size), "LINEAR", rng)

    def _draw_size(
        self, shape: tuple[int, int], rng: np.random.Generator
    ) -> tuple[int, int] | None:
        """Return (height, width), or None when the draw is too slender."""
        smallest, largest = self.scaling
        scale = rng.uniform(smallest, largest)
        if self.aspect_ratio is None:
            height = shape[0] * rng.uniform(smallest, largest)
            width = shape[1] * rng.uniform(smallest, largest)
            if not 0.5 <= height / width <= 2:
                return None
        else:
            low, high = self.aspect_ratio
            # Within scale² … scale⁻² no side of the part is longer than the image's.
            low, high = max(low, scale**2), min(high, scale**-2)
            aspect = math.sqrt(rng.uniform(low, high)) if low < high else 1.0
            height, width = shape[0] * scale / aspect, shape[1] * scale * aspect
        return max(1, min(int(height), shape[0])), max(1, min(int(width), shape[1]))


@register
@dataclass(frozen=True, slots=True)
class RandomClassCrop(Transform):
    """Cut out a part around a pixel of a random class and resize it to the image's size.

    Each class in the mask is as likely as any other, however few its pixels are, so that small
    defects are seen as often as the background around them (class-uniform sampling, Zhu et al.
    2019, arXiv:1812.01593; nnU-Net's foreground oversampling, Isensee et al. 2021). Without a mask,
    or where all of it is ignored, nothing changes.

    Args:
        prob: how often a part is cut out.
        scaling: smallest and largest square root of the part's share of the area.
    """

    is_random: ClassVar[bool] = True

    prob: float = 0.5
    scaling: Sequence[float] = (0.25, 1.0)

    def __post_init__(self) -> None:
        check_probability(self, "prob")
        object.__setattr__(self, "scaling", _ordered_pair(self, "scaling", self.scaling, top=1.0))

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Crop, then resize, image and mask."""
        mask = sample.get("mask")
        if mask is None or rng.random() >= self.prob:
            return sample
        classes = np.flatnonzero(np.bincount(mask.ravel(), minlength=IGNORE_INDEX)[:IGNORE_INDEX])
        if not len(classes):
            return sample
        pixels = np.flatnonzero(mask == rng.choice(classes))
        row, column = divmod(int(rng.choice(pixels)), mask.shape[1])
        smallest, largest = self.scaling
        scale = rng.uniform(smallest, largest)
        height = max(1, round(mask.shape[0] * scale))
        width = max(1, round(mask.shape[1] * scale))
        y = _start_of_part(row, height, mask.shape[0], rng)
        x = _start_of_part(column, width, mask.shape[1], rng)
        return stretch(_cut(sample, x, y, (height, width)), mask.shape, "LINEAR", rng)


def _start_of_part(place: int, length: int, whole: int, rng: np.random.Generator) -> int:
    """Draw where a part of ``length`` starts that holds ``place`` and lies within ``whole``."""
    return int(rng.integers(max(0, place - length + 1), min(place, whole - length) + 1))


@register
@dataclass(frozen=True, slots=True)
class RandomScaleAspect(Transform):
    """Cut out a random part and resize it to the image's size.

    Args:
        min_scale: smallest square root of the part's share of the area; 0 switches this off.
        aspect_ratio: the part's width / height relative to the image's is drawn from
            ``[aspect_ratio, 1 / aspect_ratio]``; 0 switches this off.
    """

    is_random: ClassVar[bool] = True

    min_scale: float = 0.5
    aspect_ratio: float = 0.33

    def __post_init__(self) -> None:
        check_probability(self, "min_scale")
        check_probability(self, "aspect_ratio")

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Crop, then resize, image and mask."""
        if self.min_scale == 0 or self.aspect_ratio == 0:
            return sample
        crop = RandomCrop(
            crop_size=sample["image"].shape[:2],
            aspect_ratio=(self.aspect_ratio, 1 / self.aspect_ratio),
            scaling=(self.min_scale, 1.0),
            num_attempts=10,
        )
        return crop.apply(sample, rng)
