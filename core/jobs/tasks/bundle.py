"""Export a model and write all that a line PC needs to run it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from core.datasets import open_data_folder
from core.deploy.bundle.bundle_samples import choose_sample_images
from core.deploy.bundle.bundle_writing import free_target, write_bundle
from core.deploy.model_export import export_model
from core.jobs.tasks.retraining import check_data
from core.models.model_folder import read_model_info
from core.runs.kinds import BundleSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.system.reporting import Reporter


def run(spec: BundleSpec, _folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Export a model and write its bundle."""
    free_target(spec.out)
    model = load_model(spec.model_dir, with_net=spec.export_dir is None, reporter=reporter)
    samples: list[Path] = []
    if spec.data_dir is not None:
        data = open_data_folder(spec.data_dir)
        check_data(model, data, reporter)
        samples = choose_sample_images(data.dataset("val"))
    if spec.export_dir is not None:
        result = write_bundle(spec.export_dir, spec.out, samples=samples, reporter=reporter)
        return {**result.to_dict(), "model_dir": str(spec.model_dir)}
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        exported = export_model(
            model,
            Path(folder) / "export",
            size=spec.image_size,
            thresholds=spec.thresholds,
            revision=read_model_info(spec.model_dir).dataset_hash,
            reporter=reporter,
        )
        result = write_bundle(exported.folder, spec.out, samples=samples, reporter=reporter)
    return {**result.to_dict(), "model_dir": str(spec.model_dir)}
