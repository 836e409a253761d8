"""Exported models: making them, running them, and showing that they do the same.

``pdx.deploy.Predictor`` is PaddleX's; importing it brings no engine in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.deploy.paddlex_predictor import Predictor

__all__ = ["Predictor"]


def __getattr__(name: str) -> Any:
    # On first use: what times models on their own needs this package and nothing of it.
    if name == "Predictor":
        from core.deploy.paddlex_predictor import Predictor

        return Predictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
