"""What the model panel needs to know of a project before it can suggest settings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.services.background import Progress
from core.advice.label_facts import LabelFacts, read_label_facts
from core.data.dataset_statistics import DatasetStatistics
from core.images.io import IGNORE_INDEX
from core.models.catalog import ModelName
from core.project import ImageQuery, Project, State
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

_MOST_RUNS = 12
_TRAINABLE: tuple[State, ...] = ("labelled", "reviewed")


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run that can be continued or built upon."""

    name: str
    model: str
    last_checkpoint: Path | None
    best_model: Path | None


@dataclass(frozen=True, slots=True)
class PresetInputs:
    """Counts of the project's data, what its labels say, and earlier runs, newest first.

    ``speeds``: input pixels a second by (network, ``"cpu"`` or ``"gpu"``).
    """

    statistics: DatasetStatistics
    runs: tuple[EarlierRun, ...] = ()
    speeds: dict[tuple[ModelName, str], float] = field(default_factory=dict)
    facts: LabelFacts | None = None

    def speeds_on(self, kind: str) -> dict[ModelName, float]:
        """Return the speeds by network on one kind of device."""
        return {model: speed for (model, where), speed in self.speeds.items() if where == kind}


def read_preset_inputs(project: Project, progress: Progress) -> PresetInputs:
    """Read a project's statistics and its newest training runs; for the thread pool."""
    statistics = project.statistics(check=progress.check)
    runs = []
    speeds: dict[tuple[ModelName, str], float] = {}
    for row in project.runs("train")[:_MOST_RUNS]:
        progress.check()
        folder = RunFolder(row.folder)
        try:
            spec = folder.spec
        except InputError:  # the folder was removed by hand; the list still knows the run
            continue
        best, last = folder.best_model, folder.last_checkpoint
        if best is not None or last is not None:
            runs.append(EarlierRun(row.name, row.model, last, best))
        if isinstance(spec, TrainSpec):
            _note_speed(speeds, spec, folder)
    return PresetInputs(statistics, tuple(runs), speeds, _label_facts(project, progress))


def _label_facts(project: Project, progress: Progress) -> LabelFacts | None:
    ids = [
        image_id
        for state in _TRAINABLE
        for image_id in project.image_ids(ImageQuery(subset="train", state=state))
    ]
    labels = project.labels()
    places = np.full(256, IGNORE_INDEX, np.uint8)
    for place, label in enumerate(sorted(labels, key=lambda label: label.id)):
        places[label.id] = place

    def read(image_id: int) -> npt.NDArray[np.uint8]:
        mask = project.counted_label_map(image_id)
        return np.zeros((1, 1), np.uint8) if mask is None else places[mask]

    if not ids:
        return None
    try:
        return read_label_facts(ids, len(labels), read=read, check=progress.check)
    except InputError:  # a mask that cannot be read is said where it is needed
        return None


def _note_speed(
    speeds: dict[tuple[ModelName, str], float], spec: TrainSpec, folder: RunFolder
) -> None:
    """Keep the newest run's speed for its network and kind of device."""
    started, progress, result = folder.started, folder.progress, folder.result
    if started is None:
        return
    rate = (result or {}).get("images_per_second")
    if rate is None and progress is not None:
        rate = progress.images_per_second
    kind = "gpu" if started.device.startswith("gpu") else "cpu"
    if rate:
        speeds.setdefault((spec.model, kind), float(rate) * math.prod(spec.image_size))
