"""What jobs that train have in common: data sets, arguments and results."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from core.datasets import DataFolder, SegDataset
from core.project.data_folder import read_revision_hash
from core.runs.spec import TrainingFields
from core.system.messages import message
from core.system.reporting import Reporter
from core.training.train_options import TrainResult
from core.transforms import Compose

#: Fields of a spec that ``train`` does not take under their name.
_OWN: Final = {
    "kind",
    "batch_size",
    "image_size",
    "image_scale",
    "class_weights",
    "augmentation",
    "num_workers",
}


def dataset_hash(data: DataFolder) -> str:
    """The revision's hash, or for a folder that is none, one over its classes and lists."""
    if revision := read_revision_hash(data.path):
        return revision
    digest = hashlib.sha256("\n".join(data.labels).encode())
    for split, items in sorted(data.subsets.items()):
        for item in items:
            digest.update(f"\n{split}\t{item.image}\t{item.mask}".encode())
    return digest.hexdigest()


def eval_set(data: DataFolder, transforms: Compose, reporter: Reporter) -> SegDataset | None:
    """Return the validation images; warn and return None where there are none."""
    if "val" in data.subsets:
        return data.dataset("val", transforms)
    reporter.warn(
        message(
            "{folder} has no val_list.txt: training goes without measuring, and there is no best "
            "model.",
            folder=data.path,
        )
    )
    return None


def training_arguments(
    spec: TrainingFields,
    data: DataFolder,
    train_set: SegDataset,
    val_set: SegDataset | None,
    *,
    save_dir: Path,
) -> dict[str, Any]:
    """Return the arguments of ``train`` that the fields common to all trainings set.

    The data sets are made ready: training images shuffled, loaded as the spec says.
    """
    train_set.shuffle = True
    for dataset in (train_set, val_set):
        if dataset is not None:
            dataset.num_workers = spec.num_workers
    options = {
        name: getattr(spec, name) for name in TrainingFields.model_fields if name not in _OWN
    }
    return {
        **options,
        "train_dataset": train_set,
        "train_batch_size": spec.batch_size,
        "eval_dataset": val_set,
        "save_dir": save_dir,
        "class_weights": None if spec.class_weights == "none" else spec.class_weights,
        "colors": data.colors,
        "dataset_hash": dataset_hash(data),
    }


def training_result(result: TrainResult) -> dict[str, Any]:
    """Return the part of a job's result that a training gives: folders, speed, best metrics."""
    return {
        "best_model": str(result.best_model or result.last_model),
        "last_model": str(result.last_model),
        "best_epoch": result.best_epoch,
        "epochs": result.epochs,
        "stopped_early": result.stopped_early,
        "images_per_second": result.images_per_second,
        "seconds": result.seconds,
        "miou": None,  # nothing was measured, or nothing could be
        **(result.metrics or {}),
    }
