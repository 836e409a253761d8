"""What pruning and quantisation have in common: how they train on, and what they tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.datasets import DataFolder
from core.deploy.measurement import measure_variant
from core.jobs.tasks.best_model import finish_best_model
from core.jobs.tasks.judging import measure_and_judge
from core.jobs.tasks.training_setup import dataset_hash, eval_set, training_arguments
from core.models.model_folder import network_input_size, read_model_info, usual_input_size
from core.runs.kinds import PruneSpec, QuantizeSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.seg.segmenter import Segmenter
from core.system.errors import InputError
from core.system.reporting import Reporter
from core.training.data_checks import check_classes
from core.transforms import Compose, Normalize, Rescale, recipes

EXPORT_DIR = "export"


def measured_result(
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
        "objects": None,
        "images": None,
        "verdict": None,
        "score_offsets": None,
        "flip_test": before.flip_test and not trained,
        **trained,
    }
    if data is None or "val" not in data.subsets:
        return result
    if before.dataset_hash == dataset_hash(data):  # else it was measured on other images
        result["miou_before"] = before.score
    dataset = data.dataset("val", model.test_transforms)
    if trained and (before.flip_test or before.score_offsets is not None):
        # Training on with the same weights of classes has moved the scores back.
        result |= finish_best_model(
            best,
            dataset,
            adjust=before.score_offsets is not None,
            flip_test=before.flip_test,
            reporter=reporter,
        ).result()
        model = load_model(best, reporter=reporter)
    if spec.measure:
        variant = measure_variant(
            model,
            folder.path / EXPORT_DIR,
            dataset,
            size=own_size(model),
            reporter=reporter,
        )
        result["variant"] = variant.to_dict()
    if result["verdict"] is None:
        judgement = measure_and_judge(model, dataset, reporter=reporter)
        judgement.keep(best)
        if not trained:
            result |= judgement.metrics
        result |= judgement.result()
    return result


def retraining_arguments(
    spec: PruneSpec | QuantizeSpec,
    data: DataFolder,
    model: Segmenter,
    folder: RunFolder,
    reporter: Reporter,
) -> dict[str, Any]:
    """Return the arguments that ``train`` and ``quant_aware_train`` share."""
    size = _network_size(model, spec.image_size)
    transforms = recipes.train_transforms(
        size, spec.augmentation, image_scale=_image_scale(model, spec.image_size)
    )
    train_set = data.dataset("train", _normalized_as(model, transforms))
    val_set = eval_set(data, eval_transforms(model, spec.image_size), reporter)
    arguments = training_arguments(spec, data, train_set, val_set, save_dir=folder.path)
    return {**arguments, "reporter": reporter}


def check_data(model: Segmenter, data: DataFolder, reporter: Reporter) -> None:
    """Refuse data whose classes have other numbers than the model's; warn of other names.

    Raises:
        InputError: their number or order differs.
    """
    dataset = data.dataset(next(iter(data.subsets)), model.test_transforms)
    if (difference := check_classes(model, dataset)) is not None:
        reporter.warn(difference)


def eval_transforms(model: Segmenter, chosen: tuple[int, int] | None) -> Compose:
    """Return the model's own preprocessing, or one that leads to the chosen (width, height)."""
    if model.test_transforms is not None and chosen in (None, own_size(model)):
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
    size = chosen or usual_size(model)
    if size is None:
        raise InputError(
            "The model's preprocessing gives images of varying size: choose an image size."
        )
    return size


def _image_scale(model: Segmenter, chosen: tuple[int, int] | None) -> float | None:
    """Return what the model's preprocessing scales all images by; None where a size is chosen."""
    steps = [] if model.test_transforms is None else model.test_transforms.transforms
    factors = [step.scale for step in steps if isinstance(step, Rescale)]
    return factors[0] if factors and chosen in (None, usual_size(model)) else None


def usual_size(model: Segmenter) -> tuple[int, int] | None:
    """Return the (width, height) that costs are counted for, and that parts are trained at."""
    transforms = model.test_transforms
    return None if transforms is None else usual_input_size(transforms.to_list())


def own_size(model: Segmenter) -> tuple[int, int] | None:
    """Return the (width, height) of the network's input; None where it varies."""
    transforms = model.test_transforms
    return None if transforms is None else network_input_size(transforms.to_list())
