"""Exported models: making them, running them, and showing that they do the same.

``pdx.deploy.Predictor`` is PaddleX's; importing it brings no engine in.
"""

from __future__ import annotations

from core.deploy.paddlex_predictor import Predictor

__all__ = ["Predictor"]
