"""BiSeNet V2, DeepLabv3+ and HRNet in PyTorch, layer for layer like core.networks."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_networks import conv_bn, conv_bn_relu, resize, separable


class GatherExpand(nn.Module):
    """BiSeNet V2's gather-and-expansion layer; with other ``outputs`` it halves the size."""

    def __init__(self, inputs: int, outputs: int | None = None) -> None:
        super().__init__()
        wide = 6 * inputs
        layers = [conv_bn_relu(inputs, inputs, 3)]
        if outputs is None:
            layers.append(conv_bn(inputs, wide, 3, groups=inputs))
        else:
            layers.append(conv_bn(inputs, wide, 3, stride=2, groups=inputs))
            layers.append(conv_bn(wide, wide, 3, groups=wide))
        self.block = nn.Sequential(*layers, conv_bn(wide, outputs or inputs, 1))
        self.shortcut: nn.Module = nn.Identity()
        if outputs is not None:
            self.shortcut = nn.Sequential(
                conv_bn(inputs, inputs, 3, stride=2, groups=inputs), conv_bn(inputs, outputs, 1)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output."""
        return F.relu(self.block(x) + self.shortcut(x))


class BiSeNetV2(nn.Module):
    """BiSeNet V2 with its four auxiliary heads."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.detail = nn.Sequential(
            conv_bn_relu(3, 64, 3, stride=2),
            conv_bn_relu(64, 64, 3),
            conv_bn_relu(64, 64, 3, stride=2),
            conv_bn_relu(64, 64, 3),
            conv_bn_relu(64, 64, 3),
            conv_bn_relu(64, 128, 3, stride=2),
            conv_bn_relu(128, 128, 3),
            conv_bn_relu(128, 128, 3),
        )
        self.stem = conv_bn_relu(3, 16, 3, stride=2)
        self.left = nn.Sequential(conv_bn_relu(16, 8, 1), conv_bn_relu(8, 16, 3, stride=2))
        self.right = nn.MaxPool2d(3, 2, 1)
        self.fuse = conv_bn_relu(32, 16, 3)
        self.stage3 = nn.Sequential(GatherExpand(16, 32), GatherExpand(32))
        self.stage4 = nn.Sequential(GatherExpand(32, 64), GatherExpand(64))
        self.stage5 = nn.Sequential(GatherExpand(64, 128), *(GatherExpand(128) for _ in range(3)))
        self.context_norm = nn.BatchNorm2d(128)
        self.context = conv_bn_relu(128, 128, 1)
        self.context_last = nn.Conv2d(128, 128, 3, padding=1)
        self.fine = nn.Sequential(conv_bn(128, 128, 3, groups=128), nn.Conv2d(128, 128, 1))
        self.fine_gate = conv_bn(128, 128, 3)
        self.coarse = nn.Sequential(conv_bn(128, 128, 3, stride=2), nn.AvgPool2d(3, 2, 1))
        self.coarse_gate = nn.Sequential(
            conv_bn(128, 128, 3, groups=128), nn.Conv2d(128, 128, 1), nn.Sigmoid()
        )
        self.join = conv_bn(128, 128, 3)
        self.heads = nn.ModuleList(
            nn.Sequential(
                conv_bn_relu(width, width, 3), nn.Dropout(0.1), nn.Conv2d(width, num_classes, 1)
            )
            for width in (128, 16, 32, 64, 128)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the five heads' logits."""
        detail = self.detail(x)
        stem = self.stem(x)
        stages = [self.fuse(torch.cat([self.left(stem), self.right(stem)], dim=1))]
        for stage in (self.stage3, self.stage4, self.stage5):
            stages.append(stage(stages[-1]))
        pooled = self.context(self.context_norm(stages[-1].mean((2, 3), keepdim=True)))
        context = self.context_last(pooled + stages[-1])
        fine = self.fine(detail) * resize(self.fine_gate(context), detail).sigmoid()
        coarse = self.coarse(detail) * self.coarse_gate(context)
        features = [self.join(fine + resize(coarse, fine)), *stages]
        heads = zip(self.heads, features, strict=True)
        return [resize(head(one), x) for head, one in heads]


def dilated(inputs: int, outputs: int, *, dilation: int, groups: int = 1) -> nn.Sequential:
    """3×3 convolution with holes, and batch norm."""
    conv, norm = conv_bn(inputs, outputs, 3, groups=groups, bias=groups > 1)
    conv.dilation, conv.padding = (dilation, dilation), (dilation, dilation)
    return nn.Sequential(conv, norm)


class ResNetBlock(nn.Module):
    """Bottleneck of ResNet-D, or of HRNet's first stage."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        inner = outputs // 4
        middle = conv_bn(inner, inner, 3, stride=stride, bias=False)
        if dilation > 1:
            middle = dilated(inner, inner, dilation=dilation)
        self.block = nn.Sequential(
            conv_bn_relu(inputs, inner, 1, bias=False),
            middle,
            nn.ReLU(inplace=True),
            conv_bn(inner, outputs, 1, bias=False),
        )
        shortcut: list[nn.Module] = []
        if stride == 2:
            shortcut.append(nn.AvgPool2d(2, 2, ceil_mode=True))
        if inputs != outputs:
            shortcut.append(conv_bn(inputs, outputs, 1, bias=False))
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        return F.relu(self.shortcut(x) + self.block(x))


class DeepLabV3P(nn.Module):
    """DeepLabv3+ on ResNet50-D with output stride 8."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv_bn_relu(3, 32, 3, stride=2, bias=False),
            conv_bn_relu(32, 32, 3, bias=False),
            conv_bn_relu(32, 64, 3, bias=False),
            nn.MaxPool2d(3, 2, 1),
        )
        inputs = 64
        stages = []
        for outputs, count, stride, dilation in (
            (256, 3, 1, 1),
            (512, 4, 2, 1),
            (1024, 6, 1, 2),
            (2048, 3, 1, 4),
        ):
            blocks = []
            for index in range(count):
                first = stride if index == 0 else 1
                blocks.append(ResNetBlock(inputs, outputs, stride=first, dilation=dilation))
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.branches = nn.ModuleList(
            [
                conv_bn_relu(2048, 256, 1),
                *(
                    nn.Sequential(
                        dilated(2048, 2048, dilation=ratio, groups=2048),
                        conv_bn_relu(2048, 256, 1),
                    )
                    for ratio in (12, 24, 36)
                ),
            ]
        )
        self.pooled = conv_bn_relu(2048, 256, 1, bias=False)
        self.project = nn.Sequential(conv_bn_relu(5 * 256, 256, 1), nn.Dropout(0.1))
        self.low = conv_bn_relu(256, 48, 1)
        self.decoder = nn.Sequential(
            separable(304, 256), separable(256, 256), nn.Conv2d(256, num_classes, 1)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits."""
        features = self.stem(x)
        low = None
        for stage in self.stages:
            features = stage(features)
            low = features if low is None else low
        branches = [branch(features) for branch in self.branches]
        pooled = self.pooled(features.mean((2, 3), keepdim=True))
        context = self.project(torch.cat([*branches, resize(pooled, features)], dim=1))
        detail = self.low(low)
        joined = torch.cat([resize(context, detail), detail], dim=1)
        return [resize(self.decoder(joined), x)]


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            conv_bn_relu(channels, channels, 3, bias=False),
            conv_bn(channels, channels, 3, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        return F.relu(self.block(x) + x)


class HRModule(nn.Module):
    """Four blocks on each branch, then every branch receives from all others."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width) for _ in range(4))) for width in widths
        )
        self.paths = nn.ModuleList(
            nn.ModuleList(self._path(widths, source, target) for source in range(len(widths)))
            for target in range(len(widths))
        )

    @staticmethod
    def _path(widths: list[int], source: int, target: int) -> nn.Module:
        inputs, outputs = widths[source], widths[target]
        if source == target:
            return nn.Identity()
        if source > target:
            return conv_bn(inputs, outputs, 1, bias=False)
        steps = [
            conv_bn_relu(inputs, inputs, 3, stride=2, bias=False)
            for _ in range(target - source - 1)
        ]
        return nn.Sequential(*steps, conv_bn(inputs, outputs, 3, stride=2, bias=False))

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        """Return branches of the same shapes."""
        done = [layers(x) for layers, x in zip(self.branches, branches, strict=True)]
        fused = []
        for paths, like in zip(self.paths, done, strict=True):
            parts = (resize(path(x), like) for path, x in zip(paths, done, strict=True))
            fused.append(F.relu(sum(parts)))
        return fused


