"""A project with runs of every step, recorded without an engine: no panel is empty."""

from __future__ import annotations

from pathlib import Path

import recorded_compression as recorded
from recorded_runs import make_project, record_evaluation, record_training
from ship_parts import record_benchmark, record_export, record_trial, record_verification


def record_full_project(folder: Path) -> Path:
    """Record it, and return its folder; its window has found nothing to do."""
    project = make_project(folder, train=8, val=6)
    record_training(project, epochs=4, state="interrupted")
    model = recorded.record_model(project)
    record_evaluation(project, model)
    recorded.record_sensitivity(project, model)
    recorded.record_measurement(project, model, recorded.FLOAT)
    smaller = recorded.changed(recorded.FLOAT, flops=546_000_000, latency_ms=3.1, miou=0.7)
    recorded.record_pruning(project, model, smaller)
    recorded.record_quantization(project, model, recorded.changed(smaller, latency_ms=1.9))
    record_trial(project, model, quality=0.8)
    export = folder.parent / "export 导出"
    record_export(project, model, export)
    record_verification(project, model, export)
    record_benchmark(project, export)
    project.close()
    return project.folder
