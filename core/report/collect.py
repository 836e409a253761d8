"""Gather a report from the folders that a training and an evaluation left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.images.palette import default_palette
from core.models.model_folder import ModelInfo
from core.models.model_verdict import Verdict
from core.prediction.exported_model import read_any_info
from core.prediction.inspection import ImageScore, image_count
from core.report.html import Fact, ReportData, Series, write_report
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

REPORT_FILE = "report.html"


def write_evaluation_report(
    evaluation_dir: Path,
    *,
    path: Path | None = None,
    title: str | None = None,
    facts: Sequence[Fact] = (),
) -> Path:
    """Write the report of an evaluation, with the curves of the training where they are at hand.

    Args:
        evaluation_dir: run folder of an evaluation that is done; with saved masks the report
            shows the worst images.
        path: where to; by default ``report.html`` in ``evaluation_dir``.
        title: of the page; by default the network and the subset.
        facts: more of them, after the model's own.

    Returns:
        The file written.

    Raises:
        InputError: the evaluation or its model cannot be read.
    """
    metrics = _read_json(evaluation_dir / "metrics.json")
    model_dir = Path(metrics["model_dir"])
    info = read_any_info(model_dir)
    training = _training_of(model_dir)
    data = ReportData(
        title=title or f"{info.name}, {metrics['split']} images",
        labels=info.labels,
        colors=info.colors or default_palette(info.num_classes),
        facts=(*_facts(info, metrics, training), *facts),
        metrics=metrics,
        matrix=np.asarray(metrics["confusion_matrix"], np.int64),
        series=_series(training),
        scores=_scores(evaluation_dir),
        subset=metrics["split"],
        verdict=Verdict.from_dict(metrics.get("verdict")),
        objects=metrics.get("objects"),
        images=metrics["images"] if isinstance(metrics["images"], dict) else None,
    )
    target = path or evaluation_dir / REPORT_FILE
    write_report(target, data)
    return target


def _training_of(model_dir: Path) -> RunFolder | None:
    """Return the run whose folder holds the model folder."""
    folder = model_dir.parent
    if not (folder / "spec.json").exists():
        return None
    run = RunFolder(folder)
    return run if isinstance(run.spec, TrainSpec) else None


def _series(training: RunFolder | None) -> Series:
    if training is None:
        return {}
    return {
        tag: (steps.tolist(), values.tolist())
        for tag, (steps, values) in training.metrics().items()
    }


def _scores(evaluation_dir: Path) -> list[ImageScore]:
    """Rows of ``per_image.json`` whose prediction was kept."""
    return [
        ImageScore(
            image=Path(row["image"]),
            label=Path(row["mask"]),
            prediction=evaluation_dir / row["prediction"],
            pixels=row["pixels"],
            wrong_pixels=row["wrong_pixels"],
            miou=row["miou"],
            accuracy=row["accuracy"],
            confusions={(truth, found): count for truth, found, count in row["confusions"]},
        )
        for row in _read_json(evaluation_dir / "per_image.json")
        if row["prediction"] is not None
    ]


def _facts(info: ModelInfo, metrics: dict[str, Any], training: RunFolder | None) -> list[Fact]:
    facts = [
        Fact(f"mIoU, {metrics['split']}", _percent(metrics["miou"]), lead=True),
        Fact("pixel accuracy", _percent(metrics["oacc"]), lead=True),
        Fact("Cohen’s kappa", _number(metrics["kappa"]), lead=True),
        Fact("Network", info.name),
        Fact("Images measured", f"{image_count(metrics)} ({metrics['split']})"),
    ]
    if info.image_size is not None:
        facts.append(Fact("Network input", f"{info.image_size[0]} × {info.image_size[1]} pixels"))
    if info.score is not None:
        facts.append(Fact("mIoU, validation", _percent(info.score)))
    if training is not None:
        facts += _training_facts(training)
    libraries = ", ".join(f"{name} {version}" for name, version in info.libraries.items())
    if libraries:
        facts.append(Fact("Made with", libraries))
    return facts


def _training_facts(training: RunFolder) -> list[Fact]:
    spec, result, started = training.spec, training.result, training.started
    if not isinstance(spec, TrainSpec):
        return []
    facts = [
        Fact("Epochs", str(spec.epochs)),
        Fact("Batch", str(spec.batch_size)),
        Fact("Learning rate", f"{spec.learning_rate:g}"),
        Fact("Data", str(spec.data_dir)),
    ]
    if started is not None:
        facts.append(Fact("Device", started.device))
    if result is not None and result.get("seconds") is not None:
        minutes, seconds = divmod(round(result["seconds"]), 60)
        facts.append(Fact("training time", f"{minutes} min {seconds} s", lead=True))
    if result is not None and result.get("images_per_second"):
        facts.append(Fact("Training speed", f"{result['images_per_second']:.1f} images/s"))
    return facts


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("{file} cannot be read; evaluate the model again.", file=path) from error


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
