"""Brightness, contrast and colour of images, and which images are unlike the others by them.

``Manifest.statistics`` holds what a ``StatisticsCollector`` found in the training images.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

#: What ``image_features`` measures, each as a share of the range from black to white.
FEATURES: Final = ("brightness", "contrast", "red_green", "blue_yellow")
_LARGEST_SIDE: Final = 256
_WHITE: Final = 255.0
#: Deviations are taken to be at least so large: images of one lamp are all too much alike.
_SMALLEST_DEVIATION: Final = 0.02
_FEWEST_IMAGES: Final = 8


@dataclass(frozen=True, slots=True)
class Unusual:
    """A feature of an image that is far from what is usual.

    Attributes:
        feature: its name.
        value: of the image.
        mean: of the images that are known.
        deviations: how many standard deviations lie between them, with the sign.
    """

    feature: str
    value: float
    mean: float
    deviations: float


def image_features(image: Image) -> dict[str, float]:
    """Measure an image, (H, W, 3) uint8 BGR.

    Returns:
        ``brightness``: mean of the grey values, 0 … 1; ``contrast``: their deviation;
        ``red_green``: how much redder than green it is on average, -1 … 1; ``blue_yellow``: how
        much bluer than red and green, -1 … 1.
    """
    height, width = image.shape[:2]
    scale = _LARGEST_SIDE / max(height, width)
    if scale < 1:  # what is asked for does not need more, and large images take long
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    mean, deviation = cv2.meanStdDev(grey)
    blue, green, red = cv2.mean(image)[:3]
    values = (mean[0, 0], deviation[0, 0], red - green, blue - (red + green) / 2)
    return {name: float(value) / _WHITE for name, value in zip(FEATURES, values, strict=True)}


class StatisticsCollector:
    """Mean and deviation of features, image after image (Welford's way).

    Args:
        statistics: what another one found, to go on from there.
    """

    def __init__(self, statistics: Mapping[str, Any] | None = None) -> None:
        self._images = 0
        self._means: dict[str, float] = {}
        self._squares: dict[str, float] = {}
        known = known_statistics(statistics or {})
        if statistics and known:
            self._images = statistics["images"]
            for name, (mean, deviation) in known.items():
                self._means[name] = mean
                self._squares[name] = deviation**2 * max(0, self._images - 1)

    @property
    def images(self) -> int:
        """How many images were added."""
        return self._images

    def add(self, features: Mapping[str, float]) -> None:
        """Take one image; all images must have the same features."""
        self._images += 1
        for name, value in features.items():
            before = self._means.get(name, 0.0)
            mean = before + (value - before) / self._images
            self._means[name] = mean
            self._squares[name] = self._squares.get(name, 0.0) + (value - before) * (value - mean)

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"images": n, feature: {"mean": …, "deviation": …}, …}``."""
        divisor = max(1, self._images - 1)
        features = {
            name: {"mean": mean, "deviation": math.sqrt(max(0.0, self._squares[name]) / divisor)}
            for name, mean in self._means.items()
        }
        return {"images": self._images, **features}


def collect_statistics(images: Iterable[Image]) -> dict[str, Any]:
    """Return the statistics of images, as ``StatisticsCollector.to_dict`` has them."""
    collector = StatisticsCollector()
    for image in images:
        collector.add(image_features(image))
    return collector.to_dict()


def known_statistics(statistics: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return mean and deviation by feature; empty where nothing is known."""
    images = statistics.get("images")
    if not isinstance(images, int) or images < 1:
        return {}
    known = {}
    for name, values in statistics.items():
        if not isinstance(values, Mapping):
            continue
        mean, deviation = values.get("mean"), values.get("deviation")
        if isinstance(mean, (int, float)) and isinstance(deviation, (int, float)):
            known[name] = (float(mean), float(deviation))
    return known


def unusual_features(
    features: Mapping[str, float], statistics: Mapping[str, Any], *, limit: float = 4.0
) -> list[Unusual]:
    """Return what of an image is further than ``limit`` deviations from what is usual.

    With fewer than eight images nothing is known to be unusual.
    """
    known = known_statistics(statistics)
    if not known or statistics["images"] < _FEWEST_IMAGES:
        return []
    found = []
    for name, (mean, deviation) in known.items():
        if name not in features:
            continue
        distance = (features[name] - mean) / max(deviation, _SMALLEST_DEVIATION)
        if abs(distance) > limit:
            found.append(Unusual(name, features[name], mean, distance))
    return found
