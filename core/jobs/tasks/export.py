"""Write the files of a model that other programs run."""

from __future__ import annotations

from typing import Any

from core.deploy.model_export import export_model
from core.models.model_folder import read_model_info
from core.runs.kinds import ExportSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.system.reporting import Reporter


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
    return {
        "export_dir": str(spec.out_dir),
        "files": [str(file) for file in result.files],
        "size_bytes": result.size_bytes,
        "format": spec.format,
        "graph": result.manifest.graph,
        "precision": result.precision,
        "model_dir": str(spec.model_dir),
    }
