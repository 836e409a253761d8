"""Fast-SCNN and U-Net in PyTorch, layer for layer like core.networks: the peers of benchmarks."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def conv_bn(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1, bias: bool = True
) -> nn.Sequential:
    """Convolution and batch norm."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias),
        nn.BatchNorm2d(outputs),
    )


def conv_bn_relu(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1, bias: bool = True
) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    block = conv_bn(inputs, outputs, kernel, stride=stride, groups=groups, bias=bias)
    return block.append(nn.ReLU(inplace=True))


def separable(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """Depthwise conv_bn and pointwise conv_bn_relu."""
    depthwise = conv_bn(inputs, inputs, 3, stride=stride, groups=inputs)
    return nn.Sequential(depthwise, conv_bn_relu(inputs, outputs, 1))


def resize(x: Tensor, like: Tensor, *, align_corners: bool = False) -> Tensor:
    """Resize ``x`` bilinearly to the size of ``like``."""
    return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=align_corners)


class Bottleneck(nn.Module):
    """Inverted bottleneck."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        wide = 6 * inputs
        self.shortcut = stride == 1 and inputs == outputs
        self.block = nn.Sequential(
            conv_bn_relu(inputs, wide, 1, bias=False),
            conv_bn_relu(wide, wide, 3, stride=stride, groups=wide, bias=False),
            conv_bn(wide, outputs, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        return x + self.block(x) if self.shortcut else self.block(x)


class PyramidPooling(nn.Module):
    """Pyramid pooling with bins 1, 2, 3, 6."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), conv_bn_relu(channels, channels // 4, 1))
            for bins in (1, 2, 3, 6)
        )
        self.fuse = conv_bn_relu(2 * channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with its contexts."""
        contexts = [resize(stage(x), x, align_corners=True) for stage in self.stages]
        return self.fuse(torch.cat([x, *reversed(contexts)], dim=1))


class FastSCNN(nn.Module):
    """Fast-SCNN with its auxiliary head."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.downsample = nn.Sequential(
            conv_bn_relu(3, 32, 3, stride=2),
            separable(32, 48, stride=2),
            separable(48, 64, stride=2),
        )
        widths = [
            (64, 64, 2),
            (64, 64, 1),
            (64, 64, 1),
            (64, 96, 2),
            (96, 96, 1),
            (96, 96, 1),
            (96, 128, 1),
            (128, 128, 1),
            (128, 128, 1),
        ]
        self.context = nn.Sequential(*(Bottleneck(*w) for w in widths), PyramidPooling(128))
        self.low = nn.Sequential(
            conv_bn_relu(128, 128, 3, groups=128, bias=False), conv_bn(128, 128, 1)
        )
        self.high = conv_bn(64, 128, 1)
        self.head = nn.Sequential(
            separable(128, 128),
            separable(128, 128),
            nn.Dropout(0.1),
            nn.Conv2d(128, num_classes, 1),
        )
        self.auxiliary = nn.Sequential(
            conv_bn_relu(64, 32, 3), nn.Dropout(0.1), nn.Conv2d(32, num_classes, 1)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the two heads' logits."""
        detail = self.downsample(x)
        context = resize(self.context(detail), detail)
        fused = F.relu(self.high(detail) + self.low(context))
        return [resize(self.head(fused), x), resize(self.auxiliary(detail), x)]


class UNet(nn.Module):
    """U-Net with bilinear upsampling."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        widths = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 512)]
        self.down = nn.ModuleList(self._double(*pair) for pair in widths)
        self.up = nn.ModuleList(
            self._double(2 * inputs, outputs)
            for inputs, outputs in ((512, 256), (256, 128), (128, 64), (64, 64))
        )
        self.head = nn.Conv2d(64, num_classes, 3, padding=1)

    @staticmethod
    def _double(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(conv_bn_relu(inputs, outputs, 3), conv_bn_relu(outputs, outputs, 3))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits."""
        shortcuts = [self.down[0](x)]
        for level in list(self.down)[1:]:
            shortcuts.append(level(F.max_pool2d(shortcuts[-1], 2)))
        y = shortcuts.pop()
        for level in self.up:
            shortcut = shortcuts.pop()
            y = level(torch.cat([resize(y, shortcut), shortcut], dim=1))
        return [self.head(y)]
