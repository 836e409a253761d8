"""How many images, pixels and classes a data set has, subset by subset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from core.datasets import SUBSETS, Subset


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One image: ``size`` is (width, height), ``pixels`` counts by class index."""

    subset: Subset
    size: tuple[int, int]
    pixels: Mapping[int, int]
    ignored_pixels: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetStatistics:
    """Counts of a data set; tuples by class follow ``labels``.

    Attributes:
        labels: class names.
        images: images of each subset that has any.
        class_pixels: pixels of each class in each subset.
        class_images: images that show each class in each subset.
        ignored_pixels: pixels of value 255 in each subset.
        sizes: ((width, height), images), the most frequent first.
        median_size: (width, height), each the median of its own; (0, 0) without images.
    """

    labels: tuple[str, ...]
    images: Mapping[Subset, int] = field(default_factory=dict)
    class_pixels: Mapping[Subset, tuple[int, ...]] = field(default_factory=dict)
    class_images: Mapping[Subset, tuple[int, ...]] = field(default_factory=dict)
    ignored_pixels: Mapping[Subset, int] = field(default_factory=dict)
    sizes: tuple[tuple[tuple[int, int], int], ...] = ()
    median_size: tuple[int, int] = (0, 0)

    @property
    def train_images(self) -> int:
        """Images to train on."""
        return self.images.get("train", 0)

    @property
    def train_pixels(self) -> tuple[int, ...]:
        """Pixels of each class in the training subset."""
        return self.class_pixels.get("train", (0,) * len(self.labels))

    @property
    def total_pixels(self) -> tuple[int, ...]:
        """Pixels of each class in all subsets."""
        return _sum(self.class_pixels.values(), len(self.labels))

    def to_json(self) -> dict[str, Any]:
        """Return plain types for ``json.dumps``."""
        return {
            "labels": list(self.labels),
            "images": dict(self.images),
            "class_pixels": {key: list(value) for key, value in self.class_pixels.items()},
            "class_images": {key: list(value) for key, value in self.class_images.items()},
            "ignored_pixels": dict(self.ignored_pixels),
            "sizes": [{"size": list(size), "images": count} for size, count in self.sizes],
            "median_size": list(self.median_size),
        }


def collect_statistics(labels: Sequence[str], images: Iterable[ImageFacts]) -> DatasetStatistics:
    """Add up the facts of all images; pixels of values outside ``labels`` are left out."""
    count = len(labels)
    number: Counter[Subset] = Counter()
    ignored: Counter[Subset] = Counter()
    pixels = {subset: [0] * count for subset in SUBSETS}
    shown = {subset: [0] * count for subset in SUBSETS}
    sizes: Counter[tuple[int, int]] = Counter()
    for facts in images:
        number[facts.subset] += 1
        ignored[facts.subset] += facts.ignored_pixels
        sizes[facts.size] += 1
        for index, amount in facts.pixels.items():
            if amount and 0 <= index < count:
                pixels[facts.subset][index] += amount
                shown[facts.subset][index] += 1
    present: list[Subset] = [subset for subset in SUBSETS if number[subset]]
    return DatasetStatistics(
        labels=tuple(labels),
        images={subset: number[subset] for subset in present},
        class_pixels={subset: tuple(pixels[subset]) for subset in present},
        class_images={subset: tuple(shown[subset]) for subset in present},
        ignored_pixels={subset: ignored[subset] for subset in present},
        sizes=tuple(sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))),
        median_size=_median_size(sizes),
    )


def _median_size(sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
    if not sizes:
        return 0, 0
    every = list(sizes.elements())
    return round(median(w for w, _ in every)), round(median(h for _, h in every))


def _sum(rows: Iterable[tuple[int, ...]], count: int) -> tuple[int, ...]:
    rows = list(rows)
    return tuple(map(sum, zip(*rows, strict=True))) if rows else (0,) * count
