"""Operations on tensors as layers without parameters.

Every tensor of the networks is made by a leaf layer, so that hooks on the leaves see the whole
computation: pruning, quantisation and export work on what they see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle
from paddle import Tensor, nn

from core.networks.resize import resize_bilinear
from core.networks.tracing import trace_as_written


class Add(nn.Layer):
    """Sum of two tensors; either may be (N, C, 1, 1)."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return ``x + y``."""
        return x + y


class Multiply(nn.Layer):
    """Product of two tensors, element by element; either may be (N, C, 1, 1)."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return ``x * y``."""
        return x * y


class Concat(nn.Layer):
    """Tensors of the same size side by side in the channels."""

    def forward(self, tensors: Sequence[Tensor]) -> Tensor:
        """(N, C₁, H, W), (N, C₂, H, W), … → (N, C₁ + C₂ + …, H, W)."""
        return paddle.concat(list(tensors), axis=1)


class Resize(nn.Layer):
    """Bilinear resizing; a tensor that has the size already passes through as it is.

    Args:
        align_corners: the centres of the corner pixels stay where they are.
    """

    def __init__(self, align_corners: bool = False) -> None:
        super().__init__()
        self.align_corners = align_corners

    def forward(self, x: Tensor, size: Any) -> Tensor:
        """(N, C, h, w) → (N, C, H, W), where ``size`` is (H, W) as ``spatial_size`` gives it."""
        return resize_bilinear(x, size, align_corners=self.align_corners)

    def extra_repr(self) -> str:
        """Say how it resizes."""
        return f"align_corners={self.align_corners}"


trace_as_written(__name__)
