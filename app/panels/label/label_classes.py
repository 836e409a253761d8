"""The project's classes as the Labelling panel shows them."""

from __future__ import annotations

from collections.abc import Sequence

from app.look.translation import tr
from core.images.io import IGNORE_INDEX
from core.images.palette import Color, default_palette
from core.project import LabelClass


class LabelClasses:
    """What the parts of the panel know of the classes.

    Attributes:
        labels: in the order of the list.
        colors: theirs by id.
    """

    def __init__(self) -> None:
        self.labels: tuple[LabelClass, ...] = ()
        self.colors: list[Color] = default_palette(1)

    def set_labels(self, labels: Sequence[LabelClass]) -> None:
        """The project has these now."""
        self.labels = tuple(labels)
        self.colors = default_palette(max(self.ids, default=0) + 1)
        for label in labels:
            self.colors[label.id] = label.color

    @property
    def ids(self) -> list[int]:
        """The ids in the order of the list."""
        return [label.id for label in self.labels]

    @property
    def paintable(self) -> list[int]:
        """What can be painted: the classes, and at the end "don't care" (255) beside them."""
        return [*self.ids, IGNORE_INDEX] if self.labels else []

    def name(self, class_id: int) -> str:
        """Return a class's name; the id of one that is not in the list."""
        if class_id == IGNORE_INDEX:
            return tr("Don't care")
        return next((label.name for label in self.labels if label.id == class_id), str(class_id))
