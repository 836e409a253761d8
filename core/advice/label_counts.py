"""How many objects of each class a project's masks show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.advice.label_facts import object_areas, usual_side
from core.project import Project
from core.system.errors import InputError

#: Masks of one class that are looked at, evenly spread: whoever shows so many has labels enough.
_MOST_MASKS: Final = 60

_Areas = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelCount:
    """What there is of a class to learn from.

    Attributes:
        images: that show it.
        objects: connected parts; scaled up where not every mask was looked at.
        side: square root of the usual area, as a share of the image's shorter side (0 … 1).
    """

    images: int = 0
    objects: int = 0
    side: float = 0.0


class LabelCounter:
    """Counts objects in masks; a mask never changes, so each is looked at once.

    Not for several threads at a time.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[dict[int, _Areas], int]] = {}
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
        ids = tuple(label.id for label in project.labels())
        if ids != self._classes:  # a deleted class reads as another one
            self._known, self._classes = {}, ids
        shown = project.shown_classes(revision_id=revision_id)
        return {
            class_id: self._of_class(project, class_id, shown.get(class_id, ()), check)
            for class_id in ids
        }

    def _of_class(
        self,
        project: Project,
        class_id: int,
        hashes: list[str] | tuple[()],
        check: Callable[[], None],
    ) -> LabelCount:
        places = np.linspace(0, len(hashes) - 1, min(_MOST_MASKS, len(hashes))).round().astype(int)
        areas: list[int] = []
        shares: list[float] = []
        for place in places.tolist():
            check()
            found, shorter = self._look(project, hashes[place])
            own = found.get(class_id)
            if own is not None:
                areas += own.tolist()
                shares += [usual_side(own.tolist()) / shorter]
        scale = len(hashes) / max(1, len(places))
        side = float(np.median(shares)) if shares else 0.0
        return LabelCount(len(hashes), round(len(areas) * scale), side)

    def _look(self, project: Project, mask_hash: str) -> tuple[dict[int, _Areas], int]:
        known = self._known.get(mask_hash)
        if known is None:
            try:
                mask = project.mask(mask_hash)
            except InputError:  # said where it is needed
                return {}, 1
            present = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[:255])
            found = {
                int(class_id): np.array(object_areas(mask == class_id), np.int64)
                for class_id in present
                if class_id in self._classes
            }
            known = self._known[mask_hash] = found, max(1, min(mask.shape))
        return known
