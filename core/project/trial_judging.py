"""Judging the images that a model was tried on, again and again while the rules change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.portable.deciding import Decision
from core.portable.objects import FoundObject
from core.portable.rejudging import MeasuredImage
from core.portable.settings import Settings
from core.project.project import Project
from core.project.rows import ImageQuery
from core.runs.trial_files import TrialFiles, TrialRecord
from core.system.errors import InputError


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


def labelled_defects(project: Project, background: str | None) -> dict[Path, bool]:
    """Return, of the labelled validation images, whether their labels name a defect.

    Args:
        project: whose images.
        background: name of the class that means "nothing here"; None: every class is something.
    """
    rows = [row for row in project.images(ImageQuery(subset="val")) if row.mask_hash is not None]
    found: set[int] = set()
    for label in project.labels():
        if background is None or label.name.strip().lower() != background.strip().lower():
            found.update(project.image_ids(ImageQuery(subset="val", class_id=label.id)))
    return {row.path: row.id in found for row in rows}
