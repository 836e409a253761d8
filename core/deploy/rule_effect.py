"""What rules come to on images whose labels are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.images.io import read_image
from core.portable.class_choice import asked_offsets, choose_by_probability
from core.portable.deciding import OUTCOMES, Outcome, Reason
from core.portable.line_predictor import LinePredictor
from core.portable.rejudging import MeasuredImage
from core.portable.settings import Settings
from core.prediction.onnx_predictor import check_classes
from core.system.errors import portable_errors

if TYPE_CHECKING:
    from core.datasets import SegDataset

LabelMap = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class JudgedImage:
    """One image.

    Attributes:
        name: of the image.
        is_defective: whether its labels name a class other than the background in what is
            inspected.
        outcome: by what the model found.
        expected: by its labels, under the same rules: a labelled crack that no rule minds is
            expected to be accepted.
        reasons: of the outcome.
    """

    name: str
    is_defective: bool
    outcome: Outcome
    expected: Outcome
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """What rules come to.

    Attributes:
        images: in their order.
    """

    images: tuple[JudgedImage, ...]

    def counts(self, *, defective: bool) -> dict[Outcome, int]:
        """Return how many good, or defective, images have each outcome."""
        outcomes = [one.outcome for one in self.images if one.is_defective == defective]
        return {outcome: outcomes.count(outcome) for outcome in OUTCOMES}

    @property
    def missed(self) -> list[JudgedImage]:
        """Images whose labels reject them, and that go through: accepted or warned of."""
        return [
            one
            for one in self.images
            if one.expected == "reject" and one.outcome in ("accept", "warn")
        ]

    @property
    def false_rejects(self) -> list[JudgedImage]:
        """Images that are rejected, and whose labels go through."""
        return [
            one
            for one in self.images
            if one.outcome == "reject" and one.expected in ("accept", "warn")
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        return {
            "images": len(self.images),
            "good": self.counts(defective=False),
            "defective": self.counts(defective=True),
            "missed": [one.name for one in self.missed],
            "false_rejects": [one.name for one in self.false_rejects],
        }


class RuleEffect:
    """Images that were predicted once and are judged by as many rules as one likes.

    Another judgement of a hundred images takes milliseconds, unless regions or the filling of
    holes changed. Not for use from several threads at once.

    Args:
        labels: class names.
        background: class id that means "nothing here", or None.
    """

    def __init__(self, labels: Sequence[str], background: int | None) -> None:
        self._labels = tuple(labels)
        self._background = background
        self._images: list[tuple[str, MeasuredImage, MeasuredImage]] = []

    def add(self, name: str, label_map: LabelMap, scores: Scores | None, mask: LabelMap) -> None:
        """Add an image.

        Args:
            name: of the image.
            label_map: (H, W) uint8, as the model gives it.
            scores: (H, W, num_classes) float32 probabilities, or None.
            mask: (H, W) uint8, as people labelled it, 255 ignored.
        """
        found = self._measured(label_map, scores)
        self._images.append((name, found, self._measured(mask, None)))

    def judge(self, settings: Settings) -> Effect:
        """Judge every image.

        Raises:
            PortableError: a setting does not fit.
        """
        return Effect(tuple(self._judge(*one, settings) for one in self._images))

    def _measured(self, label_map: LabelMap, scores: Scores | None) -> MeasuredImage:
        return MeasuredImage(label_map, scores, labels=self._labels, background=self._background)

    @staticmethod
    def _judge(
        name: str, found: MeasuredImage, labelled: MeasuredImage, settings: Settings
    ) -> JudgedImage:
        decision, _ = found.judge(settings)
        return JudgedImage(
            name,
            is_defective=labelled.has_objects(settings),
            outcome=decision.outcome,
            expected=labelled.judge(settings)[0].outcome,
            reasons=decision.reasons,
        )


def measure_effect(
    predictor: LinePredictor,
    dataset: SegDataset,
    settings: Settings,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> RuleEffect:
    """Predict labelled images, once for all that is tried with them.

    Args:
        predictor: the model.
        dataset: images with masks; transforms play no part. The same classes in another order
            are told by their names.
        settings: of which only the thresholds count here.
        progress: called with (done, total).

    Raises:
        InputError: the data has another number of classes, or cannot be read.
    """
    manifest = predictor.manifest
    check_classes(dataset, manifest.num_classes)
    ids = _ids_by_name(dataset.labels, manifest.labels)
    effect = RuleEffect(manifest.labels, manifest.background)
    with portable_errors():
        offsets = asked_offsets(manifest, settings.thresholds or manifest.applies_thresholds)
        for index in range(len(dataset)):
            image, _ = dataset.raw(index)
            scores = predictor.scores(read_image(image))
            label_map = choose_by_probability(scores.transpose(2, 0, 1), offsets)
            effect.add(image, label_map, scores, ids[dataset.read_mask(index)])
            if progress is not None:
                progress(index + 1, len(dataset))
    return effect


def _ids_by_name(given: Sequence[str], wanted: Sequence[str]) -> LabelMap:
    """Return the model's class id for each of the data's, (256,): rules name classes.

    The same where the names are others: then ids alone say what is meant.
    """
    ids = np.arange(256, dtype=np.uint8)
    if len(set(wanted)) == len(wanted) and sorted(given) == sorted(wanted):
        ids[: len(given)] = [wanted.index(name) for name in given]
    return ids
