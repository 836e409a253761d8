"""Measure a model on labelled images."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.datasets import SegDataset, open_data_folder
from core.deploy.any_model import load_model
from core.images.io import write_mask
from core.images.palette import default_palette
from core.jobs.tasks.judging import measure_and_judge
from core.prediction.figures import FigureRules, ImageFigures
from core.prediction.inspection import score_image
from core.prediction.kept_odds import write_odds
from core.prediction.metrics import metrics_from_matrix
from core.prediction.object_matching import ObjectRule
from core.prediction.predictor import ImageEvaluation, LabelMap
from core.runs.kinds import EvaluateSpec
from core.runs.run_folder import RunFolder
from core.system.files import write_json_atomic
from core.system.reporting import Reporter

METRICS_FILE = "metrics.json"
PER_IMAGE_FILE = "per_image.json"
PREDICTIONS_DIR = "predictions"
ODDS_DIR = "odds"
_MASK_SUFFIX = ".png"


def run(spec: EvaluateSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Measure a model on a subset; the run folder gets ``metrics.json`` and ``per_image.json``.

    The rows of ``per_image.json`` stand worst first. With ``save_masks``, ``predictions/`` gets
    each predicted label map; with ``save_odds``, ``odds/`` what ``core.prediction.kept_odds`` is
    about.
    """
    started = time.monotonic()
    data = open_data_folder(spec.data_dir)
    model = load_model(spec.model_dir, device=spec.device, reporter=reporter)
    dataset = data.dataset(spec.split, model.test_transforms)
    palette = model.colors or default_palette(model.num_classes)
    rows: list[dict[str, Any]] = []

    def on_image(image: ImageEvaluation, label_map: LabelMap) -> None:
        saved = odds = None
        name = f"{image.index:06d}{_MASK_SUFFIX}"
        if spec.save_masks or spec.save_odds:
            saved = folder.path / PREDICTIONS_DIR / name
            write_mask(saved, label_map, palette=palette)
        if spec.save_odds and image.class_odds is not None:
            odds = folder.path / ODDS_DIR / name
            write_odds(odds, image.class_odds)
        rows.append(_row(image, dataset, saved, odds, folder.path))

    for name, wanted in (
        (PREDICTIONS_DIR, spec.save_masks or spec.save_odds),
        (ODDS_DIR, spec.save_odds),
    ):
        if wanted:
            (folder.path / name).mkdir(exist_ok=True)
    judgement = measure_and_judge(
        model,
        dataset,
        reporter=reporter,
        on_image=on_image,
        rules=_rules(spec),
        thresholds=spec.thresholds,
        every_class=spec.save_odds,
    )
    rows.sort(key=lambda row: (row["miou"] is None, row["miou"] or 0.0, -row["wrong_pixels"]))
    seconds = time.monotonic() - started
    result = {
        **judgement.metrics,
        **judgement.result(),
        "thresholds": spec.thresholds,
        "save_odds": spec.save_odds,
        "measured_by": model.thresholds if spec.thresholds else None,
        "seconds": seconds,
        "images_per_second": len(dataset) / seconds,
        "split": spec.split,
        "labels": list(model.labels),
        "model_dir": str(spec.model_dir),
    }
    write_json_atomic(
        folder.path / METRICS_FILE, {**result, "confusion_matrix": judgement.matrix.tolist()}
    )
    write_json_atomic(folder.path / PER_IMAGE_FILE, rows)
    return result


def _rules(spec: EvaluateSpec) -> FigureRules:
    return FigureRules(
        objects=ObjectRule(iou=spec.object_iou, min_area=spec.min_area),
        false_alarm_rate=spec.false_alarm_rate,
    )


def _row(
    image: ImageEvaluation,
    dataset: SegDataset,
    saved: Path | None,
    odds: Path | None,
    run_dir: Path,
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
        "odds": None if odds is None else odds.relative_to(run_dir).as_posix(),
        "miou": score["miou"],
        "accuracy": score["accuracy"],
        "iou": metrics_from_matrix(image.confusion)["category_iou"],
        "pixels": score["pixels"],
        "wrong_pixels": score["wrong_pixels"],
        "confusions": [[*pair, count] for pair, count in score["confusions"].items()],
        **_figures(image.figures),
    }


def _figures(figures: ImageFigures | None) -> dict[str, Any]:
    """Objects as (class, objects, found, false alarms), the image's score, what it really is."""
    if figures is None:
        return {}
    return {
        "objects": [[index, *counts] for index, counts in figures.objects.items()],
        "score": figures.score,
        "defective": figures.defective,
        "errors": figures.errors.to_dict(),
    }
