"""Measure what pruning each part of a network costs."""

from __future__ import annotations

import time
from typing import Any

from core.compression.pruning.costs import write_costs
from core.compression.pruning.layer_costs import pruning_costs
from core.compression.sensitivity.sensitivity_file import FILE_NAME
from core.datasets import open_data_folder
from core.jobs.tasks.retraining import usual_size
from core.runs.kinds import SensitivitySpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.system.reporting import Reporter

#: Width and height to count operations at where they vary: their shares hardly depend on it.
_ANY_SIZE = (512, 512)


def run(spec: SensitivitySpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Measure what pruning costs; goes on where an interrupted run of this folder ended."""
    started = time.monotonic()
    data = open_data_folder(spec.data_dir)
    model = load_model(spec.model_dir, reporter=reporter)
    width, height = usual_size(model) or _ANY_SIZE
    # At once, so that the effect of a pruning can be estimated while the analysis goes on.
    write_costs(folder.path, pruning_costs(model.net, (height, width)))
    found = model.analyze_sensitivity(
        data.dataset(spec.split, model.test_transforms),
        spec.batch_size,
        spec.criterion,
        folder.path,
        fast=spec.fast,
        reporter=reporter,
    )
    return {
        "sensitivity": str(folder.path / FILE_NAME),
        "criterion": spec.criterion,
        "fast": spec.fast,
        "groups": len(found.losses),
        "miou": found.baseline,
        "model_dir": str(spec.model_dir),
        "split": spec.split,
        "seconds": time.monotonic() - started,
    }
