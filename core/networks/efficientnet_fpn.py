"""A pretrained EfficientNet-Lite0 with a light feature pyramid on top.

The pyramid is that of Lin et al. 2017 (arXiv:1612.03144), read out as in Kirillov et al. 2019
(arXiv:1901.02446): every scale is filtered, brought to 1/4 of the image and added up. Separable
convolutions keep it a small part of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from paddle import Tensor, nn

from core.networks.efficientnet_lite import FEATURE_CHANNELS, EfficientNetLite0
from core.networks.layers import ConvBN, SeparableConvBNReLU
from core.networks.operators import Add, Resize
from core.networks.resize import spatial_size
from core.networks.tracing import trace_as_written

_CHANNELS: Final = 96


class EfficientNetFPNNet(nn.Layer):
    """EfficientNet-Lite0 and a feature pyramid.

    Args:
        num_classes: classes to tell apart.
        align_corners: how features and logits are resized.
    """

    def __init__(self, num_classes: int, align_corners: bool = False) -> None:
        super().__init__()
        self.backbone = EfficientNetLite0()
        self.decoder = FeaturePyramid(FEATURE_CHANNELS, _CHANNELS, align_corners=align_corners)
        self.classifier = Classifier(_CHANNELS, num_classes)
        self.resize = Resize(align_corners)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) → [logits (N, num_classes, H, W)]."""
        size = spatial_size(x)
        return [self.resize(self.classifier(self.decoder(self.backbone(x))), size)]


class FeaturePyramid(nn.Layer):
    """Features of several scales, finest first → (N, channels, H/4, W/4)."""

    def __init__(self, in_channels: Sequence[int], channels: int, *, align_corners: bool) -> None:
        super().__init__()
        levels = len(in_channels)
        self.laterals = nn.LayerList(
            ConvBN(count, channels, 1, bias_attr=False) for count in in_channels
        )
        self.smooths = nn.LayerList(
            SeparableConvBNReLU(
                channels, channels, 3, padding=1, bias_attr=False, pointwise_bias=False
            )
            for _ in in_channels
        )
        self.resizes = nn.LayerList(Resize(align_corners) for _ in range(levels - 1))
        self.adds = nn.LayerList(Add() for _ in range(levels - 1))
        self.read_resizes = nn.LayerList(Resize(align_corners) for _ in range(levels - 1))
        self.read_adds = nn.LayerList(Add() for _ in range(levels - 1))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return the sum of all scales at the finest one's size."""
        x = self.laterals[-1](features[-1])
        pyramid = [x]
        for level in reversed(range(len(features) - 1)):
            lateral = self.laterals[level](features[level])
            x = self.adds[level](lateral, self.resizes[level](x, spatial_size(lateral)))
            pyramid.insert(0, x)
        scales = [smooth(one) for smooth, one in zip(self.smooths, pyramid, strict=True)]
        total, *coarser = scales
        size = spatial_size(total)
        for add, resize, scale in zip(self.read_adds, self.read_resizes, coarser, strict=True):
            total = add(total, resize(scale, size))
        return total


class Classifier(nn.Layer):
    """A separable convolution, dropout and a 1×1 convolution to logits."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv_bn_relu = SeparableConvBNReLU(
            in_channels, in_channels, 3, padding=1, bias_attr=False, pointwise_bias=False
        )
        self.dropout = nn.Dropout(p=0.1)
        self.conv = nn.Conv2D(in_channels, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits at the features' size."""
        return self.conv(self.dropout(self.conv_bn_relu(x)))


trace_as_written(__name__)
