"""An exported file and its network, compared from the image's file to the label map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.deploy.verification.originals import Answer, Array, LabelMap, Original
from core.deploy.verification.outcome import ImageComparison
from core.deploy.verification.samples import Sample
from core.images.io import IGNORE_INDEX
from core.portable.manifest import Manifest
from core.portable.runtimes import Runtime
from core.prediction.metrics import ConfusionMatrix
from core.system.errors import InputError, portable_errors
from core.system.reporting import Reporter

_ROWS = 512


class Exported(Protocol):
    """An exported file at work (``core.portable.line_predictor.LinePredictor``)."""

    @property
    def manifest(self) -> Manifest:
        """What it says of itself."""
        ...

    @property
    def runtime(self) -> Runtime:
        """What computes it."""
        ...

    def label_map(self, image: npt.NDArray[np.uint8] | str | Path) -> LabelMap:
        """Class ids (H, W) of an image, by path or (H, W, 3) uint8 BGR."""
        ...

    def scores(self, image: npt.NDArray[np.uint8] | str | Path) -> Array:
        """Probabilities (H, W, num_classes)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """An image with the label maps that the network and the exported file make of it."""

    sample: Sample
    own: LabelMap
    exported: LabelMap


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What was found on all images.

    Attributes:
        images: each image, in order.
        own: pixels of masks and the network's classes; None without masks.
        exported: the same of the exported file.
        unknown: images that the original says nothing of.
        worst: the image with the lowest agreement.
    """

    images: tuple[ImageComparison, ...]
    own: ConfusionMatrix | None
    exported: ConfusionMatrix | None
    unknown: int
    worst: Pair | None


def compare(
    exported: Exported,
    original: Original,
    samples: Sequence[Sample],
    *,
    with_scores: bool = True,
    reporter: Reporter,
) -> Comparison:
    """Predict images with both.

    Args:
        exported: the exported file.
        original: what it is compared with.
        samples: images.
        with_scores: compare the scores, too.
        reporter: is told of progress and may stop the work.

    Raises:
        InputError: an image or a mask cannot be read.
    """
    count = len(original.facts.labels)
    matrices = ConfusionMatrix(count), ConfusionMatrix(count)
    images: list[ImageComparison] = []
    unknown = masks = 0
    worst: tuple[tuple[float, float], Pair] | None = None
    for number, sample in enumerate(samples):
        reporter.check()
        reporter.progress(number, len(samples), stage="verify")
        answer = original.answer(sample)
        if answer is None:
            unknown += 1
            continue
        source = str(sample.image) if isinstance(sample.image, Path) else sample.image
        label_map = label_map_of(exported, source)
        one = _compare_one(exported, sample, answer, label_map, with_scores=with_scores)
        images.append(one)
        place = (one.agreement, -(one.difference or 0.0))
        if worst is None or place < worst[0]:
            worst = place, Pair(sample, answer.label_map, label_map)
        mask = sample.label()
        if mask is not None:
            masks += 1
            for matrix, predicted in zip(matrices, (answer.label_map, label_map), strict=True):
                _count(matrix, predicted, mask)
    reporter.progress(len(samples), len(samples), stage="verify")
    own, theirs = matrices if masks else (None, None)
    return Comparison(tuple(images), own, theirs, unknown, None if worst is None else worst[1])


def label_map_of(exported: Exported, image: npt.NDArray[np.uint8] | str) -> LabelMap:
    """Predict an image with an exported file.

    Raises:
        InputError: it cannot.
    """
    with portable_errors():
        return exported.label_map(image)


def scores_of(exported: Exported, image: npt.NDArray[np.uint8] | str) -> Array:
    """Return the probabilities (H, W, num_classes) that an exported file gives an image.

    Raises:
        InputError: it cannot.
    """
    with portable_errors():
        return exported.scores(image)


def _compare_one(
    exported: Exported,
    sample: Sample,
    answer: Answer,
    label_map: LabelMap,
    *,
    with_scores: bool,
) -> ImageComparison:
    own = answer.label_map
    is_file = isinstance(sample.image, Path)
    if label_map.shape != own.shape:
        raise InputError(
            "The exported file makes a label map of {width}×{height} pixels of {image}, the model "
            "one of {own_width}×{own_height}.",
            width=label_map.shape[1],
            height=label_map.shape[0],
            image=sample.name,
            own_width=own.shape[1],
            own_height=own.shape[0],
        )
    scores = own_scores(exported, answer) if with_scores else None
    difference = None
    if scores is not None:
        source = str(sample.image) if isinstance(sample.image, Path) else sample.image
        difference = largest_difference(scores, scores_of(exported, source))
    return ImageComparison(
        name=sample.name,
        path=str(sample.image) if is_file else "",
        pixels=own.size,
        same=int((label_map == own).sum()),
        difference=difference,
    )


def own_scores(exported: Exported, answer: Answer) -> Array | None:
    """Return the network's scores of an image as the file ought to give them, where known.

    A plain graph that obeys thresholds has them in its logits.
    """
    manifest = exported.manifest
    is_shifted = manifest.graph == "plain" and manifest.applies_thresholds
    return answer.scores(manifest.thresholds if is_shifted else None)


def largest_difference(first: Array, second: Array) -> float:
    """Return the largest difference of two score maps (H, W, C), a part at a time."""
    if first.shape != second.shape:
        return 1.0
    parts = range(0, len(first), _ROWS)
    return max(
        float(np.abs(first[top : top + _ROWS] - second[top : top + _ROWS]).max(initial=0.0))
        for top in parts
    )


def _count(matrix: ConfusionMatrix, label_map: LabelMap, mask: LabelMap) -> None:
    """Where a crop cut the image off nothing was predicted, and nothing is counted."""
    unpredicted = label_map == IGNORE_INDEX
    matrix.update(
        label_map,
        np.where(unpredicted, np.uint8(IGNORE_INDEX), mask) if unpredicted.any() else mask,
    )
