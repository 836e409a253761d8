"""Figures of whole objects: which connected areas of a class were found, which claimed wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX
from core.prediction.metrics import byte_counts
from core.system.errors import InputError

LabelMap = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

#: A prediction twice as wide as a crack that covers half of it has just this intersection over
#: union: people who inspect call such a crack found, though its pixels are mostly wrong.
OBJECT_IOU: Final = 0.2
#: COCO's sizes, in pixels of the image itself: small below 32², large from 96² on.
SIZE_NAMES: Final = ("small", "medium", "large")
_SIZE_LIMITS: Final = (32**2, 96**2)
#: Added to every pair's worth, so that more pairs are always worth more than better ones.
_PAIR_WORTH: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRule:
    """When an object counts as found.

    Attributes:
        iou: least intersection over union of a labelled and a predicted object, above 0 to 1.
        min_area: pixels; smaller ones, labelled or predicted, count as nothing.
    """

    iou: float = OBJECT_IOU
    min_area: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.iou <= 1:
            raise InputError(
                "The overlap from which an object counts as found is {value}: give a number above "
                "0 and up to 1.",
                value=self.iou,
            )
        if self.min_area < 1:
            raise InputError(
                "The smallest area of an object is {value}: give 1 pixel or more.",
                value=self.min_area,
            )


@dataclass(frozen=True, slots=True)
class ObjectMatches:
    """The objects of one class in one image.

    Attributes:
        areas: pixels of each labelled object, (N,).
        found: whether each was found, (N,) bool.
        alarm_areas: pixels of each predicted object that is none, (M,).
    """

    areas: Ints
    found: npt.NDArray[np.bool_]
    alarm_areas: Ints


def match_objects(
    label_map: LabelMap, mask: LabelMap, class_id: int, *, rule: ObjectRule
) -> ObjectMatches:
    """Match the predicted objects of a class with the labelled ones, one to one.

    Objects are 8-connected areas. Pixels that are ignored in the mask count in no overlap; a
    predicted object that matches nothing and lies mostly in them is no false alarm. Of all ways
    to match, the one with most pairs is taken, and of these the one that overlaps best.

    Args:
        label_map: predicted class ids, (H, W) uint8.
        mask: labelled class ids, (H, W) uint8, 255 ignored.
        class_id: which class.
        rule: when an object counts as found.
    """
    true, true_areas = _components(mask == class_id)
    predicted, areas = _components(label_map == class_id)
    inside = predicted[(predicted > 0) & (mask != IGNORE_INDEX)]
    counted = np.bincount(inside, minlength=len(areas))
    both = (true > 0) & (predicted > 0)
    pairs, shared = np.unique(
        true[both].astype(np.int64) * len(areas) + predicted[both], return_counts=True
    )
    t, p = np.divmod(pairs, len(areas))
    iou = shared / (true_areas[t] + counted[p] - shared)
    near = (iou >= rule.iou) & (areas[p] >= rule.min_area)
    is_object = true_areas >= rule.min_area
    is_object[0] = False  # which is everything else
    candidates = near & is_object[t]
    found_true, found_predicted = _assign(t[candidates], p[candidates], iou[candidates])
    nothing = (areas < rule.min_area) | (2 * counted < areas)
    nothing[0] = True
    nothing[found_predicted] = True
    nothing[p[near & ~is_object[t]]] = True  # of an object that is too small to count
    found = np.zeros(len(true_areas), np.bool_)
    found[found_true] = True
    return ObjectMatches(true_areas[is_object], found[is_object], areas[~nothing])


def _components(area: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int32], Ints]:
    """Number the connected areas from 1; return the numbers (H, W) and the pixels of each."""
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(
        area.view(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    return np.asarray(numbers, np.int32), stats[:, cv2.CC_STAT_AREA].astype(np.int64)


def _assign(true: Ints, predicted: Ints, iou: npt.NDArray[np.float64]) -> tuple[Ints, Ints]:
    """Choose among pairs so that each object is in one at most."""
    contested = (np.bincount(true)[true] > 1) | (np.bincount(predicted)[predicted] > 1)
    if not contested.any():
        return true, predicted
    from scipy.optimize import linear_sum_assignment  # slow to import, and seldom needed

    rows, row = np.unique(true[contested], return_inverse=True)
    columns, column = np.unique(predicted[contested], return_inverse=True)
    worth = np.zeros((len(rows), len(columns)))
    worth[row, column] = iou[contested] + min(worth.shape) * _PAIR_WORTH
    chosen = np.stack(linear_sum_assignment(worth, maximize=True))
    chosen = chosen[:, worth[chosen[0], chosen[1]] > 0]
    return (
        np.concatenate([true[~contested], rows[chosen[0]]]),
        np.concatenate([predicted[~contested], columns[chosen[1]]]),
    )


class ObjectCounts:
    """Objects of every class, summed over any number of images.

    Args:
        labels: class names.
        background: class id that means "nothing here"; None where every class is something.
        rule: when an object counts as found.
    """

    def __init__(
        self, labels: Sequence[str], *, background: int | None, rule: ObjectRule | None = None
    ) -> None:
        self.labels = tuple(labels)
        self.rule = rule or ObjectRule()
        self.classes = tuple(index for index in range(len(self.labels)) if index != background)
        shape = (len(self.labels), len(SIZE_NAMES))
        self._objects, self._found, self._alarms = (np.zeros(shape, np.int64) for _ in range(3))

    def update(self, label_map: LabelMap, mask: LabelMap) -> dict[int, tuple[int, int, int]]:
        """Count one image.

        Returns:
            (objects, found, false alarms) of each class that is labelled or predicted in it.
        """
        present = byte_counts(label_map) + byte_counts(mask)
        counts = {}
        for index in self.classes:
            if not present[index]:
                continue
            one = match_objects(label_map, mask, index, rule=self.rule)
            self._objects[index] += _by_size(one.areas)
            self._found[index] += _by_size(one.areas[one.found])
            self._alarms[index] += _by_size(one.alarm_areas)
            counts[index] = (len(one.areas), int(one.found.sum()), len(one.alarm_areas))
        return counts

    def figures(self) -> dict[str, Any]:
        """Figures so far, as JSON.

        Returns:
            iou_threshold, min_area: the rule.
            sizes: (least, most) pixels of each size, None for no limit. A labelled object and its
                match count by the labelled one's area, false alarms by their own.
            classes: for each class but the background ``class`` (id), ``name`` and the counts
                ``objects``, ``found``, ``missed``, ``false_alarms`` with ``precision``,
                ``recall``, ``f1`` (None where nothing is counted), and ``by_size`` with the same.
            all: the same over all classes.
        """
        most = (*(limit - 1 for limit in _SIZE_LIMITS), None)
        sizes = dict(zip(SIZE_NAMES, zip((0, *_SIZE_LIMITS), most, strict=True), strict=True))
        rows = [
            {"class": index, "name": self.labels[index], **self._counts([index])}
            for index in self.classes
        ]
        return {
            "iou_threshold": self.rule.iou,
            "min_area": self.rule.min_area,
            "sizes": {name: list(limit) for name, limit in sizes.items()},
            "classes": rows,
            "all": self._counts(list(self.classes)),
        }

    def _counts(self, classes: list[int]) -> dict[str, Any]:
        sums = [
            counts[classes].sum(axis=0) for counts in (self._objects, self._found, self._alarms)
        ]
        by_size = {
            name: _rates(*(int(one[place]) for one in sums))
            for place, name in enumerate(SIZE_NAMES)
        }
        return {**_rates(*(int(one.sum()) for one in sums)), "by_size": by_size}


def _by_size(areas: Ints) -> Ints:
    """Count areas by size, (3,)."""
    return np.bincount(np.searchsorted(_SIZE_LIMITS, areas, side="right"), minlength=3)


def _rates(objects: int, found: int, alarms: int) -> dict[str, Any]:
    return {
        "objects": objects,
        "found": found,
        "missed": objects - found,
        "false_alarms": alarms,
        "precision": found / (found + alarms) if found + alarms else None,
        "recall": found / objects if objects else None,
        "f1": 2 * found / (objects + found + alarms) if objects + found + alarms else None,
    }
