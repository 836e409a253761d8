"""U-Net (Ronneberger et al. 2015, arXiv:1505.04597) with batch norm and padded convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from paddle import Tensor, nn

from core.networks.layers import ConvBNReLU
from core.networks.operators import Concat, Resize
from core.networks.resize import spatial_size
from core.networks.tracing import trace_as_written


class UNetNet(nn.Layer):
    """U-Net with PaddleSeg's parameter names; images need at least 16 × 16 pixels.

    Args:
        num_classes: classes to tell apart.
        use_deconv: upsample with a learnt transposed convolution instead of bilinearly.
        align_corners: how features are resized.
    """

    def __init__(
        self, num_classes: int, use_deconv: bool = False, align_corners: bool = False
    ) -> None:
        super().__init__()
        self.encode = Encoder()
        self.decode = Decoder(use_deconv=use_deconv, align_corners=align_corners)
        # One layer under two names: both occur in published weights.
        self.cls = self.conv = nn.Conv2D(64, num_classes, 3, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) → [logits (N, num_classes, H, W)]."""
        x, shortcuts = self.encode(x)
        return [self.cls(self.decode(x, shortcuts))]


class Encoder(nn.Layer):
    """Five levels of two convolutions; each level halves the size."""

    def __init__(self) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(ConvBNReLU(3, 64, 3), ConvBNReLU(64, 64, 3))
        self.down_sample_list = nn.LayerList(
            nn.Sequential(
                nn.MaxPool2D(kernel_size=2, stride=2),
                ConvBNReLU(in_channels, out_channels, 3),
                ConvBNReLU(out_channels, out_channels, 3),
            )
            for in_channels, out_channels in ((64, 128), (128, 256), (256, 512), (512, 512))
        )

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the deepest features and the four shortcuts, finest first."""
        shortcuts = []
        x = self.double_conv(x)
        for down_sample in self.down_sample_list:
            shortcuts.append(x)
            x = down_sample(x)
        return x, shortcuts


class Decoder(nn.Layer):
    """Four levels of upsampling, each joined with the encoder's shortcut of its size."""

    def __init__(self, *, use_deconv: bool, align_corners: bool) -> None:
        super().__init__()
        self.up_sample_list = nn.LayerList(
            UpSampling(
                in_channels, out_channels, use_deconv=use_deconv, align_corners=align_corners
            )
            for in_channels, out_channels in ((512, 256), (256, 128), (128, 64), (64, 64))
        )

    def forward(self, x: Tensor, shortcuts: Sequence[Tensor]) -> Tensor:
        """Return features at the image's size (N, 64, H, W)."""
        for level, up_sample in enumerate(self.up_sample_list):
            x = up_sample(x, shortcuts[-1 - level])
        return x


class UpSampling(nn.Layer):
    """Upsample to a shortcut's size, join, convolve twice."""

    def __init__(
        self, in_channels: int, out_channels: int, *, use_deconv: bool, align_corners: bool
    ) -> None:
        super().__init__()
        self.deconv: nn.Layer | None = None
        joined = in_channels * 2
        if use_deconv:
            self.deconv = nn.Conv2DTranspose(
                in_channels, out_channels // 2, kernel_size=2, stride=2
            )
            joined = in_channels + out_channels // 2
        self.resize = Resize(align_corners)
        self.concat = Concat()
        self.double_conv = nn.Sequential(
            ConvBNReLU(joined, out_channels, 3), ConvBNReLU(out_channels, out_channels, 3)
        )

    def forward(self, x: Tensor, shortcut: Tensor) -> Tensor:
        """Return (N, out, H, W) where (H, W) is the shortcut's size."""
        if self.deconv is not None:
            x = self.deconv(x)
        # After a deconvolution only needed where pooling dropped an odd last row or column.
        x = self.resize(x, spatial_size(shortcut))
        return self.double_conv(self.concat([x, shortcut]))


trace_as_written(__name__)
