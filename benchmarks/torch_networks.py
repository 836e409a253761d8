"""Networks in PyTorch, layer for layer like core.networks: the peers of benchmarks.

``EfficientNetFPN`` has their names, too: scripts/make_efficientnet_oracle.py fills it by them.
"""

from __future__ import annotations

from collections import OrderedDict

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


class EfficientNetUnit(nn.Module):
    """Convolution with TensorFlow's padding, batch norm, ReLU6 unless ``activation`` is off."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        activation: bool = True,
    ) -> None:
        super().__init__()
        before = (kernel - stride) // 2
        after = kernel - before - 1
        self.padding = (before, after, before, after) if stride > 1 else None
        inside = 0 if self.padding else kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, inside, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)
        self.activation = nn.ReLU6(inplace=True) if activation else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the unit's output."""
        x = x if self.padding is None else F.pad(x, self.padding)
        return self.activation(self.norm(self.conv(x)))


class EfficientNetBlock(nn.Module):
    """Inverted bottleneck; the first of all expands nothing."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = expansion * inputs
        self.expand = EfficientNetUnit(inputs, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = EfficientNetUnit(wide, wide, kernel, stride=stride, groups=wide)
        self.project = EfficientNetUnit(wide, outputs, 1, activation=False)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 without its classifier."""

    #: kernel, stride, expansion, channels, blocks; which stages' outputs are features
    STAGES = (
        (3, 1, 1, 16, 1),
        (3, 2, 6, 24, 2),
        (5, 2, 6, 40, 2),
        (3, 2, 6, 80, 3),
        (5, 1, 6, 112, 3),
        (5, 2, 6, 192, 4),
        (3, 1, 6, 320, 1),
    )
    FEATURES = (1, 2, 4, 6)

    def __init__(self) -> None:
        super().__init__()
        self.stem = EfficientNetUnit(3, 32, 3, stride=2)
        blocks: list[nn.Module] = []
        self.ends = []
        inputs = 32
        for number, (kernel, stride, expansion, outputs, count) in enumerate(self.STAGES):
            for index in range(count):
                step = 1 if index else stride
                blocks.append(EfficientNetBlock(inputs, outputs, kernel, step, expansion))
                inputs = outputs
            if number in self.FEATURES:
                self.ends.append(len(blocks))
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features at 1/4, 1/8, 1/16 and 1/32."""
        x = self.stem(x)
        features = []
        for number, block in enumerate(self.blocks, start=1):
            x = block(x)
            if number in self.ends:
                features.append(x)
        return features


def named_conv_bn(inputs: int, outputs: int, kernel: int, *, groups: int = 1) -> nn.Sequential:
    """Convolution and batch norm under the names that core.networks.layers has for them."""
    conv, norm = conv_bn(inputs, outputs, kernel, groups=groups, bias=False)
    return nn.Sequential(OrderedDict(_conv=conv, _batch_norm=norm))


def named_separable(channels: int) -> nn.Sequential:
    """Separable convolution under the names that core.networks.layers has for its parts."""
    pointwise = named_conv_bn(channels, channels, 1)
    pointwise.add_module("_relu", nn.ReLU(inplace=True))
    depthwise = named_conv_bn(channels, channels, 3, groups=channels)
    return nn.Sequential(OrderedDict(depthwise_conv=depthwise, piontwise_conv=pointwise))


class FeaturePyramid(nn.Module):
    """Feature pyramid whose scales are added up."""

    def __init__(self, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(named_conv_bn(width, channels, 1) for width in widths)
        self.smooths = nn.ModuleList(named_separable(channels) for _ in widths)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the sum of the scales at the finest one's size."""
        scales = [lateral(x) for lateral, x in zip(self.laterals, features, strict=True)]
        for level in (2, 1, 0):
            scales[level] = scales[level] + resize(scales[level + 1], scales[level])
        total, *rest = (smooth(x) for smooth, x in zip(self.smooths, scales, strict=True))
        for scale in rest:
            total = total + resize(scale, total)
        return total


class EfficientNetFPN(nn.Module):
    """EfficientNet-Lite0 and a feature pyramid."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.backbone = EfficientNetLite0()
        self.decoder = FeaturePyramid((24, 40, 112, 320), 96)
        self.classifier = nn.Sequential(
            OrderedDict(
                conv_bn_relu=named_separable(96),
                dropout=nn.Dropout(0.1),
                conv=nn.Conv2d(96, num_classes, 1),
            )
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits."""
        return [resize(self.classifier(self.decoder(self.backbone(x))), x)]
