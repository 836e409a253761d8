"""Predict images."""

from __future__ import annotations

import time
from typing import Any, cast

import numpy as np

from core.deploy.any_model import load_model
from core.images.io import write_mask
from core.images.palette import default_palette
from core.jobs.prediction_files import check_targets, prediction_paths
from core.prediction.image_arguments import Prediction
from core.runs.events import Started
from core.runs.kinds import PredictSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError
from core.system.files import make_folder
from core.system.reporting import Reporter


def run(spec: PredictSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Write one indexed PNG for each image into ``out_dir``.

    Files there are replaced only with ``overwrite``, or by a run that was interrupted and goes on.
    An image that cannot be predicted is named among ``failed`` and the others go on.
    """
    started = time.monotonic()
    model = load_model(spec.model_dir, device=spec.device, reporter=reporter)
    targets = prediction_paths(spec.images, spec.out_dir)
    goes_on = _attempts(folder) > 1
    check_targets(targets, spec.images, overwrite=spec.overwrite or goes_on)
    # What the model itself lacks is said once, not for each image.
    model.predict([], thresholds=spec.thresholds)
    make_folder(spec.out_dir)
    palette = model.colors or default_palette(model.num_classes)
    total = len(targets)
    files: list[str] = []
    failed: list[dict[str, str]] = []
    for done, (image, target) in enumerate(zip(spec.images, targets, strict=True)):
        reporter.check()
        reporter.progress(done, total, stage="predict", eta_s=_eta(started, done, total))
        try:
            prediction = cast(
                Prediction, model.predict(image, with_scores=False, thresholds=spec.thresholds)
            )
        except InputError as error:
            reporter.warn(error.message)
            failed.append({"image": str(image), "problem": str(error)})
            continue
        label_map = prediction["label_map"].astype(np.uint8)
        write_mask(target, label_map, palette=palette)
        files.append(str(target))
    seconds = time.monotonic() - started
    reporter.progress(total, total, stage="predict", eta_s=0.0)
    return {
        "out_dir": str(spec.out_dir),
        "images": len(files),
        "files": files,
        "failed": failed,
        "seconds": seconds,
        "images_per_second": len(files) / seconds,
    }


def _attempts(folder: RunFolder) -> int:
    return sum(isinstance(event, Started) for _, event in folder.events())


def _eta(started: float, done: int, total: int) -> float | None:
    return (time.monotonic() - started) / done * (total - done) if done else None
