"""Judging the images that a model was tried on, again and again while the rules change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.portable.cleaning import InspectedArea
from core.portable.deciding import Decision
from core.portable.objects import FoundObject
from core.portable.rejudging import MeasuredImage
from core.portable.settings import Settings
from core.project.project import Project
from core.project.rows import ImageQuery, ImageRow
from core.runs.trial_files import TrialFiles, TrialRecord
from core.system.errors import InputError

_EVERYTHING: Final = InspectedArea()


@dataclass(frozen=True, slots=True)
class JudgedRecord:
    """An image that was tried, and what is said of it.

    Attributes:
        record: the image.
        label_map: its label map's file.
        decision: what becomes of it; None where it could not be predicted or read.
        objects: what was found.
        problem: why there is no decision.
    """

    record: TrialRecord
    label_map: Path
    decision: Decision | None
    objects: tuple[FoundObject, ...] = ()
    problem: str = ""


class TrialJudge:
    """Keeps what was found in each image, so that other rules are tried in milliseconds.

    Not for use from several threads at once.

    Args:
        run_dir: folder of the run that tried the model.
        labels: the model's class names.
        background: class id of which no objects are made, or None.
    """

    def __init__(self, run_dir: Path, labels: Sequence[str], background: int | None) -> None:
        self.files = TrialFiles(run_dir)
        self._labels = tuple(labels)
        self._background = background
        self._measured: dict[int, MeasuredImage] = {}

    def judge(
        self, settings: Settings, check: Callable[[], None] = lambda: None
    ) -> list[JudgedRecord]:
        """Judge every image that was tried so far.

        Args:
            settings: what decides; thresholds are those that the model was tried with.
            check: called between images; may raise to give up.

        Raises:
            PortableError: a setting does not fit.
            InputError: the results cannot be read.
        """
        settings.check()
        judged = []
        for record in self.files.records():
            check()
            judged.append(self._judge(record, settings))
        return judged

    def _judge(self, record: TrialRecord, settings: Settings) -> JudgedRecord:
        file = self.files.label_map_file(record.index)
        if record.problem:
            return JudgedRecord(record, file, None, problem=record.problem)
        try:
            decision, objects = self._image(record.index).judge(settings)
        except InputError as error:
            return JudgedRecord(record, file, None, problem=str(error))
        return JudgedRecord(record, file, decision, tuple(objects))

    def _image(self, index: int) -> MeasuredImage:
        if index not in self._measured:
            label_map = self.files.label_map(index)
            confidence = self.files.confidence(index)
            scores = None
            if confidence is not None:  # of a pixel, only the score of its own class is asked for
                shape = (*label_map.shape, len(self._labels))
                scores = np.broadcast_to(confidence[..., None], shape)
            self._measured[index] = MeasuredImage(
                label_map, scores, labels=self._labels, background=self._background
            )
        return self._measured[index]


class LabelledDefects:
    """What the labels of the validation images say; masks are read where only a part counts.

    Not for use from several threads at once.

    Args:
        project: whose images.
        background: name of the class that means "nothing here"; None: every class is something.
    """

    def __init__(self, project: Project, background: str | None) -> None:
        self._project = project
        self._background = None if background is None else background.strip().lower()
        self._key: tuple[InspectedArea, list[int]] | None = None
        self._inside: dict[str, bool] = {}

    def find(
        self, area: InspectedArea = _EVERYTHING, check: Callable[[], None] = lambda: None
    ) -> dict[Path, bool]:
        """Return, of the labelled images, whether their labels name a defect in what is inspected.

        Args:
            area: what is inspected.
            check: called between images; may raise to give up.

        Raises:
            PortableError: a file of the area is of another size.
        """
        project = self._project
        rows = [
            row for row in project.images(ImageQuery(subset="val")) if row.mask_hash is not None
        ]
        classes = [
            label.id
            for label in project.labels()
            if self._background is None or label.name.strip().lower() != self._background
        ]
        if (area, classes) != self._key:
            self._key, self._inside = (area, classes), {}
        found: set[int] = set()
        for class_id in classes:
            found.update(project.image_ids(ImageQuery(subset="val", class_id=class_id)))
        defects = {}
        for row in rows:
            check()
            defects[row.path] = row.id in found and self._is_inspected(row, classes, area)
        return defects

    def _is_inspected(self, row: ImageRow, classes: Sequence[int], area: InspectedArea) -> bool:
        """Return whether any of the classes lies in the area."""
        if area == _EVERYTHING or row.mask_hash is None:
            return True
        if row.mask_hash not in self._inside:
            mask = self._project.label_map(row.id)
            included = None if mask is None else area.included((mask.shape[0], mask.shape[1]))
            inside = mask is None or included is None or np.isin(mask[included], classes).any()
            self._inside[row.mask_hash] = bool(inside)
        return self._inside[row.mask_hash]
