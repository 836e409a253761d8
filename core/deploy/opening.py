"""Opening what an export wrote, whatever its format and graph."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np

from core.models.model_folder import exported_file
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import MANIFEST, Manifest, read_manifest
from core.portable.runtimes import Images, LabelMaps, Scores
from core.prediction.exported_files import open_exported
from core.prediction.predictor import Predictor
from core.system.devices import usable_cores
from core.system.errors import InputError, portable_errors

#: What runs a plain graph, by format; and the packages that it comes in.
_RUNTIMES: Final = {"onnx": "onnxruntime", "openvino": "openvino", "paddle": "paddle"}
_PACKAGES: Final = {"paddle": ("paddlepaddle", "paddlepaddle-gpu")}


def open_export(
    folder: str | Path,
    *,
    runtime: str = "auto",
    threads: int | None = None,
    spinning: bool = True,
) -> LinePredictor:
    """Open an exported model: images in, label maps out.

    Args:
        folder: what an export wrote, or a model's file in it.
        runtime: ``"onnxruntime"``, ``"openvino"`` or ``"paddle"``; ``"auto"`` for the one that the
            format is for.
        threads: that compute; None for one on each core.
        spinning: whether threads that wait keep their core busy; of a complete graph.

    Raises:
        InputError: there is no such export, it is damaged, or the runtime does not read it.
    """
    file = exported_file(folder)
    if file is None:
        with portable_errors():
            read_manifest(folder)  # says that there is none, or what is wrong with it
        raise InputError("{file} does not exist.", file=Path(folder) / MANIFEST)
    own = (file.parent / MANIFEST).is_file()
    with portable_errors():
        manifest = read_manifest(file.parent) if own else None
        if manifest is not None and manifest.graph == "complete":
            return LinePredictor(file.parent, runtime=runtime, threads=threads, spinning=spinning)
    exported = open_exported(file, threads=threads)
    manifest = manifest or exported.manifest
    name = _RUNTIMES[manifest.format]
    if runtime not in ("auto", name):
        raise InputError(
            "The runtime {name} does not read this model: choose one of {names}.",
            name=runtime,
            names=f"auto, {name}",
        )
    computes = PredictorRuntime(exported.predictor, manifest, threads=threads or usable_cores())
    return LinePredictor.from_runtime(manifest, computes, folder=file.parent)


class PredictorRuntime:
    """A predictor of ``core.prediction`` as what ``core.portable`` calls a runtime.

    It prepares images, and cuts windows, by itself.
    """

    def __init__(self, predictor: Predictor, manifest: Manifest, *, threads: int) -> None:
        self._predictor = predictor
        self.name = _RUNTIMES[manifest.format]
        self.compute_precision = manifest.precision
        if manifest.format == "paddle":
            self.compute_precision = "float32"  # it rounds as int8 does, and computes in float
        self.threads = threads

    @property
    def version(self) -> str:
        """Of the library."""
        for package in _PACKAGES.get(self.name, (self.name,)):
            try:
                return version(package)
            except PackageNotFoundError:
                continue
        return ""

    def label_maps(self, images: Images) -> LabelMaps:
        """Images (N, H, W, 3) uint8 BGR → class ids (N, H, W)."""
        prepared = [self._predictor.prepare(image) for image in images]
        return np.stack(self._predictor.label_maps(prepared))

    def scores(self, images: Images) -> Scores:
        """Images (N, H, W, 3) uint8 BGR → probabilities (N, C, H, W) float32."""
        found = [self._predictor.predict(image)["score_map"] for image in images]
        return np.stack([one.transpose(2, 0, 1) for one in found])
