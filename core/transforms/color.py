"""Transforms of values: normalisation, colour and blur."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from core.transforms.base import Sample, Transform, bad_parameter, check_probability, register

_GREY = np.array([0.299, 0.587, 0.114])
_RGB_TO_YIQ = np.array([_GREY, [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
_YIQ_TO_RGB = np.linalg.inv(_RGB_TO_YIQ)


@register
@dataclass(frozen=True, slots=True)
class Normalize(Transform):
    """Make float32: ``((image - min_val) / (max_val - min_val) - mean) / std`` per channel.

    Args:
        mean: per channel, RGB.
        std: per channel, RGB, not 0.
        min_val: darkest value of each channel.
        max_val: brightest value of each channel.
        is_scale: False leaves out the division by the range, so that mean and std are in the
            image's own units. (PaddleX 2.1 takes the parameter and always scales.)
    """

    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    min_val: tuple[float, ...] = (0.0, 0.0, 0.0)
    max_val: tuple[float, ...] = (255.0, 255.0, 255.0)
    is_scale: bool = True
    _table: npt.NDArray[np.float32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("mean", "std", "min_val", "max_val"):
            value = getattr(self, name)
            if not isinstance(value, (list, tuple)) or len(value) != 3:
                raise bad_parameter(self, name, value, "three numbers")
            object.__setattr__(self, name, tuple(value))
        if 0 in self.std:
            raise bad_parameter(self, "std", self.std, "numbers other than 0")
        if self.is_scale and any(a == b for a, b in zip(self.min_val, self.max_val, strict=True)):
            raise bad_parameter(self, "max_val", self.max_val, "numbers other than min_val")
        levels = np.repeat(np.arange(256.0)[:, None], 3, axis=1)
        object.__setattr__(self, "_table", self._normalize(levels).astype(np.float32)[None])

    def _normalize(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        scale, shift = self.affine()
        scaled: npt.NDArray[Any] = values * scale.astype(values.dtype)
        scaled += shift.astype(values.dtype)
        return scaled

    def affine(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return (scale, shift), each (3,): the output is ``image * scale + shift``."""
        low = np.array(self.min_val if self.is_scale else (0.0,) * 3)
        extent = np.array(self.max_val) - low if self.is_scale else np.ones(3)
        std = np.array(self.std)
        return 1 / (extent * std), -(low / extent + np.array(self.mean)) / std

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Replace the image by float32; one look-up per value where it is uint8."""
        image = sample["image"]
        if image.dtype == np.uint8:
            sample["image"] = cv2.LUT(np.ascontiguousarray(image), self._table)
        else:
            sample["image"] = self._normalize(image.astype(np.float32))
        return sample

    def _items(self) -> list[tuple[str, Any]]:
        names = ("mean", "std", "min_val", "max_val", "is_scale")
        return [(name, getattr(self, name)) for name in names]


@register
@dataclass(frozen=True, slots=True)
class RandomDistort(Transform):
    """Change brightness, contrast, saturation and hue at random, each with its probability.

    Brightness, contrast and saturation are factors drawn from ``[1 - range, 1 + range]``
    (contrast about the image's mean grey, saturation about each pixel's grey), the hue turns by
    up to ``hue_range`` degrees. PaddleX 2.1's code adds the brightness factor to values of
    0 … 255, turns the hue by ``1 ± range`` half turns and swaps a probability with its opposite;
    this follows its documentation.

    Args:
        random_apply: draw the order; False keeps brightness, contrast, saturation, hue, with
            contrast moved to the end every second time.
        count: with ``random_apply``, how many of the four to try.
        shuffle_channel: also permute the channels every second time.
    """

    is_random: ClassVar[bool] = True

    brightness_range: float = 0.5
    brightness_prob: float = 0.5
    contrast_range: float = 0.5
    contrast_prob: float = 0.5
    saturation_range: float = 0.5
    saturation_prob: float = 0.5
    hue_range: float = 18
    hue_prob: float = 0.5
    random_apply: bool = True
    count: int = 4
    shuffle_channel: bool = False

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation", "hue"):
            check_probability(self, f"{name}_prob")
            value = getattr(self, f"{name}_range")
            if not isinstance(value, (int, float)) or value < 0:
                raise bad_parameter(self, f"{name}_range", value, "a number not below 0")

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """All four are affine in RGB: multiply the matrices, touch the pixels once."""
        image = sample["image"]
        matrix, shift = np.eye(3), np.zeros(3)
        mean = np.array(cv2.mean(image)[:3])
        for name in self._order(rng):
            if rng.random() >= getattr(self, f"{name}_prob"):
                continue
            extent = getattr(self, f"{name}_range")
            if name == "hue":
                step, offset = _hue_matrix(rng.uniform(-extent, extent)), np.zeros(3)
            else:
                factor = max(0.0, rng.uniform(1 - extent, 1 + extent))
                step, offset = _step(name, factor, matrix @ mean + shift)
            matrix, shift = step @ matrix, step @ shift + offset
        if not self.random_apply and self.shuffle_channel and rng.random() < 0.5:
            order = rng.permutation(3)
            matrix, shift = matrix[order], shift[order]
        if not np.array_equal(matrix, np.eye(3)) or shift.any():
            changed = cv2.transform(image, np.column_stack([matrix, shift]))
            sample["image"] = changed if image.dtype == np.uint8 else np.clip(changed, 0, 255)
        return sample

    def _order(self, rng: np.random.Generator) -> list[str]:
        names = ["brightness", "contrast", "saturation", "hue"]
        if self.random_apply:
            return [names[index] for index in rng.permutation(4)[: self.count]]
        return names if rng.random() < 0.5 else ["brightness", "saturation", "hue", "contrast"]


def _step(
    name: str, factor: float, mean: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return matrix (3, 3) and offset (3,) of one distortion; ``mean`` is the image's RGB mean."""
    if name == "brightness":
        return factor * np.eye(3), np.zeros(3)
    if name == "contrast":
        return factor * np.eye(3), np.full(3, (1 - factor) * (_GREY @ mean))
    return factor * np.eye(3) + (1 - factor) * np.outer(np.ones(3), _GREY), np.zeros(3)


def _hue_matrix(degrees: float) -> npt.NDArray[np.float64]:
    """Rotation of the chroma plane of YIQ, as a matrix on RGB."""
    u, w = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rotation = np.array([[1, 0, 0], [0, u, -w], [0, w, u]])
    return np.asarray(_YIQ_TO_RGB @ rotation @ _RGB_TO_YIQ)


@register
@dataclass(frozen=True, slots=True)
class RandomBlur(Transform):
    """Gaussian blur with a kernel of 3, 5, 7 or 9 pixels, with probability ``prob``."""

    is_random: ClassVar[bool] = True

    prob: float = 0.1

    def __post_init__(self) -> None:
        check_probability(self, "prob")

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Blur the image."""
        if rng.random() < self.prob:
            kernel = 2 * int(rng.integers(1, 5)) + 1
            sample["image"] = cv2.GaussianBlur(sample["image"], (kernel, kernel), 0)
        return sample
