"""ResNet-D with dilated last stages (He et al. 2019, arXiv:1812.01187)."""

from __future__ import annotations

from collections.abc import Sequence

from paddle import Tensor, nn

from core.networks.layers import ConvBN, ConvBNReLU
from core.networks.operators import Add
from core.networks.tracing import trace_as_written

BLOCKS: dict[str, tuple[int, int, int, int]] = {
    "ResNet50_vd": (3, 4, 6, 3),
    "ResNet101_vd": (3, 4, 23, 3),
}
STAGE_CHANNELS = (256, 512, 1024, 2048)
# Dilation instead of stride keeps the last stages at 1/output_stride of the image.
_DILATIONS = {8: (1, 1, 2, 4), 16: (1, 1, 1, 2)}


class ResNetVd(nn.Layer):
    """Four stages of bottlenecks behind a stem of three 3×3 convolutions.

    Args:
        name: which depth.
        output_stride: 8 or 16: image size over the size of the last stage's features.
        multi_grid: factors on the dilation of the last stage's three blocks.
    """

    def __init__(
        self, name: str, *, output_stride: int = 8, multi_grid: Sequence[int] = (1, 1, 1)
    ) -> None:
        super().__init__()
        self.conv1_1 = _conv(3, 32, 3, stride=2)
        self.conv1_2 = _conv(32, 32, 3)
        self.conv1_3 = _conv(32, 64, 3)
        self.pool2d_max = nn.MaxPool2D(kernel_size=3, stride=2, padding=1)
        self._stages: list[list[str]] = []
        in_channels = 64
        for stage, count in enumerate(BLOCKS[name]):
            names = []
            for block in range(count):
                dilation = _DILATIONS[output_stride][stage]
                if stage == 3:
                    dilation *= multi_grid[block]
                downsamples = block == 0 and stage > 0 and dilation == 1
                names.append(f"bb_{stage}_{block}")
                self.add_sublayer(
                    names[-1],
                    Bottleneck(
                        in_channels,
                        STAGE_CHANNELS[stage],
                        stride=2 if downsamples else 1,
                        dilation=dilation,
                    ),
                )
                in_channels = STAGE_CHANNELS[stage]
            self._stages.append(names)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) → the four stages' features, finest first."""
        x = self.pool2d_max(self.conv1_3(self.conv1_2(self.conv1_1(x))))
        features = []
        for names in self._stages:
            for name in names:
                x = getattr(self, name)(x)
            features.append(x)
        return features


class Bottleneck(nn.Layer):
    """1×1, 3×3 and 1×1 convolution beside a shortcut that averages where it downsamples."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, dilation: int) -> None:
        super().__init__()
        inner = out_channels // 4
        self.conv0 = _conv(in_channels, inner, 1)
        self.conv1 = _conv(inner, inner, 3, stride=stride, dilation=dilation)
        self.conv2 = ConvBN(inner, out_channels, 1, padding=0, bias_attr=False)
        self.short: nn.Layer | None = None
        if in_channels != out_channels:
            self.short = ConvBN(in_channels, out_channels, 1, padding=0, bias_attr=False)
        self.pool = nn.AvgPool2D(kernel_size=2, stride=2, ceil_mode=True) if stride == 2 else None
        self.add = Add()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, out, H / stride, W / stride), sizes rounded up."""
        shortcut = x
        if self.pool is not None:
            shortcut = self.pool(shortcut)
        if self.short is not None:
            shortcut = self.short(shortcut)
        return self.relu(self.add(shortcut, self.conv2(self.conv1(self.conv0(x)))))


def _conv(
    in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1, dilation: int = 1
) -> ConvBNReLU:
    return ConvBNReLU(
        in_channels,
        out_channels,
        kernel_size,
        stride=stride,
        padding=dilation * (kernel_size // 2),
        dilation=dilation,
        bias_attr=False,
    )


trace_as_written(__name__)
