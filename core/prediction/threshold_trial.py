"""What an evaluation would have found by other thresholds, without computing the network again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX, read_mask
from core.prediction.image_scores import ImageScores
from core.prediction.inspection import (
    Evaluation,
    ImageScore,
    background_class,
    score_image,
    worst_first,
)
from core.prediction.kept_odds import Bins, choose_by_odds, read_odds, threshold_bins
from core.prediction.metrics import ConfusionMatrix
from core.prediction.object_errors import ImageErrors, find_errors
from core.prediction.object_matching import ObjectAreas, ObjectCounts, ObjectRule
from core.system.errors import InputError

LabelMap = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

#: Most bytes of images that are kept in memory between two trials.
_MOST_KEPT: Final = 2**28


def can_try_thresholds(evaluation: Evaluation) -> bool:
    """Whether the odds of every image were kept."""
    return (
        background_class(evaluation.labels) is not None
        and isinstance(evaluation.metrics.get("objects"), dict)
        and bool(evaluation.images)
        and all(one.odds is not None and one.prediction is not None for one in evaluation.images)
    )


def read_prediction(
    score: ImageScore,
    labels: Sequence[str],
    thresholds: Sequence[float | None] | None = None,
) -> LabelMap:
    """Read an image's label map, (H, W) uint8.

    Args:
        score: the image.
        labels: class names.
        thresholds: that it is to obey; None for as it was measured.

    Raises:
        InputError: it was not kept, or cannot be read.
    """
    if score.prediction is None:
        raise InputError("The predictions were not kept; measure the model again.")
    predicted = read_mask(score.prediction)
    background = background_class(labels)
    if thresholds is None:
        return predicted
    if score.odds is None or background is None:
        raise InputError("The scores were not kept; measure the model again.")
    odds = read_odds(score.odds, _shape(predicted), classes=len(labels))
    bins = threshold_bins(thresholds, background=background)
    return choose_by_odds(odds, bins, predicted, background=background)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found in one image by some thresholds; objects by class."""

    matrix: Ints
    areas: dict[int, ObjectAreas]
    errors: ImageErrors
    marked: bool


@dataclass(slots=True)
class _Pixels:
    """The part of an image that can be anything but background, by any threshold.

    Attributes:
        mask, predicted: cut out of the image.
        box: of this part, x0, y0, x1, y1.
        places: of the pixels whose class is not known yet, in the flat part.
        odds: theirs, (C - 1, N).
        outside: pixels around the part that are labelled as background.
        chosen: classes of the pixels at ``places`` the last time.
        found: what was found then.
    """

    mask: LabelMap
    predicted: LabelMap
    box: tuple[int, int, int, int]
    places: Ints
    odds: npt.NDArray[np.uint8]
    outside: int
    chosen: LabelMap | None = field(default=None)
    found: _Found | None = field(default=None)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        parts = (self.mask, self.predicted, self.places, self.odds)
        return sum(part.nbytes for part in parts) + self.places.size


