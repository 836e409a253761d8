"""Measuring a variant of a model by its exported file."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core.compression.flops import flops_of
from core.compression.folding import fold_batch_norms
from core.compression.quantization.fake_quantization import is_quantized, remove_quantizers
from core.compression.trace import trace
from core.deploy.latency import latency
from core.deploy.model_export import export_model
from core.deploy.opening import open_export
from core.deploy.verification.outcome import agreement_of
from core.deploy.verification.samples import image_samples, spread
from core.deploy.verification.trained_network import trained_network
from core.deploy.verification.whole_way import compare
from core.models.variant import Variant
from core.prediction.onnx_predictor import OnnxModel
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.seg.segmenter import Segmenter

#: Most images that the network is compared with its exported file on.
COMPARED: Final = 32
_LEAST_SECONDS = 0.5  # of timing: 30 runs of a small network are over in 60 ms


def measure_variant(
    model: Segmenter,
    export_dir: str | Path,
    dataset: SegDataset,
    *,
    size: tuple[int, int] | None = None,
    threads: int | None = None,
    runs: int = 30,
    reporter: Reporter | None = None,
) -> Variant:
    """Export a model and measure the exported file: what is measured is what would be shipped.

    The file is a plain graph: what is compared are networks, and any preprocessing will do.

    Args:
        model: trained model.
        export_dir: folder for the export.
        dataset: images with masks; the model's own preprocessing is used.
        size: as in ``export_model``.
        threads: that compute when the time is taken; None for all cores.
        runs: how often the time is taken, at least.
        reporter: is told of progress and may stop the work.

    Raises:
        InputError: as ``export_model``; or the data has other classes or no images.
    """
    exported = export_model(model, export_dir, plain=True, size=size, reporter=reporter)
    file = OnnxModel(exported.model)

    def on_step(done: int, count: int) -> None:
        if reporter is not None:
            reporter.check()
            reporter.progress(done, count, stage="measure")

    metrics = file.evaluate(dataset, on_step=on_step).metrics()
    images = [Path(dataset.raw(index)[0]) for index in spread(len(dataset), COMPARED)]
    height, width = file.network_predictor().network_input(str(images[0])).image.shape[1:]
    image_size = exported.size or (width, height)
    time = latency(
        exported.model,
        size=image_size,
        runs=runs,
        threads=threads,
        least_seconds=_LEAST_SECONDS,
    )
    flops, parameters = _count(model.net, (image_size[1], image_size[0]))
    description = file.description
    return Variant(
        precision=exported.precision,
        size_bytes=exported.size_bytes,
        flops=flops * (2 if exported.manifest.flip_test else 1),  # an image goes in twice
        parameters=parameters,
        latency_ms=time.median_ms,
        latency_p90_ms=time.p90_ms,
        threads=time.threads,
        image_size=image_size,
        miou=metrics["miou"],
        category_iou=tuple(metrics["category_iou"]),
        agreement=_agreement(exported.folder, model, images),
        float_layers=() if description is None else description.float_layers,
    )


def _agreement(folder: Path, model: Segmenter, images: Sequence[Path]) -> float:
    """Share of pixels (0 … 1) for which the network and its exported file say the same class."""
    found = compare(
        open_export(folder),
        trained_network(folder, model),
        image_samples(images),
        with_scores=False,
        reporter=Reporter(),
    )
    agreement = agreement_of(found.images)
    if agreement is None:
        raise ValueError("there is nothing to compare")
    return agreement


def _count(net: Any, size: tuple[int, int]) -> tuple[int, int]:
    """Operations and parameters of the network as it is exported, at ``size`` (height, width).

    Batch norms are folded, so that float and int8 variants are counted alike.
    """
    net = deepcopy(net)
    if is_quantized(net):
        remove_quantizers(net)
    else:
        fold_batch_norms(net, trace(net, size))
    deployed = trace(net, size).deployed()
    layers = {id(call.layer): call.layer for call in deployed.calls}
    weights = [value for layer in layers.values() for value in layer.parameters()]
    return flops_of(deployed), sum(int(np.prod(value.shape)) for value in weights)
