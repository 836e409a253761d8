"""Figures of whole objects: which connected areas of a class were found, which claimed wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
class Components:
    """Connected areas, numbered from 1; the first of all entries is everything else.

    Attributes:
        numbers: of each pixel, (H, W) int32.
        areas: pixels of each, (N + 1,).
        boxes: x0, y0, x1, y1 of each, the last ones outside, (N + 1, 4).
    """

    numbers: npt.NDArray[np.int32]
    areas: Ints
    boxes: Ints


@dataclass(frozen=True, slots=True)
class ObjectAreas:
    """Pixels of the objects of one class.

    Attributes:
        objects: of each labelled one, (N,).
        found: whether each was found, (N,) bool.
        claims: of each predicted one that is right, (F,).
        alarms: of each predicted one that is none, (M,).
    """

    objects: Ints
    found: npt.NDArray[np.bool_]
    claims: Ints
    alarms: Ints

    @property
    def counts(self) -> tuple[int, int, int]:
        """Objects, found ones, false alarms."""
        return len(self.objects), int(self.found.sum()), len(self.alarms)


@dataclass(frozen=True, slots=True)
class ObjectMatches:
    """The objects of one class in one image.

    Attributes:
        areas: how large they are.
        true: the labelled areas, those among them that are too small, too.
        predicted: the predicted ones.
        missed: numbers in ``true`` of the objects that were not found.
        alarms: numbers in ``predicted`` of those that are none.
        alarm_counted: pixels of these that are not ignored, (M,).
    """

    areas: ObjectAreas
    true: Components
    predicted: Components
    missed: Ints
    alarms: Ints
    alarm_counted: Ints


def match_objects(
    label_map: LabelMap,
    mask: LabelMap,
    class_id: int,
    *,
    rule: ObjectRule,
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
    labelled, claimed = _components(mask == class_id), _components(label_map == class_id)
    true_areas, areas = labelled.areas, claimed.areas
    inside = claimed.numbers[(claimed.numbers > 0) & (mask != IGNORE_INDEX)]
    counted = np.bincount(inside, minlength=len(areas))
    t, p, shared = _overlaps(labelled.numbers, claimed.numbers, len(areas))
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
    return ObjectMatches(
        areas=ObjectAreas(
            true_areas[is_object], found[is_object], areas[found_predicted], areas[~nothing]
        ),
        true=labelled,
        predicted=claimed,
        missed=np.flatnonzero(is_object & ~found),
        alarms=np.flatnonzero(~nothing),
        alarm_counted=counted[~nothing],
    )


def _components(area: npt.NDArray[np.bool_]) -> Components:
    """Number the connected areas of (H, W) bool."""
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(
        area.view(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    boxes = stats[:, :4].astype(np.int64)
    boxes[:, 2:] += boxes[:, :2]
    return Components(
        np.asarray(numbers, np.int32), stats[:, cv2.CC_STAT_AREA].astype(np.int64), boxes
    )


def _overlaps(
    true: npt.NDArray[np.int32], predicted: npt.NDArray[np.int32], count: int
) -> tuple[Ints, Ints, Ints]:
    """Return the pairs of numbers above 0 that share pixels, and how many each pair shares."""
    both = (true > 0) & (predicted > 0)
    pairs, shared = np.unique(
        true[both].astype(np.int64) * count + predicted[both], return_counts=True
    )
    first, second = np.divmod(pairs, count)
    return first, second, shared.astype(np.int64)


def confused_pairs(
    matches: Mapping[int, ObjectMatches], *, rule: ObjectRule
) -> list[tuple[int, int, int, int]]:
    """Return the missed objects that a false alarm of another class covers, one to one.

    Args:
        matches: of every class of one image.
        rule: the overlap that it takes is that of a found object.

    Returns:
        class and number of each missed object, class and number of its false alarm.
    """
    missed = [(index, int(n)) for index, one in matches.items() for n in one.missed]
    alarms = [(index, int(n)) for index, one in matches.items() for n in one.alarms]
    if not missed or not alarms:
        return []
    # The objects of different classes share no pixel, so all of them fit into one picture.
    shape = next(iter(matches.values())).true.numbers.shape
    true, predicted = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    first = second = 1
    for one in matches.values():
        first += _paint(true, one.true, one.missed, first)
        second += _paint(predicted, one.predicted, one.alarms, second)
    areas = [matches[index].true.areas[number] for index, number in missed]
    counted = np.concatenate([one.alarm_counted for one in matches.values()])
    t, p, shared = _overlaps(true, predicted, len(alarms) + 1)
    t, p = t - 1, p - 1
    iou = shared / (np.asarray(areas, np.int64)[t] + counted[p] - shared)
    near = iou >= rule.iou
    pairs = zip(*_assign(t[near], p[near], iou[near]), strict=True)
    return [(*missed[int(a)], *alarms[int(b)]) for a, b in pairs]


def _paint(picture: npt.NDArray[np.int32], areas: Components, numbers: Ints, first: int) -> int:
    """Give areas new numbers from ``first`` on; return how many."""
    if len(numbers):
        table = np.zeros(len(areas.areas), np.int32)
        table[numbers] = np.arange(first, first + len(numbers))
        np.maximum(picture, table[areas.numbers], out=picture)
    return len(numbers)


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
        self._smallest: dict[int, int] = {}
        self._alarm_areas: dict[int, list[Ints]] = {}

    def update(self, label_map: LabelMap, mask: LabelMap) -> dict[int, ObjectMatches]:
        """Count one image; return the matches of each class that is labelled or predicted in it."""
        present = byte_counts(label_map) + byte_counts(mask)
        matches = {
            index: match_objects(label_map, mask, index, rule=self.rule)
            for index in self.classes
            if present[index]
        }
        for index, one in matches.items():
            self.add(index, one.areas)
        return matches

    def add(self, class_id: int, areas: ObjectAreas) -> None:
        """Count objects of a class."""
        self._objects[class_id] += _by_size(areas.objects)
        self._found[class_id] += _by_size(areas.objects[areas.found])
        self._alarms[class_id] += _by_size(areas.alarms)
        for real in (areas.objects, areas.claims):
            if len(real):
                known = self._smallest.get(class_id, int(real.min()))
                self._smallest[class_id] = min(known, int(real.min()))
        self._alarm_areas.setdefault(class_id, []).append(areas.alarms)

    def figures(self) -> dict[str, Any]:
        """Figures so far, as JSON.

        Returns:
            iou_threshold, min_area: the rule.
            sizes: (least, most) pixels of each size, None for no limit. A labelled object and its
                match count by the labelled one's area, false alarms by their own.
            classes: for each class but the background ``class`` (id), ``name`` and the counts
                ``objects``, ``found``, ``missed``, ``false_alarms`` with ``precision``,
                ``recall``, ``f1`` (None where nothing is counted), ``by_size`` with the same, and
                ``specks``: ``false_alarms`` among them that are smaller than half of the smallest
                object, labelled or found, and the least ``area`` (pixels) that leaves out all of
                them; None without any.
            all: the same over all classes.
        """
        most = (*(limit - 1 for limit in _SIZE_LIMITS), None)
        sizes = dict(zip(SIZE_NAMES, zip((0, *_SIZE_LIMITS), most, strict=True), strict=True))
        rows = [
            {
                "class": index,
                "name": self.labels[index],
                **self._counts([index]),
                "specks": self._specks(index),
            }
            for index in self.classes
        ]
        return {
            "iou_threshold": self.rule.iou,
            "min_area": self.rule.min_area,
            "sizes": {name: list(limit) for name, limit in sizes.items()},
            "classes": rows,
            "all": self._counts(list(self.classes)),
        }

    def _specks(self, class_id: int) -> dict[str, int] | None:
        if not self._found[class_id].any():
            return None
        alarms = np.concatenate(self._alarm_areas[class_id])
        specks = alarms[2 * alarms < self._smallest[class_id]]
        if not len(specks):
            return None
        return {"area": int(specks.max()) + 1, "false_alarms": len(specks)}

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
    """Count areas by size, (3,) in the order of ``SIZE_NAMES``."""
    return np.bincount(np.searchsorted(_SIZE_LIMITS, areas, side="right"), minlength=3)


def size_name(area: int) -> str:
    """Return the one of ``SIZE_NAMES`` that an area in pixels is."""
    return SIZE_NAMES[int(np.searchsorted(_SIZE_LIMITS, area, side="right"))]


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
