"""The objects that a model got wrong in an image: missed, claimed out of nothing, or confused.

An error is told by what is labelled there and what is predicted: a crack that was missed has a
label and no prediction, a false alarm the other way round. Where a missed object and a false alarm
of another class are the same place, both are one confusion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

from core.prediction.object_matching import (
    SIZE_NAMES,
    ObjectMatches,
    ObjectRule,
    confused_pairs,
    size_name,
)

Box = tuple[int, int, int, int]
#: Most errors of an image whose places are kept, the largest ones: noise may have thousands.
MOST_PLACES: Final = 200


class ErrorKind(StrEnum):
    """What is wrong about an object."""

    MISSED = "missed"
    FALSE_ALARM = "false alarm"
    CONFUSED = "confused"


class ErrorType(NamedTuple):
    """What errors are counted by.

    Attributes:
        label: class of the labelled object, None for a false alarm.
        predicted: class of the predicted object, None for a missed one.
        size: one of ``SIZE_NAMES``, of the labelled object where there is one.
    """

    label: int | None
    predicted: int | None
    size: str

    @property
    def kind(self) -> ErrorKind:
        """What is wrong."""
        if self.predicted is None:
            return ErrorKind.MISSED
        return ErrorKind.FALSE_ALARM if self.label is None else ErrorKind.CONFUSED


@dataclass(frozen=True, slots=True)
class ErrorPlace:
    """One error.

    Attributes:
        type: what is wrong.
        area: pixels of the labelled object, or of the false alarm.
        box: x0, y0, x1, y1 in pixels, the last ones outside; of both where there are two.
    """

    type: ErrorType
    area: int
    box: Box


@dataclass(frozen=True, slots=True)
class ImageErrors:
    """The wrong objects of one image.

    Attributes:
        counts: how many there are of each type.
        places: of the largest ``MOST_PLACES``, the largest first.
    """

    counts: Mapping[ErrorType, int] = field(default_factory=dict)
    places: tuple[ErrorPlace, ...] = ()

    def count(self, wanted: ErrorFilter) -> int:
        """Return how many errors a filter takes."""
        return sum(count for type_, count in self.counts.items() if wanted.takes(type_))

    def moved(self, x: int, y: int) -> ImageErrors:
        """Return the same where the image's corner is at (-x, -y)."""
        places = tuple(
            replace(one, box=(one.box[0] + x, one.box[1] + y, one.box[2] + x, one.box[3] + y))
            for one in self.places
        )
        return ImageErrors(self.counts, places)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "counts": [[*type_, count] for type_, count in self.counts.items()],
            "places": [[*one.type[:2], one.area, *one.box] for one in self.places],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ImageErrors:
        """Read what ``to_dict`` made.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        counts = {
            ErrorType(_class(label), _class(predicted), SIZE_NAMES[SIZE_NAMES.index(size)]): int(
                count
            )
            for label, predicted, size, count in content["counts"]
        }
        places = tuple(
            ErrorPlace(
                ErrorType(_class(label), _class(predicted), size_name(int(area))),
                int(area),
                (int(x0), int(y0), int(x1), int(y1)),
            )
            for label, predicted, area, x0, y0, x1, y1 in content["places"]
        )
        return cls(counts, places)


@dataclass(frozen=True, slots=True)
class ErrorFilter:
    """Which errors are looked for; None: any.

    Attributes:
        kind: what is wrong.
        label: class that is labelled.
        predicted: class that is predicted; the same as ``label``: errors in which that class has
            any part.
        size: one of ``SIZE_NAMES``.
    """

    kind: ErrorKind | None = None
    label: int | None = None
    predicted: int | None = None
    size: str | None = None

    @property
    def about_objects(self) -> bool:
        """Whether objects are looked for, and not pixels."""
        return self.kind is not None or self.size is not None

    @property
    def is_open(self) -> bool:
        """Whether it takes everything."""
        return self == ErrorFilter()

    def takes(self, type_: ErrorType) -> bool:
        """Whether it takes errors of a type."""
        if self.kind not in (None, type_.kind) or self.size not in (None, type_.size):
            return False
        if self.label is not None and self.label == self.predicted:
            return self.label in (type_.label, type_.predicted)
        return self.label in (None, type_.label) and self.predicted in (None, type_.predicted)


def find_errors(matches: Mapping[int, ObjectMatches], *, rule: ObjectRule) -> ImageErrors:
    """Return the wrong objects of an image.

    Args:
        matches: of every class that is labelled or predicted in it (``match_objects``).
        rule: by which they were matched.
    """
    found: list[ErrorPlace] = []
    taken: set[tuple[int, int]] = set()
    claimed: set[tuple[int, int]] = set()
    for label, number, predicted, other in confused_pairs(matches, rule=rule):
        taken.add((label, number))
        claimed.add((predicted, other))
        true = matches[label].true
        both = [true.boxes[number].tolist(), matches[predicted].predicted.boxes[other].tolist()]
        found.append(_place(label, predicted, int(true.areas[number]), _around(both)))
    for index, one in matches.items():
        found += [
            _place(index, None, int(one.true.areas[n]), _box(one.true.boxes[n].tolist()))
            for n in one.missed.tolist()
            if (index, n) not in taken
        ]
        found += [
            _place(None, index, int(one.predicted.areas[n]), _box(one.predicted.boxes[n].tolist()))
            for n in one.alarms.tolist()
            if (index, n) not in claimed
        ]
    found.sort(key=lambda place: (-place.area, place.box))
    return ImageErrors(dict(Counter(one.type for one in found)), tuple(found[:MOST_PLACES]))


def total_errors(images: Iterable[ImageErrors], wanted: ErrorFilter) -> int:
    """Return how many errors a filter takes in all of some images."""
    return sum(one.count(wanted) for one in images)


def _place(label: int | None, predicted: int | None, area: int, box: Box) -> ErrorPlace:
    return ErrorPlace(ErrorType(label, predicted, size_name(area)), area, box)


def _box(corners: Sequence[int]) -> Box:
    x0, y0, x1, y1 = corners
    return x0, y0, x1, y1


def _around(boxes: Sequence[Sequence[int]]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _class(value: Any) -> int | None:
    return None if value is None else int(value)
