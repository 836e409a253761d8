"""Try a model on images, so that what they are judged by can be chosen afterwards."""

from __future__ import annotations

import time
from typing import Any, cast

import numpy as np

from core.deploy.any_model import load_model
from core.images.palette import default_palette
from core.prediction.image_arguments import Prediction
from core.runs.kinds import TrialSpec
from core.runs.run_folder import RunFolder
from core.runs.trial_files import TrialFiles, TrialRecord
from core.system.errors import InputError
from core.system.reporting import Reporter


def run(spec: TrialSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Predict every image; goes on behind the last one that an interrupted run finished.

    The run folder gets what ``core.runs.trial_files`` describes. An image that cannot be predicted
    is noted there with the reason and the others go on.
    """
    started = time.monotonic()
    model = load_model(spec.model_dir, device=spec.device, reporter=reporter)
    files = TrialFiles(folder.path)
    # What the model itself lacks is said once, not for each image.
    model.predict([], thresholds=spec.thresholds)
    palette = tuple(model.colors or default_palette(model.num_classes))
    known = {record.index: record for record in files.records()}
    before, total = len(known), len(spec.images)
    for index, image in enumerate(spec.images):
        if index in known:
            continue
        reporter.check()
        done = len(known)
        seconds = time.monotonic() - started
        eta = None if done == before else seconds / (done - before) * (total - done)
        reporter.progress(done, total, stage="predict", eta_s=eta)
        record = TrialRecord(index, image)
        try:
            prediction = cast(Prediction, model.predict(image, thresholds=spec.thresholds))
        except InputError as error:
            reporter.warn(error.message)
            record = TrialRecord(index, image, str(error))
            files.write(record)
        else:
            label_map = prediction["label_map"].astype(np.uint8)
            chosen = np.take_along_axis(prediction["score_map"], label_map[..., None], axis=-1)
            files.write(record, label_map=label_map, confidence=chosen[..., 0], palette=palette)
        known[index] = record
    reporter.progress(total, total, stage="predict", eta_s=0.0)
    failed = [record for record in known.values() if record.problem]
    return {
        "model_dir": str(spec.model_dir),
        "labels": list(model.labels),
        "images": total - len(failed),
        "failed": [{"image": str(one.image), "problem": one.problem} for one in failed],
        "seconds": time.monotonic() - started,
    }
