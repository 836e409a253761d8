"""The networks, under PaddleX's names and with PaddleX's constructor arguments."""

from __future__ import annotations

from typing import Any

from core.images.drawing import visualize
from core.models.catalog import NETWORKS
from core.seg.creation import create, model_class
from core.seg.paddlex_classes import BiSeNetV2, DeepLabV3P, FastSCNN, HRNet, UNet
from core.seg.segmenter import Segmenter

__all__ = [
    "BiSeNetV2",
    "DeepLabV3P",
    "FastSCNN",
    "HRNet",
    "Segmenter",
    "UNet",
    "create",
    "model_class",
    "visualize",
]


def __getattr__(name: str) -> Any:
    """Networks that PaddleX does not have, from the catalog."""
    if name in NETWORKS:
        return model_class(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *NETWORKS})
