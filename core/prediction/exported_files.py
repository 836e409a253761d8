"""Opening exported models of every format, complete or plain, old or new."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.portable.manifest import Manifest, read_manifest
from core.portable.runtimes import open_runtime
from core.prediction.complete_predictor import CompletePredictor
from core.prediction.onnx_predictor import FilePredictor, LogitsOfFile, OnnxModel
from core.prediction.openvino_network import OpenVinoNetwork
from core.prediction.predictor import Predictor
from core.system.devices import usable_cores
from core.system.errors import InputError, portable_errors
from core.transforms import transforms_from_list

if TYPE_CHECKING:
    from core.transforms import Compose


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """An exported model that is ready to run.

    Attributes:
        file: what the runtime opened.
        manifest: what it says of itself.
        size: (width, height) of the network's input, None for any.
        predictor: goes from images to label maps as the file does.
        prepared_by: makes what prepares images otherwise, and computes the network alone.
    """

    file: Path
    manifest: Manifest
    size: tuple[int, int] | None
    predictor: Predictor
    prepared_by: Callable[[Compose], Predictor]


def open_exported(file: str | Path, *, threads: int | None = None) -> ExportedFile:
    """Open an exported model.

    Args:
        file: as ``core.models.model_folder.exported_file`` names it.
        threads: that compute; None for as many as there are cores.

    Raises:
        InputError: there is no such file, it is damaged, or does not say how images are prepared.
    """
    file = Path(file)
    if file.suffix.lower() == ".onnx":
        model = OnnxModel(file, threads=threads)
        predictor = model.predictor()
        assert model.manifest is not None  # or there were no predictor
        return ExportedFile(
            file=file,
            manifest=model.manifest,
            size=model.size,
            predictor=predictor,
            prepared_by=model.network_predictor,
        )
    with portable_errors():
        manifest = read_manifest(file.parent)
    if manifest.graph == "complete":
        with portable_errors():
            runtime = open_runtime(file.parent, manifest, threads=threads or usable_cores())
        complete = CompletePredictor(manifest, runtime)
        return ExportedFile(
            file=file, manifest=manifest, size=None, predictor=complete, prepared_by=_has_its_own
        )
    if manifest.preprocessing is None:
        raise InputError(
            "{file} does not say how images are prepared for it: export the model again from "
            "its model folder.",
            file=file,
        )

    network = _plain_network(file.parent, manifest, threads)

    def prepared_by(transforms: Compose) -> Predictor:
        return FilePredictor(network, transforms, multiple=manifest.size_multiple)

    own = transforms_from_list([dict(item) for item in manifest.preprocessing])
    return ExportedFile(
        file=file,
        manifest=manifest,
        size=network.size,
        predictor=prepared_by(own),
        prepared_by=prepared_by,
    )


def _plain_network(folder: Path, manifest: Manifest, threads: int | None) -> LogitsOfFile:
    if manifest.format == "openvino":
        return OpenVinoNetwork(folder, manifest, threads=threads)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No ccache found")  # nothing is compiled here
        from core.prediction.paddle_inference import PaddleNetwork  # brings the engine in

    return PaddleNetwork(folder, manifest, threads=threads)


def _has_its_own(_transforms: Compose) -> Predictor:
    raise InputError(
        "This exported model prepares images by itself: leave transforms out, or export it with "
        "--plain."
    )
