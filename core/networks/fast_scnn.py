"""Fast-SCNN: real-time segmentation (Poudel et al. 2019, arXiv:1902.04502)."""

from __future__ import annotations

from paddle import Tensor, nn

from core.networks.layers import AuxLayer, ConvBN, ConvBNReLU, PPModule, SeparableConvBNReLU
from core.networks.operators import Add, Resize
from core.networks.resize import spatial_size
from core.networks.tracing import trace_as_written


class FastSCNNNet(nn.Layer):
    """Fast-SCNN with PaddleSeg's parameter names.

    Args:
        num_classes: classes to tell apart.
        align_corners: how features and logits are resized. The pyramid pooling always aligns
            corners, as the published weights were trained.
    """

    def __init__(self, num_classes: int, align_corners: bool = False) -> None:
        super().__init__()
        self.learning_to_downsample = LearningToDownsample()
        self.global_feature_extractor = GlobalFeatureExtractor()
        self.feature_fusion = FeatureFusionModule(align_corners)
        self.classifier = Classifier(128, num_classes)
        self.auxlayer = AuxLayer(64, 32, num_classes)
        self.resize = Resize(align_corners)
        self.resize_auxiliary = Resize(align_corners)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) → [logits, auxiliary logits], each (N, num_classes, H, W)."""
        size = spatial_size(x)
        detail = self.learning_to_downsample(x)
        fused = self.feature_fusion(detail, self.global_feature_extractor(detail))
        return [
            self.resize(self.classifier(fused), size),
            self.resize_auxiliary(self.auxlayer(detail), size),
        ]


class LearningToDownsample(nn.Layer):
    """Three convolutions of stride 2: image → 64 channels at 1/8."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBNReLU(3, 32, 3, stride=2)
        self.dsconv_bn_relu1 = SeparableConvBNReLU(32, 48, 3, stride=2, padding=1)
        self.dsconv_bn_relu2 = SeparableConvBNReLU(48, 64, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the detail features."""
        return self.dsconv_bn_relu2(self.dsconv_bn_relu1(self.conv_bn_relu(x)))


class GlobalFeatureExtractor(nn.Layer):
    """Inverted bottlenecks down to 1/32 and pyramid pooling: 64 → 128 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.bottleneck1 = _bottlenecks(64, 64, stride=2)
        self.bottleneck2 = _bottlenecks(64, 96, stride=2)
        self.bottleneck3 = _bottlenecks(96, 128, stride=1)
        self.ppm = PPModule(128, 128, align_corners=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the context features."""
        return self.ppm(self.bottleneck3(self.bottleneck2(self.bottleneck1(x))))


def _bottlenecks(in_channels: int, out_channels: int, *, stride: int, count: int = 3) -> nn.Layer:
    first = InvertedBottleneck(in_channels, out_channels, stride=stride)
    rest = [InvertedBottleneck(out_channels, out_channels, stride=1) for _ in range(count - 1)]
    return nn.Sequential(first, *rest)


class InvertedBottleneck(nn.Layer):
    """Expand, filter depthwise, project (Sandler et al. 2018, arXiv:1801.04381)."""

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int, expansion: int = 6
    ) -> None:
        super().__init__()
        expanded = in_channels * expansion
        use_shortcut = stride == 1 and in_channels == out_channels
        self.block = nn.Sequential(
            ConvBNReLU(in_channels, expanded, 1, bias_attr=False),
            ConvBNReLU(
                expanded, expanded, 3, stride=stride, padding=1, groups=expanded, bias_attr=False
            ),
            ConvBN(expanded, out_channels, 1, bias_attr=False),
        )
        self.add = Add() if use_shortcut else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, added to ``x`` where shapes agree."""
        out = self.block(x)
        return out if self.add is None else self.add(x, out)


class FeatureFusionModule(nn.Layer):
    """Sum of detail features (64 channels, 1/8) and resized context (128 channels, 1/32)."""

    def __init__(self, align_corners: bool) -> None:
        super().__init__()
        self.dwconv = ConvBNReLU(128, 128, 3, padding=1, groups=128, bias_attr=False)
        self.conv_low_res = ConvBN(128, 128, 1)
        self.conv_high_res = ConvBN(64, 128, 1)
        self.resize = Resize(align_corners)
        self.add = Add()
        self.relu = nn.ReLU()

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        """Return fused features (N, 128, H/8, W/8)."""
        context = self.resize(context, spatial_size(detail))
        context = self.conv_low_res(self.dwconv(context))
        return self.relu(self.add(self.conv_high_res(detail), context))


class Classifier(nn.Layer):
    """Two separable convolutions, dropout and a 1×1 convolution to logits."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.dsconv1 = SeparableConvBNReLU(in_channels, in_channels, 3, padding=1)
        self.dsconv2 = SeparableConvBNReLU(in_channels, in_channels, 3, padding=1)
        self.conv = nn.Conv2D(in_channels, num_classes, 1)
        self.dropout = nn.Dropout(p=0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits at the features' size."""
        return self.conv(self.dropout(self.dsconv2(self.dsconv1(x))))


trace_as_written(__name__)
