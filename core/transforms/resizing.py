"""Transforms that stretch image and mask to another size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import cv2
import numpy as np

from core.transforms.base import Sample, Transform, bad_parameter, register
from core.transforms.inversion import Resized, resize

_INTERPOLATIONS = {
    "NEAREST": cv2.INTER_NEAREST,
    "LINEAR": cv2.INTER_LINEAR,
    "CUBIC": cv2.INTER_CUBIC,
    "AREA": cv2.INTER_AREA,
    "LANCZOS4": cv2.INTER_LANCZOS4,
}
Size = int | tuple[int, int] | list[int]


def height_width(transform: Transform, name: str, value: Any) -> tuple[int, int]:
    """Return (height, width) of an int or a pair, or raise ``InputError`` that names the field."""
    pair = (value, value) if isinstance(value, (int, np.integer)) else value
    if (
        not isinstance(pair, (list, tuple))
        or len(pair) != 2
        or not all(isinstance(side, (int, np.integer)) and side > 0 for side in pair)
    ):
        raise bad_parameter(transform, name, value, "pixels or (height, width)")
    return int(pair[0]), int(pair[1])


def _check_interp(transform: Transform, interp: str) -> None:
    if interp != "RANDOM" and interp not in _INTERPOLATIONS:
        raise bad_parameter(
            transform, "interp", interp, f"one of {', '.join([*_INTERPOLATIONS, 'RANDOM'])}"
        )


def check_positive(transform: Transform, *names: str) -> None:
    """Raise ``InputError`` unless the fields are whole numbers above 0."""
    for name in names:
        value = getattr(transform, name)
        if not isinstance(value, (int, np.integer)) or value <= 0:
            raise bad_parameter(transform, name, value, "a whole number above 0")


def stretch(sample: Sample, size: tuple[int, int], interp: str, rng: np.random.Generator) -> Sample:
    """Resize image and mask to ``size`` (height, width).

    Masks take the nearest pixel by centres: then they stay aligned with a bilinear image, which
    plain nearest (by corners) misses by up to half a pixel.
    """
    names = list(_INTERPOLATIONS)
    name = names[rng.integers(len(names))] if interp == "RANDOM" else interp
    before = sample["image"].shape[:2]
    if before == size:
        return sample
    sample["image"] = resize(sample["image"], size, _INTERPOLATIONS[name])
    if sample.get("mask") is not None:
        sample["mask"] = resize(sample["mask"], size, cv2.INTER_NEAREST_EXACT)
    sample["trace"].append(Resized(before))
    return sample


def _scaled(shape: Sequence[int], scale: float) -> tuple[int, int]:
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


@register
@dataclass(frozen=True, slots=True)
class Resize(Transform):
    """Resize to ``target_size``.

    Args:
        target_size: pixels of both sides, or (height, width).
        interp: NEAREST, LINEAR, CUBIC, AREA, LANCZOS4, or RANDOM for one of them each time.
        keep_ratio: keep the aspect; the result then fits into ``target_size``.
    """

    target_size: Size
    interp: str = "LINEAR"
    keep_ratio: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "target_size", height_width(self, "target_size", self.target_size))
        _check_interp(self, self.interp)

    def deterministic(self) -> Transform:
        """Return it with one interpolation instead of a random one."""
        return replace(self, interp="LINEAR") if self.interp == "RANDOM" else self

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Resize image and mask."""
        height, width = height_width(self, "target_size", self.target_size)
        if self.keep_ratio:
            shape = sample["image"].shape
            height, width = _scaled(shape, min(height / shape[0], width / shape[1]))
        return stretch(sample, (height, width), self.interp, rng)


@register
@dataclass(frozen=True, slots=True)
class RandomResize(Transform):
    """Resize to one of ``target_sizes`` (each pixels or (height, width)), drawn each time."""

    is_random: ClassVar[bool] = True

    target_sizes: Sequence[Size]
    interp: str = "LINEAR"

    def __post_init__(self) -> None:
        if not isinstance(self.target_sizes, (list, tuple)) or not self.target_sizes:
            raise bad_parameter(self, "target_sizes", self.target_sizes, "a list of sizes")
        sizes = tuple(height_width(self, "target_sizes", size) for size in self.target_sizes)
        object.__setattr__(self, "target_sizes", sizes)
        _check_interp(self, self.interp)

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Resize image and mask."""
        chosen = self.target_sizes[int(rng.integers(len(self.target_sizes)))]
        return stretch(sample, height_width(self, "target_sizes", chosen), self.interp, rng)


def _stretch_by_short(
    sample: Sample, short_size: int, max_size: int, interp: str, rng: np.random.Generator
) -> Sample:
    shape = sample["image"].shape[:2]
    scale = short_size / min(shape)
    if 0 < max_size < round(scale * max(shape)):
        scale = max_size / max(shape)
    return stretch(sample, _scaled(shape, scale), interp, rng)


@register
@dataclass(frozen=True, slots=True)
class ResizeByShort(Transform):
    """Resize, keeping the aspect, so that the shorter side is ``short_size`` pixels.

    Args:
        short_size: pixels.
        max_size: the longer side gets no longer than this; -1 for no limit.
        interp: as in ``Resize``.
    """

    short_size: int = 256
    max_size: int = -1
    interp: str = "LINEAR"

    def __post_init__(self) -> None:
        check_positive(self, "short_size")
        _check_interp(self, self.interp)

    def deterministic(self) -> Transform:
        """Return it with one interpolation instead of a random one."""
        return replace(self, interp="LINEAR") if self.interp == "RANDOM" else self

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Resize image and mask."""
        return _stretch_by_short(sample, self.short_size, self.max_size, self.interp, rng)


@register
@dataclass(frozen=True, slots=True)
class RandomResizeByShort(Transform):
    """``ResizeByShort`` to one of ``short_sizes``, drawn each time."""

    is_random: ClassVar[bool] = True

    short_sizes: Sequence[int]
    max_size: int = -1
    interp: str = "LINEAR"

    def __post_init__(self) -> None:
        sizes = self.short_sizes
        if not isinstance(sizes, (list, tuple)) or not sizes or min(sizes) <= 0:
            raise bad_parameter(self, "short_sizes", sizes, "a list of whole numbers above 0")
        object.__setattr__(self, "short_sizes", tuple(sizes))
        _check_interp(self, self.interp)

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Resize image and mask."""
        short_size = self.short_sizes[int(rng.integers(len(self.short_sizes)))]
        return _stretch_by_short(sample, short_size, self.max_size, self.interp, rng)


@register
@dataclass(frozen=True, slots=True)
class ResizeByLong(Transform):
    """Resize, keeping the aspect, so that the longer side is ``long_size`` pixels."""

    long_size: int = 256
    interp: str = "LINEAR"

    def __post_init__(self) -> None:
        check_positive(self, "long_size")
        _check_interp(self, self.interp)

    def deterministic(self) -> Transform:
        """Return it with one interpolation instead of a random one."""
        return replace(self, interp="LINEAR") if self.interp == "RANDOM" else self

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Resize image and mask."""
        shape = sample["image"].shape[:2]
        return stretch(sample, _scaled(shape, self.long_size / max(shape)), self.interp, rng)
