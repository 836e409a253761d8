"""Write the files of a model that other programs run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from core.datasets import open_data_folder
from core.deploy.model_export import export_model
from core.deploy.verification.samples import data_samples, spread
from core.deploy.verification.stored_reference import REFERENCE, write_reference
from core.deploy.verification.trained_network import trained_network
from core.images.io import read_image
from core.models.model_folder import read_model_info
from core.portable.image_statistics import collect_statistics
from core.runs.kinds import ExportSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.seg.segmenter import Segmenter
from core.system.reporting import Reporter

#: Images that brightness, contrast and colour are measured of.
_MOST_LOOKED_AT: Final = 200


def _store_reference(
    spec: ExportSpec, data_dir: Path, model: Segmenter, reporter: Reporter
) -> list[Path]:
    """Store what the network makes of validation images; returns the files."""
    samples = data_samples(data_dir, "val", model.labels, reporter=reporter)
    network = trained_network(spec.out_dir, model)
    write_reference(
        spec.out_dir, network, samples, with_images=spec.store_images, reporter=reporter
    )
    return sorted((spec.out_dir / REFERENCE).iterdir())


def _statistics(data_dir: Path) -> dict[str, Any]:
    """Return how the images look that the network learnt from, so that odd ones are noticed.

    Without a list of such images those of the other subsets serve.
    """
    subsets = open_data_folder(data_dir).subsets
    items = subsets.get("train") or [item for subset in subsets.values() for item in subset]
    chosen = [items[index].image for index in spread(len(items), _MOST_LOOKED_AT)]
    return collect_statistics(read_image(image) for image in chosen)


def run(spec: ExportSpec, _folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Write the files that other programs run."""
    model = load_model(spec.model_dir, reporter=reporter)
    reporter.progress(0, 1, stage="export")
    data_dir = spec.data_dir if spec.reference else None
    result = export_model(
        model,
        spec.out_dir,
        format=spec.format,
        plain=spec.plain,
        size=spec.image_size,
        thresholds=spec.thresholds,
        color_order=spec.color_order,
        flip_test=spec.flip_test,
        revision=read_model_info(spec.model_dir).dataset_hash,
        statistics=None if data_dir is None else _statistics(data_dir),
        reporter=reporter,
    )
    files = list(result.files)
    if data_dir is not None:
        files += _store_reference(spec, data_dir, model, reporter)
    return {
        "export_dir": str(spec.out_dir),
        "files": [str(file) for file in files],
        "size_bytes": result.size_bytes,
        "format": spec.format,
        "graph": result.manifest.graph,
        "precision": result.precision,
        "model_dir": str(spec.model_dir),
    }
