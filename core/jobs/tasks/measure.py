"""Export a model and measure what comes out."""

from __future__ import annotations

import time
from typing import Any

from core.datasets import open_data_folder
from core.deploy.measurement import measure_variant
from core.jobs.tasks.retraining import EXPORT_DIR, check_data
from core.runs.kinds import MeasureSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.system.reporting import Reporter


def run(spec: MeasureSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Export a model into the run folder and measure it."""
    started = time.monotonic()
    data = open_data_folder(spec.data_dir)
    model = load_model(spec.model_dir, reporter=reporter)
    check_data(model, data, reporter)
    variant = measure_variant(
        model,
        folder.path / EXPORT_DIR,
        data.dataset(spec.split, model.test_transforms),
        size=spec.image_size,
        reporter=reporter,
    )
    return {
        "variant": variant.to_dict(),
        "miou": variant.miou,
        "model_dir": str(spec.model_dir),
        "split": spec.split,
        "labels": list(model.labels),
        "seconds": time.monotonic() - started,
    }
