"""The files that PaddleX 2.1 puts beside an exported network.

``model.yml`` with what its ``Predictor`` and its C++ programs read, ``pipeline.yml`` for the
latter, ``.success`` written last. The network itself is one of Paddle 3, whose form PaddleX 2.1
with its Paddle 2 does not know; ``pdx.deploy.Predictor`` of this package runs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from core.seg.segmenter import Segmenter

PIPELINE: Final = "pipeline.yml"
SUCCESS: Final = ".success"
#: Of PaddleX, whose layout it is: it refuses what says less than 2.
_LAYOUT: Final = "2.1.0"


def write_paddlex_files(
    folder: Path,
    model: Segmenter,
    transforms: Sequence[Mapping[str, Any]] | None,
    *,
    size: tuple[int, int] | None,
) -> dict[str, Any]:
    """Write ``pipeline.yml`` and ``.success``; return the entries of ``model.yml``.

    Args:
        folder: of the export.
        model: what was exported.
        transforms: preprocessing, or None.
        size: (width, height) of the network's input, None for any.
    """
    text = yaml.safe_dump(_pipeline(), sort_keys=False)
    (folder / PIPELINE).write_text(text, encoding="utf-8")
    (folder / SUCCESS).touch()
    width, height = size or (-1, -1)
    return {
        "version": _LAYOUT,
        "Model": model.model_name,
        "_Attributes": {
            "model_type": "segmenter",
            "num_classes": model.num_classes,
            "labels": list(model.labels),
            "fixed_input_shape": [None, 3, height, width],
        },
        "_init_params": dict(model.init_params),
        **({} if transforms is None else {"Transforms": [dict(item) for item in transforms]}),
        "completed_epochs": model.completed_epochs,
        "status": "Infer",
    }


def _pipeline() -> dict[str, Any]:
    """Return what PaddleX's C++ programs do: decode, predict, give."""
    predict = {"use_gpu": False, "gpu_id": 0, "use_trt": False, "model_dir": "."}
    return {
        "pipeline_name": "segmenter",
        "pipeline_nodes": [
            {"src0": {"type": "Source", "next": "decode0"}},
            {"decode0": {"type": "Decode", "next": "predict0"}},
            {"predict0": {"type": "Predict", "init_params": predict, "next": "sink0"}},
            {"sink0": {"type": "Sink"}},
        ],
        "version": "1.0.0",
    }
