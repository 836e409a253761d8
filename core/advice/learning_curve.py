"""What more labels would bring: a law fitted to models that learnt from parts of the labels.

A score grows by about the same for each doubling of the labels until it nears its ceiling, so a
line through score against log2 of the labels is fitted: never falling, never above 1. Its error is
that of the slope, from the points' scatter and from what two trainings on the same labels differ
by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from core.prediction.inspection import background_class
from core.system.messages import Message, message

Outlook = Literal["more", "enough", "unclear", "too few", "not measured"]

#: Standard deviation of a class' IoU between seeds; what measuring by one object adds to it.
_SEED_SPREAD: Final = 0.04
_OBJECT_SPREAD: Final = 0.1
#: How many observations the two above count as.
_PRIOR: Final = 4.0
#: A doubling that brings less is not worth the labelling.
_WORTH: Final = 0.03
#: "Enough" needs to be sure that it does not bring as much as this.
_SURELY: Final = 0.07
#: Below, a class that does not grow has another problem than the number of its labels.
_POOR: Final = 0.3
#: Where not even the best class gets so far, nothing was learnt that labels could improve.
_LEARNT: Final = 0.2
#: In which they are said: what is worth labelling first.
_ORDER: Final[Mapping[Outlook, int]] = {
    "more": 0,
    "unclear": 1,
    "too few": 2,
    "enough": 3,
    "not measured": 4,
}
FEWEST_IMAGES: Final = 9
FEWEST_OF_A_CLASS: Final = 3


@dataclass(frozen=True, slots=True)
class Law:
    """``level + slope · log2(labels / now)``.

    Attributes:
        level: score with the labels that there are, 0 … 1.
        slope: growth for each doubling, at least 0.
        error: standard error of the slope.
    """

    level: float
    slope: float
    error: float

    @property
    def gain(self) -> float:
        """What twice as many labels bring: no more than is left to 1."""
        return min(self.slope, 1 - self.level)

    def at(self, times: float) -> float:
        """Return the score with so many times the labels, 0 … 1."""
        return min(1.0, max(0.0, self.level + self.slope * math.log2(times)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOutlook:
    """What more labels of a class would bring; ``law`` where it could be fitted.

    Attributes:
        name: of the class.
        objects: labels there are: objects, or images where no class is the background.
        score: IoU of the model that learnt from all of them; None where it was not measured.
        outlook: in a word.
        law: of its IoU.
    """

    name: str
    objects: int
    score: float | None
    outlook: Outlook
    law: Law | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "name": self.name,
            "labels": self.objects,
            "iou": self.score,
            "outlook": self.outlook,
            "law": _law_dict(self.law),
            "sentence": str(class_sentence(self)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A model that learnt from a part of the training images.

    Attributes:
        images: that it learnt from.
        labels: objects (or images) of each class among them.
        iou: of each class in the validation images; None where it does not occur.
        miou: their mean.
    """

    images: int
    labels: tuple[int, ...]
    iou: tuple[float | None, ...]
    miou: float | None


