"""All figures of an evaluation besides the pixels': objects, images and thresholds, image by image.

What is kept does not grow with the images' sizes, and by some bytes with their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX
from core.prediction.choosing import Choice
from core.prediction.image_scores import FALSE_ALARM_RATE, ImageScores
from core.prediction.inspection import background_class
from core.prediction.metrics import byte_counts
from core.prediction.object_errors import ImageErrors, find_errors
from core.prediction.object_matching import ObjectCounts, ObjectRule
from core.prediction.thresholds import BINS, ThresholdCounts, share_of_bin

LabelMap = npt.NDArray[np.uint8]
#: Part of an image's pixels that its score is the mean of, where defects are likeliest: one pixel
#: alone is noise, and of more than some dozen a small defect would be too small a part.
_SCORED_PART: Final = 1e-4
_MOST_SCORED: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRules:
    """What counts as found.

    Attributes:
        objects: when an object is found.
        false_alarm_rate: share of good images that may be taken for defective where the detection
            rate is told.
    """

    objects: ObjectRule = field(default_factory=ObjectRule)
    false_alarm_rate: float = FALSE_ALARM_RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFigures:
    """One image's.

    Attributes:
        objects: (objects, found, false alarms) of each class that is labelled or predicted in it.
        score: how likely it is defective by the model, 0 … 1; None where no class is the
            background, or every pixel is ignored.
        defective: whether its mask shows a defect; None as ``score``.
        errors: the objects that are wrong.
    """

    objects: Mapping[int, tuple[int, int, int]]
    score: float | None = None
    defective: bool | None = None
    errors: ImageErrors = field(default_factory=ImageErrors)


class Figures:
    """Counts images one after the other.

    Args:
        labels: class names; one of them may be the background's.
        rules: what counts as found.

    Attributes:
        background: class id that means "nothing here", or None.
    """

    def __init__(self, labels: Sequence[str], *, rules: FigureRules | None = None) -> None:
        rules = rules or FigureRules()
        self.background = background_class(labels)
        self._objects = ObjectCounts(labels, background=self.background, rule=rules.objects)
        self._images = ImageScores(false_alarm_rate=rules.false_alarm_rate)
        self._count = 0
        self._thresholds = None
        if self.background is not None:
            self._thresholds = ThresholdCounts(len(labels), background=self.background)

    def update(self, choice: Choice, mask: LabelMap) -> ImageFigures:
        """Count one image.

        Args:
            choice: what was predicted, (H, W), with odds where there is a background.
            mask: its mask, (H, W) uint8, 255 ignored.
        """
        self._count += 1
        matches = self._objects.update(choice.label_map, mask)
        objects = {index: one.areas.counts for index, one in matches.items()}
        errors = find_errors(matches, rule=self._objects.rule)
        counted = mask != IGNORE_INDEX
        if self._thresholds is None or choice.odds is None or choice.defect is None:
            return ImageFigures(objects=objects, errors=errors)
        if not counted.any():
            return ImageFigures(objects=objects, errors=errors)
        self._thresholds.update(choice.defect, choice.odds, mask, counted=counted)
        score = image_score(choice.odds[counted])
        defective = bool(((mask != self.background) & counted).any())
        marked = bool(((choice.label_map != self.background) & counted).any())
        self._images.add(score, defective=defective, marked=marked)
        return ImageFigures(objects=objects, score=score, defective=defective, errors=errors)

    def to_dict(self) -> dict[str, Any]:
        """Return ``objects`` (``ObjectCounts.figures``) and ``images`` (``ImageScores.figures``).

        ``images`` counts those as neither good nor defective that have no pixel to tell by, and
        all of them where no class is the background.
        """
        images = {**self._images.figures(), "count": self._count}
        return {"objects": self._objects.figures(), "images": images}

    def thresholds(self) -> list[float | None] | None:
        """Return the best threshold of each class; None without a background."""
        return None if self._thresholds is None else self._thresholds.choose()


def image_score(odds: LabelMap) -> float:
    """Return how likely an image is defective, 0 … 1.

    Args:
        odds: of the likeliest defect in each pixel that counts, (N,), see ``to_bins``; N ≥ 1.

    Returns:
        the share that belongs to the mean odds of the ten-thousandth of its pixels, one to a
        hundred, where these are highest.
    """
    most = int(np.clip(odds.size * _SCORED_PART, 1, _MOST_SCORED))
    pixels = byte_counts(odds)[::-1]
    before = np.concatenate([[0], np.cumsum(pixels)[:-1]])
    taken = np.clip(most - before, 0, pixels)
    bins = np.arange(BINS)[::-1] + 0.5
    return share_of_bin(float((taken * bins).sum() / most))
