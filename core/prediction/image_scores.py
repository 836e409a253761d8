"""Figures of whole images: does the model tell good ones from defective ones?"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.system.errors import InputError

Floats = npt.NDArray[np.float64]

#: Share of good images that may be taken for defective where the detection rate is told.
FALSE_ALARM_RATE: Final = 0.05
#: Most points of a curve that are told.
_POINTS: Final = 200


class ImageScores:
    """One score and the truth of each image; some bytes an image.

    Args:
        false_alarm_rate: share of good images that may be taken for defective, 0 to below 1.
    """

    def __init__(self, *, false_alarm_rate: float = FALSE_ALARM_RATE) -> None:
        if not 0 <= false_alarm_rate < 1:
            raise InputError(
                "The rate of false alarms is {value}: give a number from 0 to below 1.",
                value=false_alarm_rate,
            )
        self._rate = false_alarm_rate
        self._scores: list[float] = []
        self._defective: list[bool] = []
        self._marked: list[bool] = []

    def add(self, score: float, *, defective: bool, marked: bool) -> None:
        """Count an image.

        Args:
            score: how likely a defect is in it, by the model, 0 … 1.
            defective: whether its mask shows one.
            marked: whether its predicted label map shows one.
        """
        self._scores.append(score)
        self._defective.append(defective)
        self._marked.append(marked)

    def figures(self) -> dict[str, Any]:
        """Figures so far, as JSON.

        Returns:
            count, good, defective: images, those without and those with a defect.
            detected, false_alarms: defective and good images whose label map shows a defect.
            auc: area under the ROC curve; None unless there are both kinds.
            average_precision: None without a defective image.
            false_alarm_rate: the rate chosen.
            detection_rate: share of the defective images whose score is at least ``threshold``,
                the lowest at which no more good images than that are taken for defective; None
                unless there are both kinds.
            threshold: None also where every score is too low.
            roc: (false alarm rate, detection rate); precision_recall: (recall, precision); at
                most 200 points each.
        """
        scores = np.asarray(self._scores, np.float64)
        truth, marked = np.asarray(self._defective, np.bool_), np.asarray(self._marked, np.bool_)
        defective = int(truth.sum())
        good = len(truth) - defective
        alarms, hits, thresholds = _curve(scores, truth)
        figures: dict[str, Any] = {
            "count": len(truth),
            "good": good,
            "defective": defective,
            "detected": int((marked & truth).sum()),
            "false_alarms": int((marked & ~truth).sum()),
            "auc": None,
            "average_precision": None,
            "false_alarm_rate": self._rate,
            "detection_rate": None,
            "threshold": None,
            "roc": [],
            "precision_recall": [],
        }
        if defective:
            recall, precision = hits / defective, hits / np.maximum(hits + alarms, 1)
            figures["average_precision"] = float(np.sum(np.diff(recall) * precision[1:]))
            figures["precision_recall"] = _points(recall[1:], precision[1:])
        if defective and good:
            rates, detection = alarms / good, hits / defective
            figures["auc"] = float(np.trapezoid(detection, rates))
            figures["roc"] = _points(rates, detection)
            allowed = int(np.flatnonzero(rates <= self._rate)[-1])
            figures["detection_rate"] = float(detection[allowed])
            figures["threshold"] = float(thresholds[allowed - 1]) if allowed else None
        return figures


def _curve(scores: Floats, truth: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Good and defective images with at least each score, from none on: (T + 1,), (T + 1,).

    Returns:
        the two counts, and the T different scores, highest first.
    """
    order = np.argsort(-scores, kind="stable")
    scores, truth = scores[order], truth[order]
    ends = np.flatnonzero(np.diff(scores, append=-np.inf))
    hits = np.cumsum(truth)[ends].astype(np.float64)
    return (
        np.concatenate([[0.0], ends + 1 - hits]),
        np.concatenate([[0.0], hits]),
        scores[ends],
    )


def _points(x: Floats, y: Floats) -> list[list[float]]:
    """Return at most so many points of a curve, its ends among them."""
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), _POINTS)).round().astype(int))
    return [[round(float(x[i]), 6), round(float(y[i]), 6)] for i in chosen]
