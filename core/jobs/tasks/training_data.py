"""What jobs that train have in common: their data sets and their results. Worker processes only."""

from __future__ import annotations

import hashlib
from typing import Any

from core.datasets import DataFolder, SegDataset
from core.project.data_folder import read_revision_hash
from core.system.messages import message
from core.system.reporting import Reporter
from core.training.train_options import TrainResult
from core.transforms import Compose


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
        **(result.metrics or {}),
    }
