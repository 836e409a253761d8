"""What each kind of job does. Imported in worker processes only: it brings the engine in."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from core.datasets import SegDataset, open_data_folder
from core.images.io import write_mask
from core.images.palette import Color, default_palette
from core.jobs.predictions import check_targets, prediction_paths
from core.jobs.tasks.prelabel import prelabel
from core.jobs.tasks.training_data import dataset_hash as dataset_hash
from core.jobs.tasks.training_data import eval_set, training_result
from core.prediction.inspection import score_image
from core.prediction.metrics import metrics_from_matrix
from core.prediction.paddle_predictor import ImageEvaluation, LabelMap, select_device
from core.runs.events import Started
from core.runs.run_folder import RunFolder
from core.runs.spec import EvaluateSpec, JobSpec, PredictSpec, PrelabelSpec, TrainSpec
from core.seg import create
from core.seg.loading import load_model
from core.seg.segmenter import Prediction, Segmenter
from core.system.errors import InputError
from core.system.files import make_folder, write_json_atomic
from core.system.reporting import Reporter
from core.training import distributed
from core.transforms import recipes

METRICS_FILE = "metrics.json"
PER_IMAGE_FILE = "per_image.json"
PREDICTIONS_DIR = "predictions"
_MASK_SUFFIX = ".png"


def choose_device(device: str) -> str:
    """Make the engine compute on ``device``; return its full name.

    Raises:
        InputError: there is no such device.
    """
    return select_device(device)


def run(spec: JobSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Do the job and return its result, a JSON object.

    Raises:
        InputError: the job's input cannot be used.
        StopRequested: ``reporter`` asked for the end.
    """
    match spec:
        case TrainSpec():
            return train(spec, folder, reporter)
        case EvaluateSpec():
            return evaluate(spec, folder, reporter)
        case PredictSpec():
            return predict(spec, folder, reporter)
        case PrelabelSpec():
            return prelabel(spec, folder, reporter)
        case _:
            # Brings in PaddleSlim and ONNX, which nothing else needs.
            from core.jobs.tasks import compression as compression_tasks

            return compression_tasks.run(spec, folder, reporter)


