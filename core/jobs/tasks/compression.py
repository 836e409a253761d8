"""What jobs that compress, export and measure do. Imported in worker processes only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, TypeAlias

from core.compression.pruning.costs import write_costs
from core.compression.pruning.layer_costs import pruning_costs
from core.compression.sensitivity.sensitivity_file import FILE_NAME
from core.datasets import DataFolder, open_data_folder
from core.deploy.measurement import measure_variant
from core.deploy.model_export import export_model
from core.jobs.tasks.training_data import dataset_hash, eval_set, training_result
from core.models.model_folder import SUCCESS, network_input_size, read_model_info
from core.runs.run_folder import RunFolder
from core.runs.spec import ExportSpec, MeasureSpec, PruneSpec, QuantizeSpec, SensitivitySpec
from core.seg.loading import load_model
from core.seg.segmenter import Segmenter
from core.system.errors import InputError
from core.system.files import recover_folder
from core.system.reporting import Reporter
from core.transforms import Compose, Normalize, recipes

PRUNED_DIR = "pruned"
QUANTIZED_DIR = "quantized"
EXPORT_DIR = "export"
#: Width and height to count operations at where they vary: their shares hardly depend on it.
_ANY_SIZE = (512, 512)


CompressionSpec: TypeAlias = SensitivitySpec | PruneSpec | QuantizeSpec | ExportSpec | MeasureSpec


def run(spec: CompressionSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Do the job and return its result, a JSON object; raises as ``core.jobs.tasks.basic.run``."""
    match spec:
        case SensitivitySpec():
            return analyze_sensitivity(spec, folder, reporter)
        case PruneSpec():
            return prune(spec, folder, reporter)
        case QuantizeSpec():
            return quantize(spec, folder, reporter)
        case ExportSpec():
            return export(spec, reporter)
        case MeasureSpec():
            return measure(spec, folder, reporter)


def analyze_sensitivity(
    spec: SensitivitySpec, folder: RunFolder, reporter: Reporter
) -> dict[str, Any]:
    """Measure what pruning costs; goes on where an interrupted run of this folder ended."""
    started = time.monotonic()
    data = open_data_folder(spec.data_dir)
    model = load_model(spec.model_dir, reporter=reporter)
    width, height = _own_size(model) or _ANY_SIZE
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


def prune(spec: PruneSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Prune, train on if asked to, and measure the result where there is data."""
    started = time.monotonic()
    if spec.finetune_epochs and spec.data_dir is None:
        raise InputError("To train the pruned network on, give a data set.")
    data = None if spec.data_dir is None else open_data_folder(spec.data_dir)
    pruned = folder.path / PRUNED_DIR
    recover_folder(pruned)
    message = None
    if not (pruned / SUCCESS).exists():
        model = load_model(spec.model_dir, reporter=reporter)
        model.test_transforms = _eval_transforms(model, spec.image_size)
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
                **_training(spec, data, model, folder, reporter),
            )
        )
        best = Path(trained["best_model"])
    record = read_model_info(pruned).pruning
    if record is None:
        raise RuntimeError("a pruned model has a record of it")
    return {
        **_measured(spec, best, data, folder, reporter, trained),
        "flops_before": record.flops_before,
        "flops_after": record.flops_after,
        "parameters_before": record.parameters_before,
        "parameters_after": record.parameters_after,
        "missed": None if message is None else str(message),
        "seconds": time.monotonic() - started,
    }


def quantize(spec: QuantizeSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Quantise after training, or in training, and measure the result."""
    started = time.monotonic()
    data = open_data_folder(spec.data_dir)
    checkpoint = folder.last_checkpoint
    model = load_model(checkpoint or spec.model_dir, reporter=reporter)
    model.test_transforms = _eval_transforms(model, spec.image_size)
    calibration = data.dataset("train", model.test_transforms)
    trained: dict[str, Any] = {}
    quantized = folder.path / QUANTIZED_DIR
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
                **_training(spec, data, model, folder, reporter),
            )
        )
        best = Path(trained["best_model"])
    record = read_model_info(best).quantization
    return {
        **_measured(spec, best, data, folder, reporter, trained),
        "float_layers": [] if record is None else list(record.float_layers),
        "seconds": time.monotonic() - started,
    }


def export(spec: ExportSpec, reporter: Reporter) -> dict[str, Any]:
    """Write the files that other programs run."""
    model = load_model(spec.model_dir, reporter=reporter)
    reporter.progress(0, 1, stage="export")
    result = export_model(model, spec.out_dir, size=spec.image_size)
    return {
        "export_dir": str(spec.out_dir),
        "files": [str(file) for file in result.files],
        "size_bytes": result.size_bytes,
        "format": spec.format,
        "model_dir": str(spec.model_dir),
    }


