"""DeepLabv3+ (Chen et al. 2018, arXiv:1802.02611) on ResNet-D."""

from __future__ import annotations

from collections.abc import Sequence

from paddle import Tensor, nn

from core.networks.layers import ASPPModule, ConvBNReLU, SeparableConvBNReLU
from core.networks.operators import Concat, Resize
from core.networks.resize import spatial_size
from core.networks.resnet_vd import STAGE_CHANNELS, ResNetVd
from core.networks.tracing import trace_as_written

_DECODER_CHANNELS = 256
_LOW_LEVEL_CHANNELS = 48


class DeepLabV3PNet(nn.Layer):
    """DeepLabv3+ with PaddleSeg's parameter names.

    Args:
        num_classes: classes to tell apart.
        backbone: ``"ResNet50_vd"`` or ``"ResNet101_vd"``.
        output_stride: 8 or 16: image size over the size of the deepest features.
        backbone_indices: the stages (0 … 3) that feed the decoder and the pyramid pooling.
        aspp_ratios: dilations of the pyramid's branches.
        aspp_out_channels: channels of the pyramid pooling.
        align_corners: how features and logits are resized.
        multi_grid: factors on the dilation of the last stage's three blocks.
    """

    def __init__(
        self,
        num_classes: int,
        backbone: str = "ResNet50_vd",
        output_stride: int = 8,
        backbone_indices: Sequence[int] = (0, 3),
        aspp_ratios: Sequence[int] = (1, 12, 24, 36),
        aspp_out_channels: int = 256,
        align_corners: bool = False,
        multi_grid: Sequence[int] = (1, 1, 1),
    ) -> None:
        super().__init__()
        self.backbone = ResNetVd(backbone, output_stride=output_stride, multi_grid=multi_grid)
        self.head = Head(
            num_classes,
            backbone_indices,
            aspp_ratios=aspp_ratios,
            aspp_out_channels=aspp_out_channels,
            align_corners=align_corners,
        )
        self.resize = Resize(align_corners)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) → [logits (N, num_classes, H, W)]."""
        logits = self.head(self.backbone(x))
        return [self.resize(logits, spatial_size(x))]


class Head(nn.Layer):
    """Pyramid pooling of a deep stage, decoded with the detail of an early one."""

    def __init__(
        self,
        num_classes: int,
        stages: Sequence[int],
        *,
        aspp_ratios: Sequence[int],
        aspp_out_channels: int,
        align_corners: bool,
    ) -> None:
        super().__init__()
        self._low_level, self._deep = stages
        self.aspp = ASPPModule(
            STAGE_CHANNELS[self._deep],
            aspp_out_channels,
            ratios=aspp_ratios,
            align_corners=align_corners,
        )
        self.decoder = Decoder(
            aspp_out_channels, STAGE_CHANNELS[self._low_level], num_classes, align_corners
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """The backbone's four stages → logits at the low-level stage's size."""
        return self.decoder(self.aspp(features[self._deep]), features[self._low_level])


class Decoder(nn.Layer):
    """Join context with reduced low-level features and refine twice."""

    def __init__(
        self, in_channels: int, low_level_channels: int, num_classes: int, align_corners: bool
    ) -> None:
        super().__init__()
        self.conv_bn_relu1 = ConvBNReLU(low_level_channels, _LOW_LEVEL_CHANNELS, 1)
        self.conv_bn_relu2 = SeparableConvBNReLU(
            in_channels + _LOW_LEVEL_CHANNELS, _DECODER_CHANNELS, 3, padding=1
        )
        self.conv_bn_relu3 = SeparableConvBNReLU(_DECODER_CHANNELS, _DECODER_CHANNELS, 3, padding=1)
        self.conv = nn.Conv2D(_DECODER_CHANNELS, num_classes, 1)
        self.resize = Resize(align_corners)
        self.concat = Concat()

    def forward(self, context: Tensor, low_level: Tensor) -> Tensor:
        """Return logits (N, num_classes, H/4, W/4) for the first stage's features."""
        detail = self.conv_bn_relu1(low_level)
        context = self.resize(context, spatial_size(detail))
        x = self.concat([context, detail])
        return self.conv(self.conv_bn_relu3(self.conv_bn_relu2(x)))


trace_as_written(__name__)
