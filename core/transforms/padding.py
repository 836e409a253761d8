"""Transforms that put image and mask into a larger canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX
from core.system.errors import InputError
from core.transforms.base import Sample, Transform, bad_parameter, check_probability, register
from core.transforms.inversion import Padded
from core.transforms.resizing import Size, check_positive, height_width


def _fill(transform: Transform, value: Any) -> tuple[float, float, float]:
    values = (value,) * 3 if isinstance(value, (int, float)) else tuple(value)
    if len(values) != 3:
        raise bad_parameter(transform, "im_padding_value", value, "one or three numbers")
    return values


def _pad(
    sample: Sample,
    offset: tuple[int, int],
    size: tuple[int, int],
    im_value: tuple[float, float, float],
    label_value: int,
) -> Sample:
    """Put image and mask at ``offset`` (x, y) into a larger canvas of ``size`` (height, width)."""
    image = sample["image"]
    before = image.shape[:2]
    x, y = offset
    if x < 0 or y < 0 or y + before[0] > size[0] or x + before[1] > size[1]:
        raise InputError(
            "Padding to {width}×{height} pixels cannot hold an image of {image_width}×"
            "{image_height}; resize it first or pad to a larger size.",
            width=size[1],
            height=size[0],
            image_width=before[1],
            image_height=before[0],
        )
    if before == size:
        return sample
    borders = (y, size[0] - before[0] - y, x, size[1] - before[1] - x)
    if image.dtype == np.uint8 and any(value != int(value) for value in im_value):
        image = image.astype(np.float32)  # 127.5 has no place in uint8
    sample["image"] = _with_border(image, borders, im_value)
    if sample.get("mask") is not None:
        sample["mask"] = _with_border(sample["mask"], borders, (label_value, 0, 0))
    sample["trace"].append(Padded((x, y), before))
    return sample


def _with_border(
    array: npt.NDArray[Any], borders: tuple[int, int, int, int], value: tuple[float, ...]
) -> npt.NDArray[Any]:
    return np.asarray(cv2.copyMakeBorder(array, *borders, cv2.BORDER_CONSTANT, value=value))


@register
@dataclass(frozen=True, slots=True)
class RandomExpand(Transform):
    """With probability ``prob``, place the image at random in a larger canvas.

    Args:
        upper_ratio: largest factor of both sides, above 1.01.
        prob: probability.
        im_padding_value: RGB fill of the image.
        label_padding_value: fill of the mask.
    """

    is_random: ClassVar[bool] = True

    upper_ratio: float = 4.0
    prob: float = 0.5
    im_padding_value: float | Sequence[float] = (127.5, 127.5, 127.5)
    label_padding_value: int = IGNORE_INDEX

    def __post_init__(self) -> None:
        check_probability(self, "prob")
        if self.upper_ratio <= 1.01:
            raise bad_parameter(self, "upper_ratio", self.upper_ratio, "a number above 1.01")
        object.__setattr__(self, "im_padding_value", _fill(self, self.im_padding_value))

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Pad image and mask."""
        if rng.random() >= self.prob:
            return sample
        height, width = sample["image"].shape[:2]
        ratio = rng.uniform(1, self.upper_ratio)
        size = (int(height * ratio), int(width * ratio))
        offset = (
            int(rng.integers(size[1] - width + 1)),
            int(rng.integers(size[0] - height + 1)),
        )
        fill = _fill(self, self.im_padding_value)
        return _pad(sample, offset, size, fill, self.label_padding_value)


@register
@dataclass(frozen=True, slots=True)
class Padding(Transform):
    """Pad to ``target_size``, or to multiples of ``size_divisor``.

    Args:
        target_size: pixels or (height, width); None pads to multiples of ``size_divisor``.
        pad_mode: where the image goes: 0 top left, 1 middle, 2 bottom right, -1 ``offsets``.
        offsets: (x, y) of the image for ``pad_mode=-1``.
        im_padding_value: RGB fill of the image; with fractions the image becomes float32.
        label_padding_value: fill of the mask.
        size_divisor: pixels.
    """

    target_size: Size | None = None
    pad_mode: int = 0
    offsets: Sequence[int] | None = None
    im_padding_value: float | Sequence[float] = (127.5, 127.5, 127.5)
    label_padding_value: int = IGNORE_INDEX
    size_divisor: int = 32

    def __post_init__(self) -> None:
        if self.target_size is not None:
            object.__setattr__(
                self, "target_size", height_width(self, "target_size", self.target_size)
            )
        if self.pad_mode not in (-1, 0, 1, 2):
            raise bad_parameter(self, "pad_mode", self.pad_mode, "-1, 0, 1 or 2")
        if self.pad_mode == -1 and (
            not isinstance(self.offsets, (list, tuple)) or len(self.offsets) != 2
        ):
            raise bad_parameter(self, "offsets", self.offsets, "(x, y)")
        if self.offsets is not None:
            object.__setattr__(self, "offsets", tuple(self.offsets))
        object.__setattr__(self, "im_padding_value", _fill(self, self.im_padding_value))
        check_positive(self, "size_divisor")

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Pad image and mask."""
        height, width = sample["image"].shape[:2]
        if self.target_size is None:
            divisor = self.size_divisor
            size = (-(-height // divisor) * divisor, -(-width // divisor) * divisor)
        else:
            size = height_width(self, "target_size", self.target_size)
        free_x, free_y = size[1] - width, size[0] - height
        offset = {
            -1: tuple(self.offsets or ()),
            0: (0, 0),
            1: (free_x // 2, free_y // 2),
            2: (free_x, free_y),
        }[self.pad_mode]
        fill = _fill(self, self.im_padding_value)
        return _pad(sample, (offset[0], offset[1]), size, fill, self.label_padding_value)