def train(spec: TrainSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Train a network, or go on with the training that this run folder holds.

    Returns:
        ``best_model`` and ``last_model`` (folders), all metrics of the best evaluation, speed.
    """
    data = open_data_folder(spec.data_dir)
    train_set = data.dataset("train", recipes.train_transforms(spec.image_size, spec.augmentation))
    train_set.shuffle = True
    val_set = eval_set(data, recipes.eval_transforms(spec.image_size), reporter)
    for dataset in (train_set, val_set):
        if dataset is not None:
            dataset.num_workers = spec.num_workers
    ranks = distributed.join(spec.device)
    checkpoint = folder.last_checkpoint or spec.resume
    resume = ranks.share(None if checkpoint is None else str(checkpoint))
    model = create(
        spec.model,
        seed=spec.seed,
        num_classes=len(data.labels),
        use_mixed_loss=spec.use_mixed_loss,
        **spec.model_params,
    )
    result = model.train(
        spec.epochs,
        train_set,
        spec.batch_size,
        val_set,
        save_interval_epochs=spec.save_interval_epochs,
        log_interval_steps=spec.log_interval_steps,
        save_dir=folder.path,
        pretrain_weights=None if resume else spec.pretrain_weights,
        optimizer=spec.optimizer,
        learning_rate=spec.learning_rate,
        lr_decay_power=spec.lr_decay_power,
        early_stop=spec.early_stop,
        early_stop_patience=spec.early_stop_patience,
        use_vdl=spec.use_vdl,
        resume_checkpoint=resume,
        reporter=reporter,
        seed=spec.seed,
        class_weights=None if spec.class_weights == "none" else spec.class_weights,
        preview_images=spec.preview_images,
        keep_epochs=spec.keep_epochs,
        device=spec.device,
        colors=data.colors,
        dataset_hash=dataset_hash(data),
        accumulate_steps=spec.accumulate_steps,
        amp=spec.amp,
        ema_decay=spec.ema_decay,
        deterministic=spec.deterministic,
    )
    return {
        **training_result(result),
        "resumed_from": resume,
        "labels": list(data.labels),
    }


def evaluate(spec: EvaluateSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Measure a model on a subset; the run folder gets ``metrics.json`` and ``per_image.json``.

    The rows of ``per_image.json`` stand worst first. With ``save_masks``, ``predictions/`` gets
    each predicted label map.
    """
    started = time.monotonic()
    data = open_data_folder(spec.data_dir)
    model = load_model(spec.model_dir, reporter=reporter)
    dataset = data.dataset(spec.split, model.test_transforms)
    rows: list[dict[str, Any]] = []
    confusion = np.zeros((model.num_classes, model.num_classes), np.int64)

    def on_image(image: ImageEvaluation, label_map: LabelMap) -> None:
        confusion[:] += image.confusion
        saved = None
        if spec.save_masks:
            saved = folder.path / PREDICTIONS_DIR / f"{image.index:06d}{_MASK_SUFFIX}"
            write_mask(saved, label_map, palette=_palette(model))
        rows.append(_row(image, dataset, saved, folder.path))

    if spec.save_masks:
        (folder.path / PREDICTIONS_DIR).mkdir(exist_ok=True)
    model.evaluate(dataset, reporter=reporter, on_image=on_image)
    rows.sort(key=lambda row: (row["miou"] is None, row["miou"] or 0.0, -row["wrong_pixels"]))
    seconds = time.monotonic() - started
    result = {
        **metrics_from_matrix(confusion),
        "images": len(dataset),
        "seconds": seconds,
        "images_per_second": len(dataset) / seconds,
        "split": spec.split,
        "labels": list(model.labels),
        "model_dir": str(spec.model_dir),
    }
    write_json_atomic(
        folder.path / METRICS_FILE, {**result, "confusion_matrix": confusion.tolist()}
    )
    write_json_atomic(folder.path / PER_IMAGE_FILE, rows)
    return result


def predict(spec: PredictSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Write one indexed PNG for each image into ``out_dir``.

    Files there are replaced only with ``overwrite``, or by a run that was interrupted and goes on.
    An image that cannot be predicted is named among ``failed`` and the others go on.
    """
    started = time.monotonic()
    model = load_model(spec.model_dir, reporter=reporter)
    targets = prediction_paths(spec.images, spec.out_dir)
    goes_on = _attempts(folder) > 1
    check_targets(targets, spec.images, overwrite=spec.overwrite or goes_on)
    model.predict([])  # what the model itself lacks is said once, not for each image
    make_folder(spec.out_dir)
    total = len(targets)
    files: list[str] = []
    failed: list[dict[str, str]] = []
    for done, (image, target) in enumerate(zip(spec.images, targets, strict=True)):
        reporter.check()
        reporter.progress(done, total, stage="predict", eta_s=_eta(started, done, total))
        try:
            prediction = cast(Prediction, model.predict(image, with_scores=False))
        except InputError as error:
            reporter.warn(error.message)
            failed.append({"image": str(image), "problem": str(error)})
            continue
        label_map = prediction["label_map"].astype(np.uint8)
        write_mask(target, label_map, palette=_palette(model))
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


def _row(
    image: ImageEvaluation, dataset: SegDataset, saved: Path | None, run_dir: Path
) -> dict[str, Any]:
    image_path, mask_path = dataset.raw(image.index)
    score = asdict(
        score_image(
            image.confusion,
            image=Path(image_path),
            label=Path(mask_path),
            prediction=saved or Path(),
        )
    )
    return {
        "image": str(image_path),
        "mask": str(mask_path),
        "prediction": None if saved is None else saved.relative_to(run_dir).as_posix(),
        "miou": score["miou"],
        "accuracy": score["accuracy"],
        "iou": metrics_from_matrix(image.confusion)["category_iou"],
        "pixels": score["pixels"],
        "wrong_pixels": score["wrong_pixels"],
        "confusions": [[*pair, count] for pair, count in score["confusions"].items()],
    }


def _palette(model: Segmenter) -> list[Color]:
    return list(model.colors or default_palette(model.num_classes))


def _attempts(folder: RunFolder) -> int:
    return sum(isinstance(event, Started) for _, event in folder.events())


def _eta(started: float, done: int, total: int) -> float | None:
    return (time.monotonic() - started) / done * (total - done) if done else None