def measure(spec: MeasureSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Export a model into the run folder and measure it."""
    started = time.monotonic()
    data = open_data_folder(spec.data_dir)
    model = load_model(spec.model_dir, reporter=reporter)
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


def _measured(
    spec: PruneSpec | QuantizeSpec,
    best: Path,
    data: DataFolder | None,
    folder: RunFolder,
    reporter: Reporter,
    trained: dict[str, Any],
) -> dict[str, Any]:
    """Return what is common to the results: the model folder, its metrics, its measurements."""
    model = load_model(best, reporter=reporter)
    before = read_model_info(spec.model_dir)
    result: dict[str, Any] = {
        "model_dir": str(best),
        "miou": None,
        "miou_before": None,
        "labels": list(model.labels),
        "variant": None,
        **trained,
    }
    if data is None or "val" not in data.subsets:
        return result
    if before.dataset_hash == dataset_hash(data):  # else it was measured on other images
        result["miou_before"] = before.score
    dataset = data.dataset("val", model.test_transforms)
    if spec.measure:
        variant = measure_variant(
            model,
            folder.path / EXPORT_DIR,
            dataset,
            size=_own_size(model),
            reporter=reporter,
        )
        result["variant"] = variant.to_dict()
    if not trained:
        metrics = model.evaluate(dataset, reporter=reporter)
        result |= metrics if isinstance(metrics, dict) else {}
    return result


def _training(
    spec: PruneSpec | QuantizeSpec,
    data: DataFolder,
    model: Segmenter,
    folder: RunFolder,
    reporter: Reporter,
) -> dict[str, Any]:
    """Return the arguments that ``train`` and ``quant_aware_train`` share."""
    size = _network_size(model, spec.image_size)
    train_set = data.dataset(
        "train",
        _normalized_as(model, recipes.train_transforms(size, spec.augmentation)),
    )
    train_set.shuffle = True
    val_set = eval_set(data, _eval_transforms(model, spec.image_size), reporter)
    for dataset in (train_set, val_set):
        if dataset is not None:
            dataset.num_workers = spec.num_workers
    return {
        "train_dataset": train_set,
        "train_batch_size": spec.batch_size,
        "eval_dataset": val_set,
        "save_interval_epochs": spec.save_interval_epochs,
        "log_interval_steps": spec.log_interval_steps,
        "save_dir": folder.path,
        "learning_rate": spec.learning_rate,
        "lr_decay_power": spec.lr_decay_power,
        "early_stop": spec.early_stop,
        "early_stop_patience": spec.early_stop_patience,
        "use_vdl": spec.use_vdl,
        "reporter": reporter,
        "seed": spec.seed,
        "class_weights": None if spec.class_weights == "none" else spec.class_weights,
        "preview_images": spec.preview_images,
        "keep_epochs": spec.keep_epochs,
        "device": spec.device,
        "colors": data.colors,
        "dataset_hash": dataset_hash(data),
    }


def _eval_transforms(model: Segmenter, chosen: tuple[int, int] | None) -> Compose:
    """Return the model's own preprocessing, or one that leads to the chosen (width, height)."""
    if model.test_transforms is not None and chosen in (None, _own_size(model)):
        return model.test_transforms
    return _normalized_as(model, recipes.eval_transforms(_network_size(model, chosen)))


def _normalized_as(model: Segmenter, transforms: Compose) -> Compose:
    """Return ``transforms`` with the normalisation that the model was trained with."""
    own = [] if model.test_transforms is None else model.test_transforms.transforms
    wanted = [step for step in own if isinstance(step, Normalize)]
    if len(wanted) != 1:
        return transforms
    return Compose(
        [wanted[0] if isinstance(step, Normalize) else step for step in transforms.transforms]
    )


def _network_size(model: Segmenter, chosen: tuple[int, int] | None) -> tuple[int, int]:
    """Return the (width, height) to train with: the chosen one or the model's own."""
    size = chosen or _own_size(model)
    if size is None:
        raise InputError(
            "The model's preprocessing gives images of varying size: choose an image size."
        )
    return size


def _own_size(model: Segmenter) -> tuple[int, int] | None:
    """Return the (width, height) of the network's input; None where it varies."""
    transforms = model.test_transforms
    return None if transforms is None else network_input_size(transforms.to_list())
