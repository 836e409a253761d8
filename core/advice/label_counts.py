"""How many objects of each class a project's masks show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.advice.label_facts import object_areas, usual_side
from core.project import Project
from core.project.rows import CountedMask
from core.system.errors import InputError

#: Masks of one class that are looked at, evenly spread: whoever shows so many has labels enough.
_MOST_MASKS: Final = 60

_Areas = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelCount:
    """What there is of a class to learn from.

    Attributes:
        images: that show it where labels count; scaled up where not every mask was looked at.
        objects: connected parts, scaled up alike.
        side: square root of the usual area, as a share of the image's shorter side (0 … 1).
    """

    images: int = 0
    objects: int = 0
    side: float = 0.0


@dataclass(frozen=True, slots=True)
class LabelledAreas:
    """How large the labelled objects of a class are.

    Attributes:
        areas: of each, (objects,) int64 pixels.
        is_sample: whether not every mask that shows the class was looked at.
    """

    areas: npt.NDArray[np.int64]
    is_sample: bool


class LabelCounter:
    """Counts objects in masks; a mask never changes, so each is looked at once.

    Not for several threads at a time.
    """

    def __init__(self) -> None:
        self._known: dict[CountedMask, tuple[dict[int, _Areas], int]] = {}
        self._classes: tuple[int, ...] = ()

    def count(
        self,
        project: Project,
        *,
        revision_id: int | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> dict[int, LabelCount]:
        """Return the counts by class id, of all classes of the project.

        Args:
            project: whose masks.
            revision_id: count those that a run learnt from; None: those that the next one would.
            check: called before each mask; may raise to stop.
        """
        ids = self._know_classes(project)
        shown = project.shown_masks(revision_id=revision_id)
        return {
            class_id: self._of_class(project, class_id, shown.get(class_id, ()), check)
            for class_id in ids
        }

    def areas(
        self,
        project: Project,
        class_ids: Iterable[int],
        *,
        check: Callable[[], None] = lambda: None,
    ) -> dict[int, LabelledAreas]:
        """Return the areas of the objects that training and validation images show.

        Args:
            project: whose masks.
            class_ids: classes of the project.
            check: called before each mask; may raise to stop.
        """
        self._know_classes(project)
        shown = project.shown_masks(validation=True)
        found = {}
        for class_id in class_ids:
            masks = shown.get(class_id, ())
            places = _spread(len(masks))
            own = [np.zeros(0, np.int64)]
            for place in places:
                check()
                looked = self._look(project, masks[place])
                if looked is not None and class_id in looked[0]:
                    own.append(looked[0][class_id])
            found[class_id] = LabelledAreas(np.concatenate(own), len(places) < len(masks))
        return found

    def _know_classes(self, project: Project) -> tuple[int, ...]:
        """Return the project's class ids; forget what was counted when they were others."""
        ids = tuple(label.id for label in project.labels())
        if ids != self._classes:  # a deleted class reads as another one
            self._known, self._classes = {}, ids
        return ids

    def _of_class(
        self,
        project: Project,
        class_id: int,
        masks: Sequence[CountedMask],
        check: Callable[[], None],
    ) -> LabelCount:
        places = _spread(len(masks))
        images = 0
        areas: list[int] = []
        shares: list[float] = []
        for place in places:
            check()
            looked = self._look(project, masks[place])
            if looked is None:
                images += 1  # of a lost mask nothing but its classes is known
                continue
            found, shorter = looked
            own = found.get(class_id)
            if own is not None:
                images += 1
                areas += own.tolist()
                shares += [usual_side(own.tolist()) / shorter]
        scale = len(masks) / max(1, len(places))
        side = float(np.median(shares)) if shares else 0.0
        return LabelCount(round(images * scale), round(len(areas) * scale), side)

    def _look(self, project: Project, counted: CountedMask) -> tuple[dict[int, _Areas], int] | None:
        known = self._known.get(counted)
        if known is None:
            try:
                mask = project.counted_mask(counted)
            except InputError:  # said where it is needed
                return None
            present = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[:255])
            found = {
                int(class_id): np.array(object_areas(mask == class_id), np.int64)
                for class_id in present
                if class_id in self._classes
            }
            known = self._known[counted] = found, max(1, min(mask.shape))
        return known


def _spread(count: int) -> list[int]:
    """Return which of so many masks are looked at."""
    places = np.linspace(0, count - 1, min(_MOST_MASKS, count)).round().astype(int)
    return [int(place) for place in places]
