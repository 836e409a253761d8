"""What can become of an image, in words, colours and order."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from app.look.term_finding import with_terms
from app.look.theme import Tokens
from app.look.translation import tr
from core.images.io import read_mask
from core.portable.cleaning import InspectedArea, clean_label_map
from core.portable.objects import FoundObject, LabelMap

_EVERYTHING: Final = InspectedArea()


class Outcome(StrEnum):
    """The values of ``core.portable.rules`` and, last, that an image could not be judged."""

    REJECT = "reject"
    INCONCLUSIVE = "inconclusive"
    WARN = "warn"
    ACCEPT = "accept"
    FAILED = "failed"


class Truth(StrEnum):
    """What became of an image whose labels are known; groups that the effect counts."""

    GOOD_ACCEPTED = "good accepted"
    GOOD_REJECTED = "good rejected"
    FOUND = "defective found"
    MISSED = "defective missed"
    OPEN = "inconclusive"


@dataclass(frozen=True, slots=True)
class JudgedImage:
    """An image with what is said of it.

    Attributes:
        image: its file.
        label_map: file of its label map, None where there is none.
        outcome: what becomes of it.
        reasons: sentences that say why.
        objects: what was found in it.
        defective: whether its labels name a defect, None where they are not known.
        problem: why it could not be judged.
        note: short text beside its name, such as a time.
        picture: a picture of the result that is shown instead of the image, or None.
        least: areas in pixels, by class id, below which objects are not shown.
        area: which part of it is inspected; nothing is shown in the rest.
    """

    image: Path
    label_map: Path | None = None
    outcome: Outcome = Outcome.ACCEPT
    reasons: tuple[str, ...] = ()
    objects: tuple[FoundObject, ...] = field(default=())
    defective: bool | None = None
    problem: str = ""
    note: str = ""
    picture: Path | None = None
    least: tuple[float, ...] = ()
    area: InspectedArea = _EVERYTHING

    def clean_label_map(self, background: int | None) -> LabelMap | None:
        """Return its label map (H, W) without what does not count, None where there is none.

        Args:
            background: class id that means "nothing here".

        Raises:
            InputError: the label map cannot be read.
        """
        if self.label_map is None:
            return None
        label_map = read_mask(self.label_map)
        height, width = label_map.shape
        included = self.area.included((height, width))
        if not self.least and included is None:
            return label_map
        return clean_label_map(
            label_map, background=background, included=included, minimum_area=self.least
        )

    @property
    def truth(self) -> Truth | None:
        """Return how the outcome compares with the labels; None where they are not known."""
        if self.defective is None or self.outcome is Outcome.FAILED:
            return None
        if self.outcome is Outcome.INCONCLUSIVE:
            return Truth.OPEN
        rejected = self.outcome is Outcome.REJECT
        if self.defective:
            return Truth.FOUND if rejected else Truth.MISSED
        return Truth.GOOD_REJECTED if rejected else Truth.GOOD_ACCEPTED


def outcome_name(outcome: Outcome) -> str:
    """Return what an outcome is called."""
    return {
        Outcome.REJECT: tr("reject"),
        Outcome.INCONCLUSIVE: tr("inconclusive"),
        Outcome.WARN: tr("warning"),
        Outcome.ACCEPT: tr("accept"),
        Outcome.FAILED: tr("not readable"),
    }[outcome]


def truth_name(truth: Truth) -> str:
    """Return what a group of the effect is called."""
    return {
        Truth.GOOD_ACCEPTED: tr("Good"),
        Truth.GOOD_REJECTED: tr("False alarms"),
        Truth.FOUND: tr("Found"),
        Truth.MISSED: tr("Missed"),
        Truth.OPEN: tr("Inconclusive"),
    }[truth]


def truth_tip(truth: Truth) -> str:
    """Return what a group of the effect is, in a sentence, and what the words mean."""
    sentence = {
        Truth.GOOD_ACCEPTED: tr("Good parts that are accepted"),
        Truth.GOOD_REJECTED: tr("Good parts that are rejected"),
        Truth.FOUND: tr("Defective parts that are rejected"),
        Truth.MISSED: tr("Defective parts that are accepted"),
        Truth.OPEN: tr("Parts that a person must look at"),
    }[truth]
    return with_terms(sentence, truth_name(truth))


def outcome_color(outcome: Outcome, theme: Tokens) -> str:
    """Return the colour of an outcome, ``#rrggbb``."""
    return {
        Outcome.REJECT: theme.danger,
        Outcome.INCONCLUSIVE: theme.warning,
        Outcome.WARN: theme.accent,
        Outcome.ACCEPT: theme.success,
        Outcome.FAILED: theme.muted,
    }[outcome]
