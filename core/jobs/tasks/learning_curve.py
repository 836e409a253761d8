"""Train on growing parts of the training images and fit what more labels would bring."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psutil

from core.advice.label_facts import object_areas, read_label_facts
from core.advice.learning_curve import (
    FEWEST_IMAGES,
    FEWEST_OF_A_CLASS,
    LearningCurve,
    nested_order,
    part_sizes,
    read_points,
)
from core.advice.presets import Preset, suggest
from core.data.dataset_statistics import DatasetStatistics
from core.data.validation import validate_folder
from core.datasets import DataFolder, Item, open_data_folder, write_data_folder
from core.images.io import read_mask
from core.jobs.tasks.train import train_network
from core.jobs.tasks.training_setup import dataset_hash
from core.models.optimizer_choice import learning_rate
from core.prediction.inspection import background_class
from core.runs.kinds import LearningCurveSpec, TrainSpec
from core.runs.run_folder import RunFolder
from core.system.devices import DeviceInfo
from core.system.engine_devices import training_devices
from core.system.errors import InputError
from core.system.files import write_json_atomic
from core.system.messages import Message
from core.system.reporting import Reporter

_POINTS_FILE: Final = "points.json"
_PARTS_DIR: Final = "parts"
#: Share of the time that trainings get; measuring each model takes the rest.
_TRAINING: Final = 0.92
_STEPS: Final = 1000  # of progress, for each part


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """What the parts are taken from: counts of labels are (training images, classes)."""

    folder: DataFolder
    statistics: DatasetStatistics
    labels: npt.NDArray[np.int64]
    order: list[int]

    def items(self, images: int) -> list[Item]:
        """Return the first ``images`` of the order."""
        return [self.folder.subsets["train"][place] for place in self.order[:images]]

    def counts(self, images: int) -> tuple[int, ...]:
        """Return the labels of each class among them."""
        return tuple(self.labels[self.order[:images]].sum(axis=0).tolist())


def run(spec: LearningCurveSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Train on a third, two thirds and all of the training images; goes on between them.

    Returns:
        ``LearningCurve.to_dict``, ``unit`` (``objects`` or ``images``, what labels count),
        ``objects`` found by each model, the time.

    Raises:
        InputError: too few images, or data that cannot be trained on.
    """
    started = time.monotonic()
    data = _read(spec, reporter)
    sizes = part_sizes(len(data.order))
    done = _read_done(folder, data, spec)
    left = len(sizes) - len(done)
    age = time.time() - psutil.Process().create_time()
    seconds = max(1.0, (60 * spec.minutes * left / len(sizes) - age) / max(1, left) * _TRAINING)
    preset = _suggestion(spec, data, minutes=seconds / 60, reporter=reporter)
    for place, images in enumerate(sizes[len(done) :], start=len(done)):
        told = _PartReporter(reporter, place, len(sizes), seconds)
        done.append(_train_part(spec, folder, data, preset, images, told, seconds=seconds))
        write_json_atomic(
            folder.path / _POINTS_FILE, {"of": _fingerprint(data, spec), "rows": done}
        )
    curve = LearningCurve(
        labels=data.folder.labels,
        points=read_points(done),
        class_images=data.statistics.class_images["train"],
        measured_by=_measured_by(data, done[-1]),
    )
    return {
        **curve.to_dict(),
        "unit": "images" if background_class(data.folder.labels) is None else "objects",
        "objects": [row["objects"] for row in done],
        "model": preset.model,
        "minutes": spec.minutes,
        "seconds": time.monotonic() - started,
    }


def _read(spec: LearningCurveSpec, reporter: Reporter) -> _Data:
    """Look at everything; raises ``InputError`` where it is no use to begin."""
    folder = open_data_folder(spec.data_dir)
    images = len(folder.subsets.get("train", ()))
    if images < FEWEST_IMAGES:
        raise InputError(
            "A learning curve takes parts of the training images and needs at least {least} of "
            "them; there are {images}.",
            least=FEWEST_IMAGES,
            images=images,
        )
    if not folder.subsets.get("val"):
        raise InputError(
            "There are no validation images yet: split the images, so that training can be "
            "measured."
        )

    def tell(step: int, steps: int) -> None:
        reporter.check()
        reporter.progress(step, steps, stage="check")

    report = validate_folder(folder.path, progress=tell)
    for finding in report.findings:
        if finding.severity == "error":
            raise InputError(finding.message.template, **finding.message.params)
    statistics = report.statistics
    background = background_class(folder.labels)
    shown = [
        count for place, count in enumerate(statistics.class_images["train"]) if place != background
    ]
    if max(shown, default=0) < FEWEST_OF_A_CLASS:
        raise InputError(
            "A learning curve needs at least {least} training images that show the same class; "
            "label more first.",
            least=FEWEST_OF_A_CLASS,
        )
    labels = np.array(
        [
            _count(item, len(folder.labels), objects=background is not None)
            for item in folder.subsets["train"]
        ],
        np.int64,
    )
    return _Data(
        folder=folder,
        statistics=statistics,
        labels=labels,
        order=nested_order(labels, seed=spec.seed),
    )


