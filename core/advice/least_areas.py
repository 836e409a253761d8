"""Least areas of rules beside what people labelled: what was labelled should not be ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.advice.label_counts import LabelCounter
from core.annotation.draft import map_classes
from core.images.io import IGNORE_INDEX
from core.project import Project
from core.system.messages import Message, message


@dataclass(frozen=True, slots=True)
class IgnoredObjects:
    """Labelled objects of a class that are smaller than its least area.

    Attributes:
        name: of the class.
        ignored: how many are smaller, at least one.
        objects: how many were looked at.
        is_sample: whether there are more.
    """

    name: str
    ignored: int
    objects: int
    is_sample: bool

    @property
    def message(self) -> Message:
        """One sentence."""
        if self.is_sample:
            return message(
                "{name}: about {percent} % of the labelled objects are smaller and would be "
                "ignored.",
                name=self.name,
                percent=max(1, round(100 * self.ignored / self.objects)),
            )
        return message(
            "{name}: {ignored} of {count} labelled {count:object is|objects are} smaller and would "
            "be ignored.",
            name=self.name,
            ignored=self.ignored,
            count=self.objects,
        )


def ignored_objects(
    project: Project,
    least: Mapping[str, float],
    counter: LabelCounter,
    *,
    check: Callable[[], None] = lambda: None,
) -> tuple[IgnoredObjects, ...]:
    """Return which classes have labelled objects that least areas would leave out.

    Looks at the labels of training and validation images, many of them where there are many.

    Args:
        project: whose labels.
        least: least areas in pixels by class name; 0 for any. Names that the project does not
            have are passed over.
        counter: remembers what it looked at.
        check: called before each mask; may raise to stop.
    """
    names = [name for name, area in least.items() if area > 1]
    ids = map_classes(names, project.labels()).table
    wanted = {
        class_id: (name, least[name])
        for name, class_id in zip(names, ids, strict=True)
        if class_id != IGNORE_INDEX
    }
    found = []
    for class_id, labelled in counter.areas(project, wanted, check=check).items():
        name, area = wanted[class_id]
        ignored = int((labelled.areas < area).sum())
        if ignored:
            found.append(IgnoredObjects(name, ignored, len(labelled.areas), labelled.is_sample))
    return tuple(found)
