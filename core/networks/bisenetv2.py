"""BiSeNet V2: two-branch real-time segmentation (Yu et al. 2021, arXiv:2004.02147)."""

from __future__ import annotations

from paddle import Tensor, nn

from core.networks.layers import ConvBN, ConvBNReLU, DepthwiseConvBN, initialize_convolutions
from core.networks.operators import Add, Concat, Multiply, Resize
from core.networks.resize import spatial_size
from core.networks.tracing import trace_as_written

_EXPANSION = 6


class BiSeNetV2Net(nn.Layer):
    """BiSeNet V2 with PaddleSeg's parameter names; semantic channels are a quarter (λ = 1/4).

    Args:
        num_classes: classes to tell apart.
        align_corners: how features and logits are resized.
    """

    def __init__(self, num_classes: int, align_corners: bool = False) -> None:
        super().__init__()
        self.db = DetailBranch()
        self.sb = SemanticBranch()
        self.bga = BilateralGuidedAggregation(128, align_corners)
        self.aux_head1 = SegmentationHead(16, num_classes)
        self.aux_head2 = SegmentationHead(32, num_classes)
        self.aux_head3 = SegmentationHead(64, num_classes)
        self.aux_head4 = SegmentationHead(128, num_classes)
        self.head = SegmentationHead(128, num_classes)
        self.resizes = nn.LayerList(Resize(align_corners) for _ in range(5))
        initialize_convolutions(self, nn.initializer.KaimingNormal())

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) → [logits], in training followed by four auxiliary logits."""
        size = spatial_size(x)
        detail = self.db(x)
        *stages, context = self.sb(x)
        outputs = [self.head(self.bga(detail, context))]
        if self.training:
            heads = (self.aux_head1, self.aux_head2, self.aux_head3, self.aux_head4)
            outputs += [head(stages[index]) for index, head in enumerate(heads)]
        return [self.resizes[index](logits, size) for index, logits in enumerate(outputs)]


class DetailBranch(nn.Layer):
    """Shallow and wide: image → 128 channels at 1/8."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            ConvBNReLU(3, 64, 3, stride=2),
            ConvBNReLU(64, 64, 3),
            ConvBNReLU(64, 64, 3, stride=2),
            ConvBNReLU(64, 64, 3),
            ConvBNReLU(64, 64, 3),
            ConvBNReLU(64, 128, 3, stride=2),
            ConvBNReLU(128, 128, 3),
            ConvBNReLU(128, 128, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the detail features."""
        return self.convs(x)


class SemanticBranch(nn.Layer):
    """Deep and narrow: image → 16, 32, 64, 128 channels at 1/4 … 1/32, and context."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem(16)
        self.stage3 = nn.Sequential(GatherExpandDown(16, 32), GatherExpand(32))
        self.stage4 = nn.Sequential(GatherExpandDown(32, 64), GatherExpand(64))
        self.stage5_4 = nn.Sequential(
            GatherExpandDown(64, 128), GatherExpand(128), GatherExpand(128), GatherExpand(128)
        )
        self.ce = ContextEmbedding(128)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return the four stages, finest first, and the last with its context embedded."""
        stage2 = self.stem(x)
        stage3 = self.stage3(stage2)
        stage4 = self.stage4(stage3)
        stage5 = self.stage5_4(stage4)
        return stage2, stage3, stage4, stage5, self.ce(stage5)


class Stem(nn.Layer):
    """Downsample fourfold by convolutions and by pooling, and join both."""

    def __init__(self, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(3, out_channels, 3, stride=2)
        self.left = nn.Sequential(
            ConvBNReLU(out_channels, out_channels // 2, 1),
            ConvBNReLU(out_channels // 2, out_channels, 3, stride=2),
        )
        self.right = nn.MaxPool2D(kernel_size=3, stride=2, padding=1)
        self.concat = Concat()
        self.fuse = ConvBNReLU(out_channels * 2, out_channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return features at 1/4."""
        x = self.conv(x)
        return self.fuse(self.concat([self.left(x), self.right(x)]))


class GatherExpand(nn.Layer):
    """Gather-and-expansion layer that keeps the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        expanded = channels * _EXPANSION
        self.conv = nn.Sequential(
            ConvBNReLU(channels, channels, 3),
            DepthwiseConvBN(channels, expanded, 3),
            ConvBN(expanded, channels, 1),
        )
        self.add = Add()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return self.relu(self.add(self.conv(x), x))


class GatherExpandDown(nn.Layer):
    """Gather-and-expansion layer that halves the size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        expanded = in_channels * _EXPANSION
        self.branch_1 = nn.Sequential(
            ConvBNReLU(in_channels, in_channels, 3),
            DepthwiseConvBN(in_channels, expanded, 3, stride=2),
            DepthwiseConvBN(expanded, expanded, 3),
            ConvBN(expanded, out_channels, 1),
        )
        self.branch_2 = nn.Sequential(
            DepthwiseConvBN(in_channels, in_channels, 3, stride=2),
            ConvBN(in_channels, out_channels, 1),
        )
        self.add = Add()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return features at half the size, rounded up."""
        return self.relu(self.add(self.branch_1(x), self.branch_2(x)))


class ContextEmbedding(nn.Layer):
    """Add the whole image's mean features, embedded, to every place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gap = nn.AdaptiveAvgPool2D(1)
        self.bn = nn.BatchNorm2D(channels)
        self.conv_1x1 = ConvBNReLU(channels, channels, 1)
        self.add = Add()
        self.conv_3x3 = nn.Conv2D(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return self.conv_3x3(self.add(self.conv_1x1(self.bn(self.gap(x))), x))


class BilateralGuidedAggregation(nn.Layer):
    """Let each branch gate the other, at both resolutions, and add the results."""

    def __init__(self, channels: int, align_corners: bool) -> None:
        super().__init__()
        self.db_branch_keep = nn.Sequential(
            DepthwiseConvBN(channels, channels, 3), nn.Conv2D(channels, channels, 1)
        )
        self.db_branch_down = nn.Sequential(
            ConvBN(channels, channels, 3, stride=2),
            nn.AvgPool2D(kernel_size=3, stride=2, padding=1),
        )
        self.sb_branch_keep = nn.Sequential(
            DepthwiseConvBN(channels, channels, 3), nn.Conv2D(channels, channels, 1), nn.Sigmoid()
        )
        self.sb_branch_up = ConvBN(channels, channels, 3)
        self.conv = ConvBN(channels, channels, 3)
        self.resize_gate = Resize(align_corners)
        self.sigmoid = nn.Sigmoid()
        self.multiply_fine = Multiply()
        self.multiply_coarse = Multiply()
        self.resize_coarse = Resize(align_corners)
        self.add = Add()

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        """Detail at 1/8 and context at 1/32 → features at 1/8."""
        size = spatial_size(detail)
        gate = self.sigmoid(self.resize_gate(self.sb_branch_up(context), size))
        fine = self.multiply_fine(self.db_branch_keep(detail), gate)
        coarse = self.multiply_coarse(self.db_branch_down(detail), self.sb_branch_keep(context))
        return self.conv(self.add(fine, self.resize_coarse(coarse, size)))


class SegmentationHead(nn.Layer):
    """3×3 ``ConvBNReLU``, dropout, 1×1 convolution to logits."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv_3x3 = nn.Sequential(ConvBNReLU(channels, channels, 3), nn.Dropout(p=0.1))
        self.conv_1x1 = nn.Conv2D(channels, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits at the features' size."""
        return self.conv_1x1(self.conv_3x3(x))


trace_as_written(__name__)
