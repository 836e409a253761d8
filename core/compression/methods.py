"""The ways to compress a model, under PaddleX's names."""

from __future__ import annotations

from core.segmenter_base import SegmenterBase


class CompressionMethods(SegmenterBase):
    """Part of ``Segmenter``."""
