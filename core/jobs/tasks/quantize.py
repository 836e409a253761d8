"""Make a network compute in 8 bits."""

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
from core.runs.kinds import QuantizeSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.system.files import recover_folder
from core.system.reporting import Reporter

_QUANTIZED_DIR = "quantized"


def run(spec: QuantizeSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Quantise after training, or in training, and measure the result."""
    started = time.monotonic()
    data = open_data_folder(spec.data_dir)
    checkpoint = folder.last_checkpoint
    model = load_model(checkpoint or spec.model_dir, reporter=reporter)
    check_data(model, data, reporter)
    model.test_transforms = eval_transforms(model, spec.image_size)
    calibration = data.dataset("train", model.test_transforms)
    trained: dict[str, Any] = {}
    quantized = folder.path / _QUANTIZED_DIR
    recover_folder(quantized)
    goes_on = checkpoint is not None or (spec.epochs and model.status == "Quantized")
    if goes_on:
        quantized = Path(checkpoint or spec.model_dir)
    elif not (quantized / SUCCESS).exists():
        model.quantize_post_training(
            calibration,
            images=spec.calibration_images,
            method=spec.method,
            quant_config=spec.quant_config,
            # In training the layers that suffer adapt themselves.
            float_layers=None if spec.epochs and spec.float_layers == "auto" else spec.float_layers,
            save_dir=quantized,
            reporter=reporter,
        )
    else:
        model = load_model(quantized, reporter=reporter)
    best = quantized
    if spec.epochs:
        trained = training_result(
            model.quant_aware_train(
                spec.epochs,
                quant_config=spec.quant_config,
                resume_checkpoint=checkpoint,
                **retraining_arguments(spec, data, model, folder, reporter),
            )
        )
        best = Path(trained["best_model"])
    record = read_model_info(best).quantization
    return {
        **measured_result(spec, best, data, folder, reporter, trained),
        "float_layers": [] if record is None else list(record.float_layers),
        "seconds": time.monotonic() - started,
    }