class HRNet(nn.Module):
    """HRNet of width 48 with a fully convolutional head."""

    def __init__(self, num_classes: int, width: int = 48) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.stem = nn.Sequential(
            conv_bn_relu(3, 64, 3, stride=2, bias=False),
            conv_bn_relu(64, 64, 3, stride=2, bias=False),
            ResNetBlock(64, 256),
            *(ResNetBlock(256, 256) for _ in range(3)),
        )
        self.first = nn.ModuleList(
            [
                conv_bn_relu(256, widths[0], 3, bias=False),
                conv_bn_relu(256, widths[1], 3, stride=2, bias=False),
            ]
        )
        self.starts = nn.ModuleList(
            conv_bn_relu(widths[level], widths[level + 1], 3, stride=2, bias=False)
            for level in (1, 2)
        )
        self.stages = nn.ModuleList(
            nn.ModuleList(HRModule(widths[:branches]) for _ in range(count))
            for branches, count in ((2, 1), (3, 4), (4, 3))
        )
        self.head = nn.Sequential(
            conv_bn_relu(15 * width, 15 * width, 1), nn.Conv2d(15 * width, num_classes, 1)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits."""
        features = self.stem(x)
        branches = [layer(features) for layer in self.first]
        for level, modules in enumerate(self.stages):
            for module in modules:
                branches = module(branches)
            if level < len(self.starts):
                branches.append(self.starts[level](branches[-1]))
        finest, *others = branches
        joined = torch.cat([finest, *(resize(x_, finest) for x_ in others)], dim=1)
        return [resize(self.head(joined), x)]
