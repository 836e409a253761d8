"""How many labels are about enough, class by class, and why.

Before the first training a rule of thumb says it: with three objects of a class, what a network
finds is left to chance; with about ten it mostly finds something, unless they are small or rare.
Afterwards the measurement says it: what is found is enough, of what is missed more are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from core.advice.input_scale import OBJECT_SIDE
from core.advice.label_counts import LabelCount, LabelCounter
from core.advice.verdict import more_labels
from core.data.validation import Finding
from core.models.model_verdict import read_object_figures
from core.prediction.inspection import background_class
from core.project import Project
from core.system.messages import Message, message

Unit = Literal["objects", "images"]

_USUAL: Final = 10
_RARE: Final = 15
_SMALL: Final = 20
#: Of the image's shorter side: below, an object has few pixels to learn from.
_SMALL_SIDE: Final = 0.04
#: Of the labelled images: where fewer show a class, much else is there to be taken for it.
_RARE_SHARE: Final = 0.05
#: Objects in the validation images; fewer that are found say little.
_FEWEST_MEASURED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNeed:
    """How many labels a class has and needs.

    Attributes:
        name: of the class.
        unit: what is counted: objects, or, where no class is the background, images.
        have: labels to learn from.
        wanted: about so many are enough.
        reason: why so many.
    """

    name: str
    unit: Unit
    have: int
    wanted: int
    reason: Message

    @property
    def missing(self) -> int:
        """How many more to label."""
        return max(0, self.wanted - self.have)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the newest training found, and what it had learnt from, by class name.

    Attributes:
        found: (objects in the validation images, those of them that were found).
        learnt_from: objects in its training images.
    """

    found: Mapping[str, tuple[int, int]]
    learnt_from: Mapping[str, int]


def label_needs(
    labels: Sequence[str],
    counts: Sequence[LabelCount],
    *,
    measured: Measured | None = None,
) -> tuple[LabelNeed, ...]:
    """Say how many labels each class needs, what lacks most first.

    Args:
        labels: class names.
        counts: of each class, in their order.
        measured: what the newest training said, if there was one.
    """
    background = background_class(labels)
    images = max((count.images for count in counts), default=0)  # hardly one without background
    needs = [
        _need(name, count, images=images, scene=background is None, measured=measured)
        for place, (name, count) in enumerate(zip(labels, counts, strict=True))
        if place != background
    ]
    return tuple(sorted(needs, key=lambda need: (need.missing == 0, -need.missing / need.wanted)))


class LabelAdviser:
    """Says what a project's classes need; remembers what it counted. Not for several threads."""

    def __init__(self) -> None:
        self._counter = LabelCounter()

    def needs(
        self, project: Project, *, check: Callable[[], None] = lambda: None
    ) -> tuple[LabelNeed, ...]:
        """Return what each class needs, what lacks most first.

        Args:
            project: open.
            check: called before each mask is looked at; may raise to stop.
        """
        labels = sorted(project.labels(), key=lambda label: label.id)
        counts = self._counter.count(project, check=check)
        return label_needs(
            [label.name for label in labels],
            [counts.get(label.id, LabelCount()) for label in labels],
            measured=self._measured(project, check),
        )

    def findings(
        self, project: Project, *, check: Callable[[], None] = lambda: None
    ) -> tuple[Finding, ...]:
        """Return what the sizes of the objects say; arguments as in ``needs``."""
        counts = self._counter.count(project, check=check)
        sides = {
            label.name: counts[label.id].side
            for label in project.labels()
            if label.id and counts[label.id].objects
        }
        return small_objects(sides, project.statistics(check=check).median_size)

    def _measured(self, project: Project, check: Callable[[], None]) -> Measured | None:
        for run in project.runs("train"):
            figures = read_object_figures(run.folder / "best_model")
            over = run.state not in ("queued", "running", "paused")
            if figures is None or run.revision_id is None or not over:
                continue
            counts = self._counter.count(project, revision_id=run.revision_id, check=check)
            names = {label.id: label.name for label in project.labels()}
            learnt_from = {names[id_]: count.objects for id_, count in counts.items()}
            return read_measured(figures, learnt_from)
        return None


def small_objects(sides: Mapping[str, float], size: tuple[int, int]) -> tuple[Finding, ...]:
    """Return which classes' objects are small for a network that sees the images as they are.

    Args:
        sides: of usual objects by class name, as a share of the image's shorter side.
        size: (width, height) of usual images, pixels.
    """
    found = []
    for name, share in sides.items():
        side = share * min(size)
        if 0 < side < OBJECT_SIDE:
            text = message(
                "“{label}” is usually {side} pixels wide; networks find what is {wanted} pixels "
                "wide or more.",
                label=name,
                side=max(1, round(side)),
                wanted=round(OBJECT_SIDE),
            )
            found.append(Finding("info", "small_objects", text, None, round(side)))
    return tuple(found)


def read_measured(figures: Mapping[str, Any], learnt_from: Mapping[str, int]) -> Measured | None:
    """Return what the ``objects`` of a measurement say; None where something is wrong with them.

    Args:
        figures: ``objects`` of ``evaluate --json``.
        learnt_from: objects in the training images by class name.
    """
    try:
        found = {
            str(one["name"]): (int(one["objects"]), int(one["found"])) for one in figures["classes"]
        }
    except (KeyError, TypeError, ValueError):
        return None
    return Measured(found, learnt_from)


def _need(
    name: str, count: LabelCount, *, images: int, scene: bool, measured: Measured | None
) -> LabelNeed:
    if scene:
        return LabelNeed(
            name=name,
            unit="images",
            have=count.images,
            wanted=_USUAL,
            reason=message("About {wanted} images should show each class.", wanted=_USUAL),
        )
    objects, found = (0, 0) if measured is None else measured.found.get(name, (0, 0))
    more = more_labels(objects, found)
    if measured is None or not objects or (not more and objects < _FEWEST_MEASURED):
        wanted, reason = _rule(count, images)
    elif more:
        wanted = measured.learnt_from.get(name, 0) + more
        reason = message(
            "The last training finds {found} of {objects}: at least {more} more are needed than it "
            "learnt from.",
            found=found,
            objects=objects,
            more=more,
        )
    else:
        wanted = max(1, min(count.objects, measured.learnt_from.get(name, 0)))
        reason = message(
            "The last training finds {found} of {objects}.", found=found, objects=objects
        )
    return LabelNeed(name=name, unit="objects", have=count.objects, wanted=wanted, reason=reason)


def _rule(count: LabelCount, images: int) -> tuple[int, Message]:
    if count.objects and count.side < _SMALL_SIDE:
        return _SMALL, message(
            "About {wanted} objects are needed: they are small, so each has few pixels to learn "
            "from.",
            wanted=_SMALL,
        )
    if count.objects and count.images < _RARE_SHARE * images:
        return _RARE, message(
            "About {wanted} objects are needed: few images show any, so much else may be taken for "
            "one.",
            wanted=_RARE,
        )
    return _USUAL, message(
        "About {wanted} objects are needed before a network finds any reliably.", wanted=_USUAL
    )
