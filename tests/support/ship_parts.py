"""The Ship panel over recorded runs, with a context that only notes what is started."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from compression_parts import context, refresh, root, show
from panel_parts import settle, shown
from recorded_runs import LABELS, append, guess, make_project

from app.panels.ship.shipping_panel import ShippingPanel
from core.images.io import write_image
from core.project import ImageQuery, Project
from core.runs.events import Done, Progress, Started
from core.runs.kinds import (
    BenchmarkSpec,
    BundleSpec,
    ExportSpec,
    TrialSpec,
    VerifySpec,
    WatchSpec,
)
from core.runs.run_folder import RunFolder
from core.runs.trial_files import TrialFiles, TrialRecord

__all__ = ["context", "refresh", "root", "settle", "show"]

SMALLER = {"size_bytes": 2_900_000, "flops": 546_000_000, "latency_ms": 3.1, "miou": 0.707}


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "项目 1", train=4, val=6)
    yield made
    made.close()


@pytest.fixture
def panel(qtbot, context):
    made = ShippingPanel(context)
    made.choices.setParent(made)  # the window's inspector holds it otherwise
    with shown(made, (1100, 800)):
        yield made


def record_trial(
    project: Project,
    model_dir: Path,
    *,
    quality: float = 1.0,
    subset: str | None = "val",
    source: str = "",
    images: list[Path] | None = None,
    upto: int | None = None,
) -> int:
    """Record that a model was tried.

    Args:
        project: whose run it becomes; its validation images unless ``images`` are given.
        model_dir: the model.
        quality: share of the labelled blocks that it sees.
        subset: None for images of the user's.
        source: what these are called.
        images: of the project, so that their masks can be guessed at.
        upto: still at work, so many images are done.
    """
    rng = np.random.default_rng(3)
    rows = project.images(ImageQuery(subset="val"))
    images = [row.path for row in rows] if images is None else images
    row = project.new_run("trial", "FastSCNN")
    spec = TrialSpec(model_dir=model_dir, images=images, subset=subset, source=source)
    run = RunFolder.create(row.folder, spec)
    append(run, [Started("trial", 4711, "cpu")])
    files = TrialFiles(run.path)
    for index, image in enumerate(images[:upto]):
        image_id = project.find_image(image)
        mask = None if image_id is None else project.label_map(image_id)
        if mask is None:
            files.write(TrialRecord(index, image, "It cannot be read."))
            continue
        label_map = guess(mask, quality, rng)
        sure = np.full(label_map.shape, 0.9, np.float32)
        sure[label_map == 2] = 0.6
        files.write(TrialRecord(index, image), label_map=label_map, confidence=sure)
    if upto is None:
        append(run, [Done({"images": len(images), "labels": list(LABELS)})])
        project.set_run_state(row.id, "done")
    else:
        append(run, [Progress(upto, len(images), None, stage="predict")])
        project.set_run_state(row.id, "running")
    return row.id


def record_export(project: Project, model_dir: Path, folder: Path, **fields) -> int:
    """Record an export with files that nothing can run."""
    row = project.new_run("export", "FastSCNN")
    run = RunFolder.create(row.folder, ExportSpec(model_dir=model_dir, out_dir=folder, **fields))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(b"\0" * 2048)
    result = {
        "export_dir": str(folder),
        "files": [str(folder / "model.onnx")],
        "size_bytes": 2048,
        "format": fields.get("format", "onnx"),
        "graph": "plain" if fields.get("plain") else "complete",
        "model_dir": str(model_dir),
    }
    append(run, [Started("export", 4711, "cpu"), Done(result)])
    project.set_run_state(row.id, "done")
    return row.id


def record_verification(project: Project, model_dir: Path, export: Path, **result) -> int:
    """Record what a verification found."""
    row = project.new_run("verify", "FastSCNN")
    run = RunFolder.create(row.folder, VerifySpec(model_dir=model_dir, export_dir=export))
    picture = run.previews_dir / "worst.png"
    write_image(picture, np.full((60, 180, 3), 120, np.uint8))
    found = {
        "verified": True,
        "agreement": 0.99997,
        "miou_model": 0.712,
        "miou_export": 0.712,
        "largest_difference": 0.0004,
        "worst_image": {"image": "val 3.png", "path": "val 3.png", "agreement": 0.9999},
        "faults": [],
        "warnings": [],
        "images": 6,
        "format": "onnx",
        "machine": {
            "processor": "Example CPU",
            "instruction_sets": ["AVX2", "AVX-512 VNNI"],
            "runtime": "onnxruntime",
            "runtime_version": "1.22",
            "precision": "float32",
        },
        "pictures": {"worst_image": picture.relative_to(run.path).as_posix()},
        "export_dir": str(export),
        "model_dir": str(model_dir),
        **result,
    }
    append(run, [Started("verify", 4711, "cpu"), Done(found)])
    project.set_run_state(row.id, "done")
    return row.id


def record_bundle(project: Project, model_dir: Path, path: Path) -> int:
    """Record a bundle."""
    row = project.new_run("bundle", "FastSCNN")
    run = RunFolder.create(row.folder, BundleSpec(model_dir=model_dir, out=path))
    path.mkdir(parents=True)
    append(run, [Started("bundle", 4711, "cpu"), Done({"bundle": str(path), "size_bytes": 9000})])
    project.set_run_state(row.id, "done")
    return row.id


def record_benchmark(project: Project, export: Path) -> int:
    """Record that an export was timed in two runtimes."""
    row = project.new_run("benchmark", "")
    run = RunFolder.create(row.folder, BenchmarkSpec(exports=[export]))
    append(run, [Started("benchmark", 4711, "cpu"), Done(timed(export))])
    project.set_run_state(row.id, "done")
    return row.id


def timed(export: Path) -> dict:
    """Return what a benchmark of one export in two runtimes tells."""

    def timings(p50: float) -> list[dict]:
        return [
            {
                "stage": stage,
                "threads": threads,
                "batch": 1,
                "p50_ms": p50 / threads,
                "p95_ms": 1.2 * p50 / threads,
                "images_per_second": 1000 * threads / p50,
                "runs": 20,
            }
            for stage in ("network", "file_to_mask")
            for threads in (1, 2)
        ]

    def measured(runtime: str, p50: float, **fields) -> dict:
        return {
            "export": str(export),
            "runtime": runtime,
            "device": "CPU",
            "peak_memory_bytes": 120_000_000,
            "timings": timings(p50),
            "problem": None,
            **fields,
        }

    return {
        "measured": [
            measured("onnxruntime", 10.0),
            measured("openvino", 8.0, timings=[], problem="It cannot be run here."),
        ],
        "recommended": [
            {"export": str(export), "runtime": "onnxruntime", "device": "CPU", "threads": 2}
        ],
        "advice": [
            {
                "problem": "onnx in OpenVINO takes as long.",
                "template": "{name} in {runtime} takes as long.",
                "params": {"name": "onnx", "runtime": "OpenVINO"},
            }
        ],
        "image_size": [128, 96],
        "processor": "Example CPU",
        "cores": 2,
    }


def record_watch(project: Project, export: Path, folder: Path, out: Path, state: str) -> int:
    """Record that a folder is watched, or was."""
    row = project.new_run("watch", "")
    RunFolder.create(row.folder, WatchSpec(export_dir=export, folder=folder, out_dir=out))
    project.set_run_state(row.id, state)
    return row.id
