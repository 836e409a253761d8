"""What is found in one image, and whether it is unlike what the model knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from core.portable.image_statistics import (
    StatisticsCollector,
    image_features,
    unusual_features,
)
from core.watch.reports import Outcome

ImageArray = npt.NDArray[np.uint8]
LEARNED: Final = "statistics"
_WORDS: Final = {
    "brightness": ("darker", "brighter"),
    "contrast": ("of less contrast", "of more contrast"),
    "red_green": ("greener", "redder"),
    "blue_yellow": ("yellower", "bluer"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What a model and its rules say of an image.

    Attributes:
        outcome: what becomes of it.
        reasons: why, in sentences.
        objects: how many were found, by class name.
        confidence: mean over the pixels of the highest score, 0 … 1; None where there are no
            scores.
        label_map: (H, W) uint8 of class ids.
        draw: makes the picture of it, (H, W, 3) uint8 BGR.
    """

    outcome: Outcome
    label_map: ImageArray
    draw: Callable[[], ImageArray]
    reasons: tuple[str, ...] = ()
    objects: Mapping[str, int] = field(default_factory=dict)
    confidence: float | None = None


class Assessor(Protocol):
    """A model with its rules."""

    @property
    def model(self) -> str:
        """What the log calls it."""

    @property
    def revision(self) -> str | None:
        """Hash of the labelled data that it was trained on."""

    @property
    def statistics(self) -> Mapping[str, Any]:
        """Statistics of the images it was trained on; empty where they are not known."""

    @property
    def palette(self) -> tuple[tuple[int, int, int], ...]:
        """Red, green, blue of each class."""

    def assess(self, image: ImageArray) -> Assessment:
        """Judge an image, (H, W, 3) uint8 BGR.

        Raises:
            InputError: the image is none for this model.
        """


class OddityCheck:
    """Tells which images are odd: the model is unsure of them, or they look unlike all others.

    What is usual stands in the export; where it does not, the first images teach it, and are
    themselves never odd by it.

    Args:
        statistics: of the training images; empty where they are not known.
        learned: what an earlier run of this watcher kept, None at first.
        learn_from: how many images teach it.
        min_confidence: below it the model is unsure.
        limit: how many deviations are far.
    """

    def __init__(
        self,
        statistics: Mapping[str, Any],
        learned: Mapping[str, Any] | None,
        *,
        learn_from: int,
        min_confidence: float,
        limit: float,
    ) -> None:
        self._known = dict(statistics) if statistics.get("images") else None
        self._learned = StatisticsCollector(learned)
        self._learn_from = learn_from
        self._min_confidence = min_confidence
        self._limit = limit

    def look(self, image: ImageArray, confidence: float | None) -> tuple[str, ...]:
        """Return why an image is odd, in sentences; learns from it while there is too little."""
        reasons = []
        if confidence is not None and confidence < self._min_confidence:
            reasons.append(f"the model is unsure: confidence {confidence:.2f}")
        features = image_features(image)
        if self._known is None and self._learned.images < self._learn_from:
            self._learned.add(features)
            return tuple(reasons)
        usual = self._known or self._learned.to_dict()
        for one in unusual_features(features, usual, limit=self._limit):
            less, more = _WORDS[one.feature]
            reasons.append(
                f"{more if one.deviations > 0 else less} than usual: {one.feature} "
                f"{one.value:.2f} instead of {one.mean:.2f}"
            )
        return tuple(reasons)

    def learned(self) -> dict[str, Any]:
        """Return what is to be kept with the results; empty where nothing is learnt."""
        return {} if self._known is not None else {LEARNED: self._learned.to_dict()}
