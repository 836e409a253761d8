"""What a spatial transform did to an image's grid, and how to undo it on a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX

_MAX_CHANNELS = 64  # cv2.resize has a limit, which differs between its versions


class SpatialStep(Protocol):
    """One recorded change of the grid."""

    def undo(self, array: npt.NDArray[Any], *, interpolation: int, fill: float) -> npt.NDArray[Any]:
        """Return ``array`` (H, W) or (H, W, C) on the grid of before; ``fill`` where unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Resized:
    """The image had ``size`` (height, width) and was stretched to another one."""

    size: tuple[int, int]

    def undo(self, array: npt.NDArray[Any], *, interpolation: int, fill: float) -> npt.NDArray[Any]:
        """Stretch back."""
        return resize(array, self.size, interpolation)


@dataclass(frozen=True, slots=True)
class Padded:
    """The image of ``size`` (height, width) lies at ``offset`` (x, y) of a larger one."""

    offset: tuple[int, int]
    size: tuple[int, int]

    def undo(self, array: npt.NDArray[Any], *, interpolation: int, fill: float) -> npt.NDArray[Any]:
        """Cut the image out again."""
        x, y = self.offset
        return array[y : y + self.size[0], x : x + self.size[1]]


@dataclass(frozen=True, slots=True)
class Cropped:
    """Of an image of ``size`` (height, width) only the part from ``offset`` (x, y) on remains."""

    offset: tuple[int, int]
    size: tuple[int, int]

    def undo(self, array: npt.NDArray[Any], *, interpolation: int, fill: float) -> npt.NDArray[Any]:
        """Put the part back; what was cut off is unknown and becomes ``fill``."""
        whole = np.full((*self.size, *array.shape[2:]), fill, array.dtype)
        x, y = self.offset
        whole[y : y + array.shape[0], x : x + array.shape[1]] = array
        return whole


@dataclass(frozen=True, slots=True)
class Flipped:
    """Mirrored along ``axis``: 0 = top and bottom, 1 = left and right."""

    axis: int

    def undo(self, array: npt.NDArray[Any], *, interpolation: int, fill: float) -> npt.NDArray[Any]:
        """Mirror again."""
        return np.flip(array, self.axis)


def invert_label_map(
    label_map: npt.NDArray[np.uint8], trace: Sequence[SpatialStep]
) -> npt.NDArray[np.uint8]:
    """Bring a predicted label map back to the original image's grid.

    Args:
        label_map: (H, W) uint8 class indices at the network's size.
        trace: ``sample["trace"]`` of the transforms that made the network's input.

    Returns:
        (H0, W0) uint8; nearest neighbour, and 255 (ignored) where a crop had cut the image off:
        nothing was predicted there, and repeating the edge would pretend otherwise.
    """
    for step in reversed(trace):
        label_map = step.undo(label_map, interpolation=cv2.INTER_NEAREST_EXACT, fill=IGNORE_INDEX)
    return np.ascontiguousarray(label_map)


def invert_scores(
    scores: npt.NDArray[np.float32], trace: Sequence[SpatialStep]
) -> npt.NDArray[np.float32]:
    """Bring scores (H, W, C) float32 back to the original grid, bilinear.

    Where a crop had cut the image off all scores are 0: no class has any evidence there.
    """
    for step in reversed(trace):
        scores = step.undo(scores, interpolation=cv2.INTER_LINEAR, fill=0.0)
    return np.ascontiguousarray(scores)


def resize(array: npt.NDArray[Any], size: tuple[int, int], interpolation: int) -> npt.NDArray[Any]:
    """Resize (H, W) or (H, W, C), any number of channels, to ``size`` (height, width)."""
    height, width = size
    if array.shape[:2] == (height, width):
        return array
    if array.ndim == 3 and array.shape[2] > _MAX_CHANNELS:
        parts = [
            resize(array[..., start : start + _MAX_CHANNELS], size, interpolation)
            for start in range(0, array.shape[2], _MAX_CHANNELS)
        ]
        return np.concatenate([part.reshape(height, width, -1) for part in parts], axis=2)
    resized = np.asarray(cv2.resize(array, (width, height), interpolation=interpolation))
    return resized[..., None] if resized.ndim < array.ndim else resized
