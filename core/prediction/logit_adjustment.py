"""What to add to each class's score, chosen on labelled images.

A network that learnt with weights for rare classes, and was shown them more often, takes them for
likelier than they are, so that the highest score is not the best choice. Adding one number to each
class's score mends that without another training (post-hoc logit adjustment, Menon et al. 2021,
arXiv:2007.07314); here the numbers are those that give the highest mean IoU on images that were
not trained on, and only where images that had no part in the choice agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX

Offsets = npt.NDArray[np.float32]
_Counts = npt.NDArray[np.int64]

#: Scores that are kept of all images together (16 MB).
_MOST_SCORES: Final = 1 << 22
#: Offsets that are tried; farther ones would follow single images.
_TRIED: Final = np.arange(-32, 33) / 8
#: How much of them is taken: what is best on some images goes too far on others, most of all where
#: those were taken elsewhere or at another time.
_SHARES: Final = (0.25, 0.5)
_FOLDS: Final = 5
#: Images that must show a class for its offset to be chosen; twice as many there must be in all.
_LEAST_IMAGES: Final = 4
#: Mean IoU that an adjustment must bring, offsets to images that had no part in choosing them.
LEAST_GAIN: Final = 0.005
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class ScoredPixels:
    """Some pixels of labelled images.

    Attributes:
        scores: (P, C) float32, logarithms of the probabilities, or logits.
        labels: (P,) uint8 class ids.
        images: (P,) int32, which image each is of.
    """

    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]
    images: npt.NDArray[np.int32]

    def part(self, chosen: npt.NDArray[np.bool_]) -> ScoredPixels:
        """Return some of the pixels."""
        return ScoredPixels(self.scores[chosen], self.labels[chosen], self.images[chosen])


class PixelCollector:
    """Keeps evenly spread pixels of images that come one after the other.

    Args:
        images: how many there will be.
        num_classes: number of classes.
    """

    def __init__(self, *, images: int, num_classes: int) -> None:
        self._per_image = max(1, _MOST_SCORES // (images * num_classes))
        self._images = 0
        self._parts = [
            ScoredPixels(
                np.zeros((0, num_classes), np.float32), np.zeros(0, np.uint8), np.zeros(0, np.int32)
            )
        ]

    def add(self, score_map: npt.NDArray[np.float32], mask: npt.NDArray[np.uint8]) -> None:
        """Take pixels of an image.

        Args:
            score_map: (H, W, C) probabilities.
            mask: (H, W) class ids; 255 is left out.
        """
        labels = mask.ravel()
        places = np.flatnonzero(labels != IGNORE_INDEX)
        places = places[:: -(-len(places) // self._per_image) or 1]
        probabilities = score_map.reshape(len(labels), -1)[places]
        scores = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
        image = np.full(len(places), self._images, np.int32)
        self._images += 1
        self._parts.append(ScoredPixels(scores, labels[places], image))

    def pixels(self) -> ScoredPixels:
        """Return what was kept."""
        return ScoredPixels(
            np.concatenate([one.scores for one in self._parts]),
            np.concatenate([one.labels for one in self._parts]),
            np.concatenate([one.images for one in self._parts]),
        )


def choose_offsets(pixels: ScoredPixels) -> Offsets | None:
    """Choose what to add to the classes' scores.

    Images are cut into five folds, neighbours together, since frames of a film and photographs of
    a part are alike; the offsets that are best for four of them are tried on the fifth, in part.

    Returns:
        (C,) float32, 0 for the most frequent class and for those that too few images show; None
        where nothing helps the folds that had no part in the choice, or where there are too few
        images to tell.
    """
    images, places = np.unique(pixels.images, return_inverse=True)
    if len(images) < 2 * _LEAST_IMAGES:
        return None
    folds = places * _FOLDS // len(images)
    num_classes = pixels.scores.shape[1]
    matrices = np.zeros((1 + len(_SHARES), num_classes, num_classes), np.int64)
    for fold in range(_FOLDS):
        held_out = pixels.part(folds == fold)
        offsets = _best_offsets(pixels.part(folds != fold))
        for place, share in enumerate((0.0, *_SHARES)):
            matrices[place] += _confusion(held_out, share * offsets)
    before, *after = (_miou(matrix) for matrix in matrices)
    if max(after) < before + LEAST_GAIN:
        return None
    offsets = _SHARES[int(np.argmax(after))] * _best_offsets(pixels)
    return offsets.astype(np.float32) if offsets.any() else None


def _best_offsets(pixels: ScoredPixels) -> Offsets:
    """Seek the highest mean IoU class by class until nothing moves."""
    num_classes = pixels.scores.shape[1]
    offsets = np.zeros(num_classes, np.float32)
    usual = np.bincount(pixels.labels, minlength=num_classes).argmax()
    movable = [
        index
        for index in range(num_classes)
        if index != usual and len(np.unique(pixels.images[pixels.labels == index])) >= _LEAST_IMAGES
    ]
    for _ in range(_ROUNDS):
        before = offsets.copy()
        for index in movable:
            offsets[index] = _best_offset(pixels, offsets, index)
        if np.array_equal(before, offsets):
            break
    return offsets


def _best_offset(pixels: ScoredPixels, offsets: Offsets, index: int) -> float:
    """Return the best offset of one class where those of the others stay."""
    num_classes = len(offsets)
    others = pixels.scores + offsets
    others[:, index] = -np.inf
    rival = others.argmax(1)
    margin = np.take_along_axis(others, rival[:, None], 1)[:, 0] - pixels.scores[:, index]
    # The class takes a pixel over from its rival at this place among the offsets, and after it.
    place = np.searchsorted(_TRIED, margin, side="left")
    size = len(_TRIED) + 1
    key = (pixels.labels.astype(np.int64) * num_classes + rival) * size + place
    counts = np.bincount(key, minlength=num_classes * num_classes * size)
    taken = counts.reshape(num_classes, num_classes, size).cumsum(2)[:, :, :-1]
    matrices = np.repeat(counts.reshape(num_classes, num_classes, size).sum(2)[None], size - 1, 0)
    matrices = matrices - taken.transpose(2, 0, 1)
    matrices[:, :, index] += taken.sum(1).T
    scores = np.array([_miou(matrix) for matrix in matrices])
    best = np.flatnonzero(scores >= scores.max() - 1e-9)
    return float(_TRIED[best[np.abs(_TRIED[best]).argmin()]])


def _confusion(pixels: ScoredPixels, offsets: Offsets) -> _Counts:
    num_classes = len(offsets)
    chosen = (pixels.scores + offsets).argmax(1)
    key = pixels.labels.astype(np.int64) * num_classes + chosen
    return np.bincount(key, minlength=num_classes**2).reshape(num_classes, num_classes)


def _miou(matrix: _Counts) -> float:
    """Mean IoU of the classes that are labelled."""
    right, labelled = np.diag(matrix), matrix.sum(1)
    union = labelled + matrix.sum(0) - right
    present = labelled > 0
    return float((right[present] / union[present]).mean()) if present.any() else 0.0
