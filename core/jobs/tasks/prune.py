"""Make a smaller network from a trained one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from core.datasets import open_data_folder
from core.jobs.tasks.retraining import (
    check_data,
    eval_transforms,
    measured_result,
    retraining_arguments,
)
from core.jobs.tasks.training_setup import training_result
from core.models.model_folder import SUCCESS, read_model_info
from core.runs.kinds import PruneSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.system.errors import InputError
from core.system.files import recover_folder
from core.system.reporting import Reporter

_PRUNED_DIR = "pruned"


def run(spec: PruneSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Prune, train on if asked to, and measure the result where there is data."""
    started = time.monotonic()
    if spec.finetune_epochs and spec.data_dir is None:
        raise InputError("To train the pruned network on, give a data set.")
    data = None if spec.data_dir is None else open_data_folder(spec.data_dir)
    pruned = folder.path / _PRUNED_DIR
    recover_folder(pruned)
    message = None
    if not (pruned / SUCCESS).exists():
        model = load_model(spec.model_dir, reporter=reporter)
        if data is not None:
            check_data(model, data, reporter)
        model.test_transforms = eval_transforms(model, spec.image_size)
        reporter.progress(0, 1, stage="prune")
        result = model.prune(
            spec.flops,
            pruned,
            strategy=spec.strategy,
            criterion=spec.criterion,
            sensitivities=spec.sensitivity,
            image_size=spec.image_size,
            reporter=reporter,
        )
        message = result.missed
    trained: dict[str, Any] = {}
    best = pruned
    if data is not None and spec.finetune_epochs:
        checkpoint = folder.last_checkpoint
        model = load_model(checkpoint or pruned, reporter=reporter)
        trained = training_result(
            model.train(
                spec.finetune_epochs,
                pretrain_weights=None,
                resume_checkpoint=checkpoint,
                **retraining_arguments(spec, data, model, folder, reporter),
            )
        )
        best = Path(trained["best_model"])
    record = read_model_info(pruned).pruning
    if record is None:
        raise RuntimeError("a pruned model has a record of it")
    return {
        **measured_result(spec, best, data, folder, reporter, trained),
        "flops_before": record.flops_before,
        "flops_after": record.flops_after,
        "parameters_before": record.parameters_before,
        "parameters_after": record.parameters_after,
        "missed": None if message is None else str(message),
        "seconds": time.monotonic() - started,
    }
