"""``pdx.load_model``: a model folder, or an exported model, which needs no paddle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.models.model_folder import exported_file
from core.prediction.exported_model import ExportedModel
from core.system.device_choice import parse_device
from core.system.files import as_path
from core.system.messages import message
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.seg.segmenter import Segmenter


def load_model(
    model_dir: str | Path,
    with_net: bool = True,
    *,
    device: str | None = None,
    reporter: Reporter | None = None,
    threads: int | None = None,
) -> Segmenter | ExportedModel:
    """Load a model, ready to predict and to be evaluated.

    Args:
        model_dir: model folder (see ``core.seg.loading.load_model``), folder of an export, or
            ONNX file.
        with_net: False leaves a model folder's network out.
        device: as there; an exported model computes on the processor.
        reporter: is told of warnings; None makes them Python's.
        threads: that compute an exported model; None for as many as there are cores.

    Raises:
        InputError: missing, damaged or foreign files.
    """
    model_dir = as_path(model_dir, name="model_dir")
    file = exported_file(model_dir)
    if file is None:
        from core.seg.loading import load_model as load_folder  # brings the engine in

        return load_folder(model_dir, with_net, device=device, reporter=reporter)
    if device is not None and any(name.startswith("gpu") for name in parse_device(device).names):
        (reporter or Reporter()).warn(
            message(
                "An exported model computes on the processor here, not on {device}.", device=device
            )
        )
    return ExportedModel(file, threads=threads)
