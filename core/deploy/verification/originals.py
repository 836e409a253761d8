"""What an exported file is compared with: a trained network, or what was stored of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from core.deploy.verification.model_facts import ModelFacts
from core.deploy.verification.samples import Sample
from core.images.io import IGNORE_INDEX
from core.prediction.choosing import Chooser
from core.prediction.thresholds import score_offsets
from core.transforms import invert_label_map, invert_scores
from core.transforms.inversion import SpatialStep

LabelMap = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a network makes of an image.

    Attributes:
        label_map: (H, W) uint8 at the image's own size.
        prepared: the network's input (3, h, w); None where not known.
        logits: (h, w, num_classes) of it; None where not known, or too large to be kept.
        trace: the way back from the network's input to the image.
        probabilities: (H, W, num_classes) at the image's own size, where it was computed in
            windows, each prepared by itself.
    """

    label_map: LabelMap
    prepared: Array | None = None
    logits: Array | None = None
    trace: Sequence[SpatialStep] = ()
    probabilities: Array | None = None

    def scores(self, thresholds: Sequence[float | None] | None = None) -> Array | None:
        """Return probabilities (H, W, num_classes) at the image's own size, where known.

        Args:
            thresholds: that the logits are to obey, None for as they are.
        """
        if self.logits is None:
            return self.probabilities
        offsets = 0 if thresholds is None else score_offsets(thresholds)
        return softmax(invert_scores(self.logits + offsets, self.trace))


class Original(Protocol):
    """What an exported file is compared with."""

    @property
    def kind(self) -> Literal["model", "reference"]:
        """What it is."""
        ...

    @property
    def facts(self) -> ModelFacts:
        """How it is used."""
        ...

    def answer(self, sample: Sample) -> Answer | None:
        """Return what it makes of an image; None: it does not know the image."""
        ...

    def answer_with(self, sample: Sample, facts: ModelFacts) -> Answer | None:
        """Return what it would make of an image prepared otherwise; None: that is not known."""
        ...

    def logits_of(self, prepared: Array) -> Array | None:
        """Return the logits (h, w, num_classes) of a network input (3, h, w), where it computes."""
        ...

    def label_map_of(self, logits: Array, answer: Answer) -> LabelMap:
        """Return the label map that it would make of other logits than those of an answer."""
        ...


def softmax(logits: Array) -> Array:
    """Turn scores (…, C) into probabilities."""
    values: Array = np.exp(logits - logits.max(axis=-1, keepdims=True))
    values /= values.sum(axis=-1, keepdims=True)
    return values


def label_map_of_logits(
    logits: Array, trace: Sequence[SpatialStep], thresholds: Sequence[float | None] | None
) -> LabelMap:
    """Choose the class of each pixel of the image, (H, W) uint8; 255 where a crop cut it off.

    Args:
        logits: (h, w, num_classes) of the network's input.
        trace: the way back to the image.
        thresholds: to choose by, None for the highest score.
    """
    chooser = Chooser(None if thresholds is None else score_offsets(thresholds))
    label_map = chooser.choose(invert_scores(logits, trace)).label_map
    outside = invert_label_map(np.zeros(logits.shape[:2], np.uint8), trace) == IGNORE_INDEX
    label_map[outside] = IGNORE_INDEX
    return label_map