class ThresholdTrial:
    """An evaluation whose thresholds can be changed.

    Images are read once and kept while there is room; where a change of the thresholds touches no
    pixel of an image, what was found in it stays. Not for use from several threads at once.

    Args:
        evaluation: one whose odds were kept (``can_try_thresholds``).
        most_kept: bytes of images that stay in memory.
    """

    def __init__(self, evaluation: Evaluation, *, most_kept: int = _MOST_KEPT) -> None:
        background = background_class(evaluation.labels)
        if background is None or not can_try_thresholds(evaluation):
            raise InputError("The scores were not kept; measure the model again.")
        objects, images = evaluation.metrics["objects"], evaluation.metrics["images"]
        self.evaluation = evaluation
        self._background = background
        self._rule = ObjectRule(
            iou=float(objects["iou_threshold"]), min_area=int(objects["min_area"])
        )
        self._rate = float(images["false_alarm_rate"])
        self._most_kept = most_kept
        self._kept: dict[int, _Pixels] = {}
        self._bytes = 0

    def measure(
        self,
        thresholds: Sequence[float | None],
        *,
        check: Callable[[int, int], None] = lambda done, images: None,
    ) -> Evaluation:
        """Return what would have been found, but for the verdict.

        Args:
            thresholds: one for each class, None for the background's.
            check: called with (images done, images) between them; may raise to give up.

        Raises:
            InputError: a file is gone or was changed.
        """
        shown, labels = self.evaluation, self.evaluation.labels
        bins = threshold_bins(thresholds, background=self._background)
        total = ConfusionMatrix(len(labels))
        objects = ObjectCounts(labels, background=self._background, rule=self._rule)
        images = ImageScores(false_alarm_rate=self._rate)
        scores = []
        for place, score in enumerate(shown.images):
            check(place, len(shown.images))
            found = self._find(place, score, bins)
            total.matrix += found.matrix
            for index, areas in found.areas.items():
                objects.add(index, areas)
            if score.score is not None and score.defective is not None:
                images.add(score.score, defective=score.defective, marked=found.marked)
            scores.append(self._score(score, found))
        figures = {**images.figures(), "count": len(shown.images)}
        metrics = {key: value for key, value in shown.metrics.items() if key != "verdict"}
        metrics |= {**total.metrics(), "objects": objects.figures(), "images": figures}
        return replace(
            shown,
            metrics=metrics,
            matrix=total.matrix,
            images=tuple(worst_first(scores)),
            thresholds=tuple(thresholds),
        )

    def _find(self, place: int, score: ImageScore, bins: Bins) -> _Found:
        pixels = self._kept.get(place)
        if pixels is None:
            pixels = self._read(score)
            if self._bytes + pixels.nbytes <= self._most_kept:
                self._kept[place] = pixels
                self._bytes += pixels.nbytes
        flat = pixels.predicted.ravel()[pixels.places]
        chosen = choose_by_odds(pixels.odds, bins, flat, background=self._background)
        same = pixels.chosen is not None and np.array_equal(chosen, pixels.chosen)
        if pixels.found is None or not same:
            pixels.chosen, pixels.found = chosen, self._compare(pixels, chosen)
        return pixels.found

    def _read(self, score: ImageScore) -> _Pixels:
        """Read an image, and cut out what can be anything but background."""
        predicted, mask = read_prediction(score, self.evaluation.labels), read_mask(score.label)
        if predicted.shape != mask.shape or score.odds is None:
            raise InputError(
                "The mask of {file} was changed since; measure the model again.", file=score.image
            )
        cut_off = predicted == IGNORE_INDEX
        mask = np.where(cut_off, np.uint8(IGNORE_INDEX), mask)
        odds = read_odds(score.odds, _shape(mask), classes=len(self.evaluation.labels))
        open_ = (odds.max(axis=0) > 0) & ~cut_off
        labelled = mask != self._background
        interesting = open_ | (labelled & (mask != IGNORE_INDEX))
        box = _box_of(interesting)
        part = (slice(box[1], box[3]), slice(box[0], box[2]))
        places = np.flatnonzero(open_[part])
        inside = int((~labelled[part]).sum())
        return _Pixels(
            mask=np.ascontiguousarray(mask[part]),
            predicted=np.ascontiguousarray(predicted[part]),
            box=box,
            places=places,
            odds=odds[:, part[0], part[1]].reshape(len(odds), -1)[:, places],
            outside=int((~labelled).sum()) - inside,
        )

    def _compare(self, pixels: _Pixels, chosen: LabelMap) -> _Found:
        """Compare a label map with the mask, in the part where they can differ."""
        label_map = np.full(pixels.mask.shape, self._background, np.uint8)
        label_map[pixels.predicted == IGNORE_INDEX] = IGNORE_INDEX
        label_map.ravel()[pixels.places] = chosen
        labels = self.evaluation.labels
        confusion = ConfusionMatrix(len(labels))
        confusion.update(label_map, pixels.mask)
        confusion.matrix[self._background, self._background] += pixels.outside
        counts = ObjectCounts(labels, background=self._background, rule=self._rule)
        matches = counts.update(label_map, pixels.mask)
        errors = find_errors(matches, rule=self._rule)
        counted = pixels.mask != IGNORE_INDEX
        return _Found(
            matrix=confusion.matrix,
            areas={index: one.areas for index, one in matches.items()},
            errors=errors.moved(pixels.box[0], pixels.box[1]),
            marked=bool(((label_map != self._background) & counted).any()),
        )

    def _score(self, score: ImageScore, found: _Found) -> ImageScore:
        made = score_image(
            found.matrix, image=score.image, label=score.label, prediction=score.prediction
        )
        return replace(
            made,
            odds=score.odds,
            objects={index: areas.counts for index, areas in found.areas.items()},
            errors=found.errors,
            score=score.score,
            defective=score.defective,
        )


def _box_of(area: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 around what is set, the last ones outside; one pixel for nothing."""
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    if not rows.size:
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _shape(label_map: LabelMap) -> tuple[int, int]:
    height, width = label_map.shape
    return height, width
