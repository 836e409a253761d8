"""Write the files of a model that other programs run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from core.deploy.model_export import export_model
from core.deploy.verification.samples import at_most, data_samples
from core.deploy.verification.stored_reference import REFERENCE, write_reference
from core.deploy.verification.trained_network import trained_network
from core.models.model_folder import read_model_info
from core.portable.image_statistics import collect_statistics
from core.portable.manifest import read_manifest, write_manifest
from core.runs.kinds import ExportSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.seg.segmenter import Segmenter
from core.system.reporting import Reporter


#: So many images say what is usual.
_STATISTICS_FROM: Final = 200


def _store_reference(spec: ExportSpec, model: Segmenter, reporter: Reporter) -> list[Path]:
    """Store what validation images look like and what the network makes of them.

    Returns the files.
    """
    assert spec.data_dir is not None
    samples = data_samples(spec.data_dir, "val", model.labels, reporter=reporter)
    usual = at_most(samples, _STATISTICS_FROM)
    statistics = collect_statistics(one.pixels() for one in usual)
    write_manifest(spec.out_dir, replace(read_manifest(spec.out_dir), statistics=statistics))
    network = trained_network(spec.out_dir, model)
    write_reference(
        spec.out_dir, network, samples, with_images=spec.store_images, reporter=reporter
    )
    return sorted((spec.out_dir / REFERENCE).iterdir())


def run(spec: ExportSpec, _folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Write the files that other programs run."""
    model = load_model(spec.model_dir, reporter=reporter)
    reporter.progress(0, 1, stage="export")
    result = export_model(
        model,
        spec.out_dir,
        format=spec.format,
        plain=spec.plain,
        size=spec.image_size,
        thresholds=spec.thresholds,
        color_order=spec.color_order,
        revision=read_model_info(spec.model_dir).dataset_hash,
        reporter=reporter,
    )
    files = list(result.files)
    if spec.reference and spec.data_dir is not None:
        files += _store_reference(spec, model, reporter)
    return {
        "export_dir": str(spec.out_dir),
        "files": [str(file) for file in files],
        "size_bytes": result.size_bytes,
        "format": spec.format,
        "graph": result.manifest.graph,
        "precision": result.precision,
        "model_dir": str(spec.model_dir),
    }
