"""Transforms that mirror image and mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from core.transforms.base import Sample, Transform, check_probability, register
from core.transforms.inversion import Flipped


def _mirror(sample: Sample, axis: int) -> Sample:
    sample["image"] = cv2.flip(sample["image"], axis)
    if sample.get("mask") is not None:
        sample["mask"] = cv2.flip(sample["mask"], axis)
    sample["trace"].append(Flipped(axis))
    return sample


@register
@dataclass(frozen=True, slots=True)
class RandomHorizontalFlip(Transform):
    """Swap left and right with probability ``prob``."""

    is_random: ClassVar[bool] = True

    prob: float = 0.5

    def __post_init__(self) -> None:
        check_probability(self, "prob")

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Flip image and mask."""
        return _mirror(sample, 1) if rng.random() < self.prob else sample


@register
@dataclass(frozen=True, slots=True)
class RandomVerticalFlip(Transform):
    """Swap top and bottom with probability ``prob``."""

    is_random: ClassVar[bool] = True

    prob: float = 0.5

    def __post_init__(self) -> None:
        check_probability(self, "prob")

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Flip image and mask."""
        return _mirror(sample, 0) if rng.random() < self.prob else sample
