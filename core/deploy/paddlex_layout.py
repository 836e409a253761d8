"""The files that PaddleX 2.1 puts beside an exported network.

``model.yml`` with what its ``Predictor`` and its C++ programs read, ``pipeline.yml`` for the
latter, ``.success`` written last. The network itself is one of Paddle 3, whose form PaddleX 2.1
with its Paddle 2 does not know; ``pdx.deploy.Predictor`` of this package runs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

PIPELINE: Final = "pipeline.yml"
SUCCESS: Final = ".success"
#: Of PaddleX, whose layout it is: it refuses what says less than 2.
_LAYOUT: Final = "2.1.0"


def paddlex_description(
    *,
    model: str,
    init_params: Mapping[str, Any],
    labels: Sequence[str],
    transforms: Sequence[Mapping[str, Any]] | None,
    size: tuple[int, int] | None,
    miou: float | None = None,
    completed_epochs: int = 0,
) -> dict[str, Any]:
    """Return the entries of ``model.yml`` that PaddleX reads.

    Args:
        model: class name of the network.
        init_params: its constructor's arguments.
        labels: class names.
        transforms: preprocessing, or None.
        size: (width, height) of the images it takes, None for any.
        miou: 0 … 1, on the evaluation set, or None.
        completed_epochs: epochs trained.
    """
    width, height = size or (-1, -1)
    return {
        "version": _LAYOUT,
        "Model": model,
        "_Attributes": {
            "model_type": "segmenter",
            "num_classes": len(labels),
            "labels": list(labels),
            "fixed_input_shape": [None, 3, height, width],
            **({} if miou is None else {"eval_metrics": {"miou": miou}}),
        },
        "_init_params": dict(init_params),
        **({} if transforms is None else {"Transforms": [dict(item) for item in transforms]}),
        "completed_epochs": completed_epochs,
        "status": "Infer",
    }


def paddlex_pipeline() -> dict[str, Any]:
    """Return the content of ``pipeline.yml``: decode, predict, give."""
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