def fit_law(
    labels: Sequence[float], scores: Sequence[float], *, spread: float = _SEED_SPREAD
) -> Law | None:
    """Fit scores (0 … 1) to log2 of the labels behind them.

    Args:
        labels: numbers of labels, the largest being what there is now; those of 0 are left out.
        scores: of the models that learnt from them.
        spread: standard deviation that a score has anyhow.

    Returns:
        None with fewer than two different numbers.
    """
    kept = [(number, score) for number, score in zip(labels, scores, strict=True) if number > 0]
    if len({number for number, _ in kept}) < 2:
        return None
    x = np.log2(np.array([number for number, _ in kept], float))
    x -= x.max()
    y = np.array([score for _, score in kept], float)
    around = x - x.mean()
    across = float((around**2).sum())
    slope = max(0.0, float((around * y).sum()) / across)
    level = float(y.mean() - slope * x.mean())
    rest = float(((y - level - slope * x) ** 2).sum())
    variance = (_PRIOR * spread**2 + rest) / (_PRIOR + len(y) - 2)
    return Law(min(1.0, max(0.0, level)), slope, math.sqrt(variance / across))


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """What models that learnt from growing parts of the training images found.

    Attributes:
        labels: class names.
        points: the last one learnt from all training images.
        class_images: training images that show each class.
        measured_by: objects of each class in the validation images.
    """

    labels: tuple[str, ...]
    points: tuple[Point, ...]
    class_images: tuple[int, ...]
    measured_by: tuple[int, ...]

    @property
    def whole(self) -> Law | None:
        """The law of the mIoU against the number of images."""
        known = [(point.images, point.miou) for point in self.points if point.miou is not None]
        background = background_class(self.labels)
        measured_by = sum(
            count for place, count in enumerate(self.measured_by) if place != background
        )
        spread = math.hypot(_SEED_SPREAD / 2, _OBJECT_SPREAD / math.sqrt(max(1, measured_by)))
        return fit_law([images for images, _ in known], [miou for _, miou in known], spread=spread)

    @property
    def classes(self) -> tuple[ClassOutlook, ...]:
        """What more labels of each class but the background would bring, the most first."""
        background = background_class(self.labels)
        found = [
            _class_outlook(
                name,
                [(point.labels[place], point.iou[place]) for point in self.points],
                images=self.class_images[place],
                measured_by=self.measured_by[place],
            )
            for place, name in enumerate(self.labels)
            if place != background
        ]
        return tuple(
            sorted(
                found,
                key=lambda one: (_ORDER[one.outlook], 0.0 if one.law is None else -one.law.gain),
            )
        )

    @property
    def summary(self) -> Message | None:
        """What more labels of all classes would bring, or why it cannot be told yet."""
        best = max((one.score for one in self.classes if one.score is not None), default=None)
        if best is not None and best < _LEARNT:
            return message(
                "In so little time no class is learnt, even from all labels (the best IoU is "
                "{score}): give it more time, then it can be told what labels bring.",
                score=f"{best:.2f}",
            )
        whole = self.whole
        if whole is None:
            return None
        return message(
            "With twice as many labels of all classes: mIoU about {gain} (± {error}), now {level}.",
            gain=f"+{whole.gain:.2f}",
            error=f"{whole.error:.2f}",
            level=f"{whole.level:.2f}",
        )

    @property
    def sentences(self) -> tuple[Message, ...]:
        """The summary, then a sentence for each class, what brings most first."""
        classes = (class_sentence(one) for one in self.classes)
        return (*([] if self.summary is None else [self.summary]), *classes)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON, with what follows from it."""
        return {
            "labels": list(self.labels),
            "points": [
                {**asdict(point), "labels": list(point.labels), "iou": list(point.iou)}
                for point in self.points
            ],
            "class_images": list(self.class_images),
            "measured_by": list(self.measured_by),
            "whole": _law_dict(self.whole),
            "classes": [one.to_dict() for one in self.classes],
            "sentences": [str(sentence) for sentence in self.sentences],
        }

    @classmethod
    def from_dict(cls, content: Any) -> LearningCurve | None:
        """Read what ``to_dict`` wrote; None where it is something else."""
        try:
            curve = cls(
                labels=tuple(str(name) for name in content["labels"]),
                points=read_points(content["points"]),
                class_images=tuple(int(count) for count in content["class_images"]),
                measured_by=tuple(int(count) for count in content["measured_by"]),
            )
        except (KeyError, TypeError, ValueError):
            return None
        columns: list[Sequence[Any]] = [curve.class_images, curve.measured_by]
        columns += [column for point in curve.points for column in (point.labels, point.iou)]
        whole = bool(curve.points) and {len(column) for column in columns} == {len(curve.labels)}
        return curve if whole else None


def read_points(rows: Sequence[Mapping[str, Any]]) -> tuple[Point, ...]:
    """Read points from JSON; raises ``KeyError``, ``TypeError`` or ``ValueError`` for others."""
    return tuple(
        Point(
            images=int(row["images"]),
            labels=tuple(int(number) for number in row["labels"]),
            iou=tuple(None if value is None else float(value) for value in row["iou"]),
            miou=None if row["miou"] is None else float(row["miou"]),
        )
        for row in rows
    )


def _class_outlook(
    name: str, points: Sequence[tuple[int, float | None]], *, images: int, measured_by: int
) -> ClassOutlook:
    objects, score = points[-1]
    law: Law | None = None
    outlook: Outlook
    if score is None or not measured_by:
        score, outlook = None, "not measured"
    elif images < FEWEST_OF_A_CLASS:
        outlook = "too few"
    else:
        spread = math.hypot(_SEED_SPREAD, _OBJECT_SPREAD / math.sqrt(measured_by))
        law = fit_law(
            [number for number, _ in points], [value or 0.0 for _, value in points], spread=spread
        )
        outlook = "too few" if law is None else _outlook(law)
    return ClassOutlook(name=name, objects=objects, score=score, outlook=outlook, law=law)


def _outlook(law: Law) -> Outlook:
    if law.gain >= _WORTH and law.slope >= law.error:
        return "more"
    surely = min(law.slope + law.error, 1 - law.level) <= _SURELY
    return "enough" if law.gain < _WORTH and law.level >= _POOR and surely else "unclear"


def _law_dict(law: Law | None) -> dict[str, float] | None:
    return None if law is None else {**asdict(law), "gain": law.gain}


def class_sentence(one: ClassOutlook) -> Message:
    """Say what more labels of a class would bring."""
    if one.outlook == "not measured":
        return message(
            "{name}: does not occur in the validation images, so it was not measured.",
            name=one.name,
        )
    if one.law is None:
        return message(
            "{name}: too few labels to tell ({labels}); label more first.",
            name=one.name,
            labels=one.objects,
        )
    figures = {
        "name": one.name,
        "labels": one.objects,
        "twice": 2 * one.objects,
        "gain": f"+{one.law.gain:.2f}",
        "error": f"{one.law.error:.2f}",
        "score": f"{one.score or 0.0:.2f}",
        "most": f"+{min(one.law.gain + one.law.error, 1 - one.law.level):.2f}",
    }
    if one.outlook == "more":
        return message(
            "{name}: with twice as many ({twice} instead of {labels}): IoU about {gain} "
            "(± {error}), now {score}.",
            **figures,
        )
    if one.outlook == "enough":
        return message(
            "{name}: enough; twice as many would bring {most} IoU at most, now {score}.", **figures
        )
    if one.law.gain < _WORTH and one.law.level < _POOR:
        return message(
            "{name}: more labels have not helped so far (IoU {score}): look whether its labels are "
            "alike, or give the training more time.",
            **figures,
        )
    return message(
        "{name}: cannot be told from {labels}; twice as many would bring {most} IoU at most, now "
        "{score}.",
        **figures,
    )


def part_sizes(images: int) -> tuple[int, ...]:
    """Return how many images the models learn from: a third, two thirds, all.

    Raises:
        ValueError: fewer than ``FEWEST_IMAGES``.
    """
    if images < FEWEST_IMAGES:
        raise ValueError(f"{images} images are too few")
    return round(images / 3), round(2 * images / 3), images


def nested_order(labels: npt.NDArray[np.int64], *, seed: int) -> list[int]:
    """Order images so that any first part of them holds its share of every class.

    Args:
        labels: of each image and class, (images, classes).
        seed: decides between equal ones.

    Returns:
        the images' indices.
    """
    images = len(labels)
    totals = labels.sum(axis=0)
    shares = labels[:, totals > 0] / totals[totals > 0]
    left = np.random.default_rng(seed).permutation(images)
    reached = np.zeros(shares.shape[1])
    order: list[int] = []
    for taken in range(1, images + 1):
        off = ((reached + shares[left] - taken / images) ** 2).sum(axis=1)
        best = int(off.argmin())
        order.append(int(left[best]))
        reached += shares[left[best]]
        left = np.delete(left, best)
    return order
