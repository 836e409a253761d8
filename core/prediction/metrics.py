"""Segmentation metrics from one streaming confusion matrix of exact integer counts."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX
from core.system.errors import InputError

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]

#: Pixels counted at once: bounds the memory that a very large image takes.
_BLOCK: Final = 1 << 20


class ConfusionMatrix:
    """Pixel counts of label against prediction, summed over any number of images.

    Args:
        num_classes: classes counted, ids 0 … num_classes - 1.
    """

    def __init__(self, num_classes: int) -> None:
        if num_classes < 1:
            raise InputError(
                "A confusion matrix needs at least one class, not {count}; check labels.txt.",
                count=num_classes,
            )
        self.num_classes = num_classes
        #: Counts (num_classes, num_classes) int64: rows are labels, columns predictions.
        self.matrix: npt.NDArray[np.int64] = np.zeros((num_classes, num_classes), dtype=np.int64)

    def update(
        self, label_map: IntArray, label: IntArray, *, ignore_index: int = IGNORE_INDEX
    ) -> None:
        """Count one image or batch.

        Args:
            label_map: predicted class ids, any shape, integers.
            label: true class ids of the same shape.
            ignore_index: label of the pixels that are not counted.

        Raises:
            InputError: the shapes differ, or a counted id is not below ``num_classes``; nothing
                has been counted then.
        """
        predicted, true = np.asarray(label_map), np.asarray(label)
        if predicted.shape != true.shape:
            raise InputError(
                "The label map has shape {predicted} but its label has {true}; "
                "compare them at the same size.",
                predicted=predicted.shape,
                true=true.shape,
            )
        predicted, true = predicted.ravel(), true.ravel()
        counts = np.zeros(self.num_classes**2, dtype=np.int64)
        for start in range(0, true.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            counts += self._count(predicted[block], true[block], ignore_index)
        self.matrix += counts.reshape(self.num_classes, self.num_classes)

    def _count(
        self, predicted: IntArray, true: IntArray, ignore_index: int
    ) -> npt.NDArray[np.int64]:
        counted = true != ignore_index
        if not counted.all():
            predicted, true = predicted[counted], true[counted]
        if (value := self._outside(true)) is not None:
            raise InputError(
                "A label holds the value {value}, but there are {num_classes} classes: ids must "
                "be below that, or {ignore_index} for ignored pixels; correct the mask or "
                "labels.txt.",
                value=value,
                num_classes=self.num_classes,
                ignore_index=ignore_index,
            )
        if (value := self._outside(predicted)) is not None:
            raise InputError(
                "A prediction holds the value {value}, but there are {num_classes} classes; "
                "use a model trained with the same labels.txt.",
                value=value,
                num_classes=self.num_classes,
            )
        # The ids' own type (uint8) cannot hold the pairs.
        pairs = true.astype(np.intp)
        pairs *= self.num_classes
        pairs += predicted.astype(np.intp, copy=False)
        return np.bincount(pairs, minlength=self.num_classes**2)

    def _outside(self, ids: IntArray) -> int | None:
        """Return an id that is no class; ``None`` when all are."""
        if not np.issubdtype(ids.dtype, np.integer):
            raise InputError(
                "Class ids must be whole numbers, not of type {dtype}; convert the array first.",
                dtype=ids.dtype,
            )
        if ids.size == 0 or (ids.min() >= 0 and ids.max() < self.num_classes):
            return None
        return int(ids[(ids < 0) | (ids >= self.num_classes)][0])

    def merge(self, other: ConfusionMatrix) -> None:
        """Add another matrix's counts, such as another process's share of the images."""
        if other.num_classes != self.num_classes:
            raise InputError(
                "Confusion matrices of {first} and {second} {second:class|classes} cannot be "
                "added; use the same labels.txt.",
                first=self.num_classes,
                second=other.num_classes,
            )
        self.matrix += other.matrix

    def metrics(self) -> dict[str, Any]:
        """Metrics of all counts so far; see ``metrics_from_matrix``."""
        return metrics_from_matrix(self.matrix)


def byte_counts(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How often each of the values 0 … 255 occurs, (256,), in little memory."""
    flat = values.ravel()
    counts = np.zeros(256, np.int64)
    for start in range(0, flat.size, _BLOCK):
        counts += np.bincount(flat[start : start + _BLOCK], minlength=256)
    return counts


def metrics_from_matrix(matrix: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Metrics of a confusion matrix (rows labels, columns predictions).

    An absent class (neither labelled nor predicted anywhere) has no IoU.

    Returns:
        miou: mean IoU of the classes that are not absent; None without any pixel.
        miou_paddlex: PaddleX's mean over all classes, absent ones counting 0.
        category_iou: per class, None where absent.
        oacc: share of pixels predicted correctly; None without any pixel.
        category_acc: precision per class as PaddleX defines it, 0 where never predicted.
        category_recall: per class, None where never labelled.
        category_F1-score: per class, None where absent.
        kappa: Cohen's kappa; None where chance agreement is complete.
        absent_classes: ids of the absent classes.
    """
    matrix = np.asarray(matrix, dtype=np.int64)
    hits, labelled, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    total = int(matrix.sum())
    iou = _ratio(hits, labelled + predicted - hits)
    f1 = _ratio(2 * hits, labelled + predicted)
    absent = np.flatnonzero(np.isnan(iou))
    return {
        "miou": float(np.nanmean(iou)) if total else None,
        "miou_paddlex": float(np.nan_to_num(iou).mean()),
        "category_iou": _optional(iou),
        "oacc": float(hits.sum() / total) if total else None,
        "category_acc": [float(value) for value in np.nan_to_num(_ratio(hits, predicted))],
        "category_recall": _optional(_ratio(hits, labelled)),
        "category_F1-score": _optional(f1),
        "kappa": _kappa(matrix),
        "absent_classes": [int(index) for index in absent],
    }


def _ratio(numerator: npt.NDArray[np.int64], denominator: npt.NDArray[np.int64]) -> FloatArray:
    """Quotient, NaN where the denominator is 0."""
    quotient = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


def _optional(values: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def _kappa(matrix: npt.NDArray[np.int64]) -> float | None:
    """Cohen 1960; in Python integers, whose products cannot overflow."""
    total = int(matrix.sum())
    agreed = total * int(np.trace(matrix))
    chance = sum(
        int(row) * int(column)
        for row, column in zip(matrix.sum(axis=1), matrix.sum(axis=0), strict=True)
    )
    if total * total == chance:
        return None
    return (agreed - chance) / (total * total - chance)
