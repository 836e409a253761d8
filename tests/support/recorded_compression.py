"""A project whose model was analysed, pruned and quantised, recorded without an engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from recorded_runs import LABELS, append, record_training

from core.compression.pruning.costs import LayerCost, PruningCosts, write_costs
from core.models import model_folder
from core.models.compression_records import PruningRecord, QuantizationRecord
from core.models.variant import Variant
from core.project import Project
from core.runs.events import Checkpoint, Done, Event, Metric, Progress, Started
from core.runs.kinds import MeasureSpec, PruneSpec, QuantizeSpec, SensitivitySpec
from core.runs.run_folder import RunFolder

FLOAT = Variant(
    size_bytes=4_600_000,
    flops=910_000_000,
    parameters=1_140_000,
    latency_ms=4.4,
    miou=0.71,
    category_iou=(0.97, 0.68, 0.48, None),
    agreement=1.0,
)
GROUPS = {
    "learning_to_downsample.conv.weight": 32,
    "global_feature_extractor.bottleneck1.weight": 64,
    "classifier.dsconv1.weight": 128,
}
COSTS = PruningCosts(
    GROUPS,
    (
        LayerCost(100.0, {"learning_to_downsample.conv.weight": 1.0}, {}),
        LayerCost(
            300.0,
            {"global_feature_extractor.bottleneck1.weight": 1.0},
            {"learning_to_downsample.conv.weight": 1.0},
        ),
        LayerCost(
            600.0,
            {"classifier.dsconv1.weight": 1.0},
            {"global_feature_extractor.bottleneck1.weight": 1.0},
        ),
    ),
)
"""The first group costs much, the last one little: see ``losses``."""


def write_model(
    folder: Path,
    *,
    removed: float | None = None,
    int8: bool = False,
    thresholds: tuple[float | None, ...] | None = None,
) -> Path:
    """Write a model folder that can be described, but not loaded."""
    size = (128, 96)
    pruning = quantization = None
    if removed is not None:
        pruning = PruningRecord(
            criterion="l1_norm",
            strategy="sensitivity",
            flops_before=1000,
            flops_after=round(1000 * (1 - removed)),
            parameters_before=1000,
            parameters_after=600,
            image_size=size,
            ratios={},
            shapes={},
        )
    if int8:
        quantization = QuantizationRecord(config={}, image_size=size)
    status = "Quantized" if int8 else "Pruned" if removed is not None else "Normal"
    info = model_folder.ModelInfo(
        name="FastSCNN",
        init_params={"num_classes": len(LABELS)},
        labels=LABELS,
        status=status,
        pruning=pruning,
        quantization=quantization,
        thresholds=thresholds,
    )
    with model_folder.write(folder, info) as temporary:
        (temporary / model_folder.WEIGHTS).write_bytes(b"")
    return folder


def record_model(project: Project) -> Path:
    """Record a training with a model folder; returns the folder."""
    _, run = record_training(project, epochs=1, end=Done({}, time=1100.0), state="done")
    (run.path / "best_model").rmdir()
    return write_model(run.path / "best_model")


def losses(index: int, ratio: float) -> float:
    """Loss of a group: each costs a quarter of the one before."""
    return 0.8 * ratio**2 / 4**index


def sensitivity_events(*, share: float = 1.0) -> Iterable[Event]:
    """Yield what an analysis tells, up to a share of it."""
    steps = len(GROUPS) * 9
    yield Started("sensitivity", 4711, "cpu")
    step = 0
    for index, group in enumerate(GROUPS):
        for percent in range(10, 100, 10):
            step += 1
            if step > share * steps:
                return
            yield Metric(f"sensitivity/{group}", percent, losses(index, percent / 100))
            yield Progress(step, steps, float(steps - step), stage="sensitivity")


def record_sensitivity(
    project: Project, model_dir: Path, *, share: float = 1.0
) -> tuple[int, RunFolder]:
    """Record an analysis; with ``share`` below 1 it is still at work."""
    revision = project.create_revision(needed=("val",))
    row = project.new_run("sensitivity", "FastSCNN", revision=revision)
    spec = SensitivitySpec(model_dir=model_dir, data_dir=row.folder / "dataset")
    run = RunFolder.create(row.folder, spec)
    append(run, sensitivity_events(share=share))
    if share == 1.0:
        finish_sensitivity(project, row.id, run)
    else:
        project.set_run_state(row.id, "running")
    return row.id, run


def finish_sensitivity(project: Project, run_id: int, run: RunFolder) -> None:
    """Let an analysis end well."""
    write_costs(run.path, COSTS)
    append(run, [Done({"sensitivity": str(run.path / "model.sensi.data")})])
    project.set_run_state(run_id, "done")


def changed(variant: Variant, **values: Any) -> Variant:
    """Return a measurement with other numbers."""
    return Variant(**asdict(variant) | values)


def record_pruning(
    project: Project, model_dir: Path, measured: Variant | None, *, removed: float = 0.4
) -> Path:
    """Record a pruning with fine-tuning; returns the new model folder."""
    row = project.new_run("prune", "FastSCNN")
    spec = PruneSpec(model_dir=model_dir, flops=removed, finetune_epochs=2)
    run = RunFolder.create(row.folder, spec)
    folder = write_model(run.path / "best_model", removed=removed)
    append(run, training_events())
    finish(project, row.id, run, folder, measured)
    return folder


def record_quantization(
    project: Project,
    model_dir: Path,
    measured: Variant | None,
    *,
    removed: float | None = None,
    epochs: int = 0,
) -> Path:
    """Record a quantisation; returns the new model folder."""
    row = project.new_run("quantize", "FastSCNN")
    spec = QuantizeSpec(model_dir=model_dir, data_dir=row.folder / "dataset", epochs=epochs)
    run = RunFolder.create(row.folder, spec)
    folder = write_model(run.path / "quantized", removed=removed, int8=True)
    append(run, training_events() if epochs else [Started("quantize", 4711, "cpu")])
    finish(project, row.id, run, folder, measured)
    return folder


def record_measurement(project: Project, model_dir: Path, measured: Variant) -> int:
    """Record a measurement of a model."""
    row = project.new_run("measure", "FastSCNN")
    spec = MeasureSpec(model_dir=model_dir, data_dir=row.folder / "dataset")
    run = RunFolder.create(row.folder, spec)
    append(run, [Started("measure", 4711, "cpu"), Done(_result(model_dir, measured))])
    project.set_run_state(row.id, "done", best_miou=measured.miou)
    return row.id


def training_events() -> Iterable[Event]:
    """Yield what a short fine-tuning tells."""
    yield Started("prune", 4711, "cpu")
    for step in range(1, 21):
        yield Metric("train/loss", step, 0.9 * np.exp(-step / 12) + 0.2)
        yield Metric("train/lr", step, 0.01 * (1 - step / 21))
        yield Progress(step, 20, float(20 - step), epoch=1 + (step > 10), epochs=2)
        if step % 10 == 0:
            yield Metric("val/miou", step, 0.6 + step / 200)
            yield Checkpoint("best_model", 0.6 + step / 200, step // 10, best=True)


def finish(
    project: Project, run_id: int, run: RunFolder, folder: Path, measured: Variant | None
) -> None:
    """Let a compression end well."""
    append(run, [Done(_result(folder, measured))])
    project.set_run_state(run_id, "done", best_miou=None if measured is None else measured.miou)


def _result(folder: Path, measured: Variant | None) -> dict[str, Any]:
    return {
        "model_dir": str(folder),
        "miou": 0.69 if measured is None else measured.miou,
        "variant": None if measured is None else asdict(measured),
    }