def _count(item: Item, classes: int, *, objects: bool) -> list[int]:
    """Count the objects of each class in a mask, or whether it shows the class at all."""
    mask = read_mask(item.mask)
    present = np.bincount(mask.ravel(), minlength=256)[:classes] > 0
    if not objects:
        return [int(one) for one in present]
    return [
        len(object_areas(mask == class_id)) if present[class_id] else 0
        for class_id in range(classes)
    ]


def _suggestion(
    spec: LearningCurveSpec, data: _Data, *, minutes: float, reporter: Reporter
) -> Preset:
    kind = spec.device.partition(":")[0]
    devices = training_devices()
    device: DeviceInfo = next((one for one in devices if one.kind == kind), devices[0])
    facts = read_label_facts(
        [str(item.mask) for item in data.folder.subsets["train"]],
        len(data.folder.labels),
        read=read_mask,
        check=reporter.check,
    )
    return suggest(data.statistics, device, facts=facts, minutes=minutes, model=spec.model)


def _train_part(
    spec: LearningCurveSpec,
    folder: RunFolder,
    data: _Data,
    preset: Preset,
    images: int,
    reporter: Reporter,
    *,
    seconds: float,
) -> dict[str, Any]:
    """Train on the first images, measure, and leave nothing but the figures."""
    path = folder.path / _PARTS_DIR
    shutil.rmtree(path, ignore_errors=True)  # what an interrupted training left
    lists = path / "dataset"
    write_data_folder(
        lists,
        labels=data.folder.labels,
        subsets={
            "train": [(item.image, item.mask) for item in data.items(images)],
            "val": [(item.image, item.mask) for item in data.folder.subsets["val"]],
        },
        colors=data.folder.colors,
    )
    part = _part_spec(spec, preset, images, lists)
    result = train_network(part, RunFolder.create(path / "run", part), reporter, seconds=seconds)
    shutil.rmtree(path, ignore_errors=True)
    return {
        "images": images,
        "labels": list(data.counts(images)),
        "iou": result.get("category_iou") or [None] * len(data.folder.labels),
        "miou": result["miou"],
        "objects": _found(result.get("objects")),
        "seconds": result["seconds"],
    }


def _part_spec(spec: LearningCurveSpec, preset: Preset, images: int, lists: Path) -> TrainSpec:
    """Return the suggestion for all images, with a batch that the part fills."""
    batch = min(preset.batch_size, images)
    steps = preset.epoch_images // preset.batch_size
    return preset.spec(
        lists,
        device=spec.device,
        seed=spec.seed,
        batch_size=batch,
        epoch_images=steps * batch,
        learning_rate=learning_rate(batch, preset.optimizer),
        keep_epochs=1,
        preview_images=0,
        use_vdl=False,
    )


def _found(figures: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return how many objects of each class there are and were found."""
    names = ("name", "objects", "found", "false_alarms")
    rows: Sequence[Mapping[str, Any]] = [] if figures is None else figures["classes"]
    return [{name: row[name] for name in names} for row in rows]


def _measured_by(data: _Data, row: Mapping[str, Any]) -> tuple[int, ...]:
    """Return how many validation objects (or images) of each class there are to measure by."""
    images = data.statistics.class_images["val"]
    if background_class(data.folder.labels) is None:
        return images
    objects = {one["name"]: int(one["objects"]) for one in row["objects"]}
    return tuple(
        objects.get(name, count) for name, count in zip(data.folder.labels, images, strict=True)
    )


def _fingerprint(data: _Data, spec: LearningCurveSpec) -> str:
    return f"{dataset_hash(data.folder)} {spec.seed} {spec.minutes:g}"


def _read_done(folder: RunFolder, data: _Data, spec: LearningCurveSpec) -> list[dict[str, Any]]:
    """Return the parts that an interrupted run of this folder has behind it."""
    try:
        content = json.loads((folder.path / _POINTS_FILE).read_text(encoding="utf-8"))
        rows: list[dict[str, Any]] = content["rows"]
        known = read_points(rows) if content["of"] == _fingerprint(data, spec) else ()
    except (OSError, ValueError, KeyError, TypeError):
        return []
    sizes = part_sizes(len(data.order))
    return rows if tuple(point.images for point in known) == sizes[: len(known)] else []


class _PartReporter(Reporter):
    """Tells the trainings as one piece of work; their curves and checkpoints are not kept."""

    def __init__(self, reporter: Reporter, place: int, parts: int, seconds: float) -> None:
        self._reporter = reporter
        self._place, self._parts, self._seconds = place, parts, seconds

    def check(self) -> None:
        """Pause or stop as the whole does."""
        self._reporter.check()

    def progress(
        self,
        step: int,
        steps: int,
        *,
        stage: str = "train",
        epoch: int = 0,
        epochs: int = 0,
        eta_s: float | None = None,
        images_per_second: float | None = None,
    ) -> None:
        """``step`` of ``steps`` of one training is done; what measures afterwards tells nothing."""
        if stage != "train":
            return
        after = (self._parts - self._place - 1) * self._seconds
        self._reporter.progress(
            self._place * _STEPS + round(_STEPS * step / max(1, steps)),
            self._parts * _STEPS,
            stage="parts",
            eta_s=None if eta_s is None else eta_s + after,
            images_per_second=images_per_second,
        )

    def warn(self, message: Message) -> None:
        """Warn once: all parts have the same settings."""
        if not self._place:
            self._reporter.warn(message)
