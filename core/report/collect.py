"""Gather a report from an evaluation and what the training left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.images.palette import default_palette
from core.models.model_folder import ModelInfo
from core.models.model_verdict import Verdict
from core.prediction.inspection import Evaluation, image_count
from core.report.html import Fact, ReportData, Series, count
from core.report.wording import SUBSETS
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder
from core.system.messages import message


def collect_report(
    evaluation: Evaluation,
    info: ModelInfo,
    *,
    model_dir: Path,
    title: str | None = None,
    facts: Sequence[Fact] = (),
) -> ReportData:
    """Gather what a report shows, with the curves of the training where they are at hand.

    Args:
        evaluation: what was found, by other thresholds than it was measured by perhaps.
        info: of the model.
        model_dir: where the model is.
        title: of the page; by default the network.
        facts: more of them, after the model's own.
    """
    metrics = evaluation.metrics
    training = _training_of(model_dir)
    images = metrics["images"]
    return ReportData(
        title=title or info.name,
        labels=info.labels,
        colors=info.colors or default_palette(info.num_classes),
        facts=(*_found_facts(metrics), *_facts(info, evaluation, training), *facts),
        metrics=metrics,
        matrix=evaluation.matrix,
        series=_series(training),
        scores=[score for score in evaluation.images if score.prediction is not None],
        subset=evaluation.split,
        verdict=Verdict.from_dict(metrics.get("verdict")),
        objects=metrics.get("objects"),
        images=images if isinstance(images, dict) else None,
        thresholds=evaluation.thresholds,
    )


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


def _found_facts(metrics: Mapping[str, Any]) -> list[Fact]:
    """Return what an inspector asks for first: objects, then whole images."""
    objects, images = metrics.get("objects"), metrics["images"]
    facts = []
    if isinstance(objects, dict):
        total = objects["all"]
        found = f"{count(total['found'])} / {count(total['objects'])}"
        facts += [
            Fact(message("Objects found"), found, lead=True),
            Fact(message("Objects missed"), count(total["missed"]), lead=True),
            Fact(message("False alarms"), count(total["false_alarms"]), lead=True),
        ]
    if isinstance(images, dict) and images["defective"]:
        marked = f"{count(images['detected'])} / {count(images['defective'])}"
        facts.append(Fact(message("Defective images marked"), marked, lead=True))
    if isinstance(images, dict) and images["good"]:
        marked = f"{count(images['false_alarms'])} / {count(images['good'])}"
        facts.append(Fact(message("Good images marked"), marked, lead=True))
    return facts


def _facts(info: ModelInfo, shown: Evaluation, training: RunFolder | None) -> list[Fact]:
    metrics = shown.metrics
    lead = not isinstance(metrics.get("objects"), dict)
    subset = SUBSETS.get(shown.split, shown.split)
    facts = [
        Fact(message("mIoU"), _percent(metrics["miou"]), lead=lead),
        Fact(message("Pixel accuracy"), _percent(metrics["oacc"]), lead=lead),
        Fact(message("Cohen’s kappa"), _number(metrics["kappa"]), lead=lead),
        Fact(message("Network"), info.name),
        Fact(message("Measured on"), subset),
        Fact(message("Images measured"), str(image_count(metrics))),
    ]
    thresholds = shown.thresholds or shown.measured_by
    if thresholds is not None:
        told = [
            f"{name} {threshold:.2f}"
            for name, threshold in zip(shown.labels, thresholds, strict=True)
            if threshold is not None
        ]
        facts.append(Fact(message("Thresholds"), ", ".join(told)))
    if info.image_size is not None:
        width, height = info.image_size
        facts.append(
            Fact(
                message("Network input"),
                message("{width} × {height} pixels", width=width, height=height),
            )
        )
    if info.score is not None:
        facts.append(Fact(message("mIoU in its training"), _percent(info.score)))
    if training is not None:
        facts += _training_facts(training)
    libraries = ", ".join(f"{name} {version}" for name, version in info.libraries.items())
    if libraries:
        facts.append(Fact(message("Made with"), libraries))
    return facts


def _training_facts(training: RunFolder) -> list[Fact]:
    spec, result, started = training.spec, training.result, training.started
    if not isinstance(spec, TrainSpec):
        return []
    facts = [
        Fact(message("Epochs"), str(spec.epochs)),
        Fact(message("Batch"), str(spec.batch_size)),
        Fact(message("Learning rate"), f"{spec.learning_rate:g}"),
        Fact(message("Data"), str(spec.data_dir)),
    ]
    if started is not None:
        facts.append(Fact(message("Device"), started.device))
    if result is not None and result.get("seconds") is not None:
        minutes, seconds = divmod(round(result["seconds"]), 60)
        time = message("{minutes} min {seconds} s", minutes=minutes, seconds=seconds)
        facts.append(Fact(message("Training time"), time))
    if result is not None and result.get("images_per_second"):
        speed = message("{speed} images/s", speed=f"{result['images_per_second']:.1f}")
        facts.append(Fact(message("Training speed"), speed))
    return facts


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
