"""The ways to compress a model, under PaddleX's names."""

from __future__ import annotations

from core.compression.pruning_methods import PruneResult as PruneResult
from core.compression.pruning_methods import PruningMethods
from core.compression.quantization_methods import QuantizationMethods


class CompressionMethods(PruningMethods, QuantizationMethods):
    """Part of ``Segmenter``: everything that makes a trained network smaller and faster."""
