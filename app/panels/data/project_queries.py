"""What the Dataset panel has done in the background; free of widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from app.panels.base import StepState, StepStatus
from app.panels.data.class_list import ClassFacts
from app.panels.data.finding_actions import concerned_images
from app.services.background import Progress
from core.annotation.image_pyramid import read_pyramid, shown
from core.data.dataset_statistics import DatasetStatistics
from core.data.validation import Finding
from core.project import ImageCounts, ImageQuery, ImageRow, LabelClass, Project
from core.project.new_labels import LEAST_IMAGES
from core.system.messages import message

_EXAMPLE_NAMES = 3
MOST_PIXELS = 40_000_000
"""What the large view shows at most: it makes copies of four bytes a pixel."""


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """Everything the panel shows about the set as a whole."""

    labels: tuple[LabelClass, ...]
    counts: ImageCounts
    statistics: DatasetStatistics
    class_images: dict[int, int]
    examples: tuple[str, ...]
    divides_itself: bool

    def class_facts(self) -> list[ClassFacts]:
        """How much of the labelled pixels each class is, and in how many images."""
        by_name = dict(zip(self.statistics.labels, self.statistics.total_pixels, strict=False))
        total = sum(by_name.values())
        return [
            ClassFacts(
                label,
                by_name.get(label.name, 0) / total if total else None,
                self.class_images.get(label.id, 0),
            )
            for label in self.labels
        ]

    def status(self) -> StepStatus:
        """Where the step Data stands."""
        subsets, states = self.counts.by_subset, self.counts.by_state
        if not self.counts.total:
            return StepStatus(StepState.NEXT, message("Import images first."))
        labelled = states["labelled"] + states["reviewed"]
        by_itself = self.divides_itself and labelled < LEAST_IMAGES
        if labelled and not by_itself and not (subsets["train"] and subsets["val"]):
            return StepStatus(StepState.NEXT, message("Split the images."))
        return StepStatus(
            StepState.DONE,
            message(
                "{images} {images:image|images}, {classes} {classes:class|classes}",
                images=f"{self.counts.total:,}",
                classes=len(self.labels),
            ),
        )


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """An image, halved until it is fit to be looked at as a whole.

    Attributes:
        row: which image.
        size: its (width, height), not halved.
        bgr: (h, w, 3) uint8.
        label_map: (h, w), or None.
    """

    row: ImageRow
    size: tuple[int, int]
    bgr: npt.NDArray[np.uint8]
    label_map: npt.NDArray[np.uint8] | None


def read_summary(project: Project, progress: Progress) -> DatasetSummary:
    """Ask the database; only masks whose regions are new are decoded."""
    return DatasetSummary(
        labels=project.labels(),
        counts=project.counts(),
        statistics=project.statistics(check=progress.check),
        class_images=project.class_counts(check=progress.check),
        examples=tuple(row.name for row in project.images(limit=_EXAMPLE_NAMES)),
        divides_itself=project.divides_itself,
    )


def find_ids(project: Project, query: ImageQuery, found: Sequence[Finding] | None) -> list[int]:
    """Return the ids of a query's images, in its order; only those that ``found`` is about."""
    ids = project.image_ids(query)
    if found is None:
        return ids
    wanted = set(concerned_images(project, found))
    return [id_ for id_ in ids if id_ in wanted]


def read_findings(
    project: Project, progress: Progress, *, compare_content: bool
) -> tuple[Finding, ...]:
    """Validate the project."""

    def tell(done: int, total: int) -> None:
        progress.report(done / max(total, 1))

    return project.findings(compare_content=compare_content, progress=tell)


def open_image(project: Project, row: ImageRow) -> Callable[[Progress], OpenedImage]:
    """Return a function that decodes an image and its mask."""

    def run(progress: Progress) -> OpenedImage:
        picture = read_pyramid(row.path)
        progress.check()
        halved, level = next(
            (number, level)
            for number, level in enumerate(picture.levels)
            if level.shape[0] * level.shape[1] <= MOST_PIXELS
        )
        bgr = shown(level, picture.default_window())
        if bgr.ndim == 2:
            bgr = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_GRAY2BGR), np.uint8)
        label_map = project.label_map(row.id)
        if label_map is not None:
            label_map = np.ascontiguousarray(label_map[:: 2**halved, :: 2**halved])
        return OpenedImage(row, picture.size, bgr, label_map)

    return run


def count_pixels(label_map: npt.NDArray[np.uint8] | None) -> dict[int, int]:
    """Return pixels by class id."""
    if label_map is None:
        return {}
    counts = np.bincount(label_map.ravel(), minlength=256)
    return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
