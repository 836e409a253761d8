"""HRNet with a fully convolutional head (Wang et al. 2020, arXiv:1908.07919)."""

from __future__ import annotations

from collections.abc import Sequence

from paddle import Tensor, nn

from core.networks.layers import ConvBN, ConvBNReLU, initialize_convolutions
from core.networks.operators import Add, Concat, Resize
from core.networks.resize import spatial_size
from core.networks.tracing import trace_as_written

_MODULES = {"st2": 1, "st3": 4, "st4": 3}
_BLOCKS = 4  # residual blocks in each branch of a module


class HRNetNet(nn.Layer):
    """HRNet with PaddleSeg's parameter names (its FCN on HRNet_W18 or HRNet_W48).

    Args:
        num_classes: classes to tell apart.
        width: channels of the finest branch; each coarser branch has twice as many.
        align_corners: how features and logits are resized.
    """

    def __init__(self, num_classes: int, width: int = 48, align_corners: bool = False) -> None:
        super().__init__()
        self.backbone = Backbone(width, align_corners)
        self.head = Head(width * 15, num_classes)
        self.resize = Resize(align_corners)
        initialize_convolutions(self, nn.initializer.Normal(std=0.001))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) → [logits (N, num_classes, H, W)]."""
        logits = self.head(self.backbone(x))
        return [self.resize(logits, spatial_size(x))]


class Head(nn.Layer):
    """1×1 ``ConvBNReLU`` and 1×1 convolution to logits."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv_1 = ConvBNReLU(channels, channels, 1)
        self.cls = nn.Conv2D(channels, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits at the features' size."""
        return self.cls(self.conv_1(x))


class Backbone(nn.Layer):
    """Branches at 1/4, 1/8, 1/16 and 1/32, started one after another and always exchanging."""

    def __init__(self, width: int, align_corners: bool) -> None:
        super().__init__()
        channels = [width, 2 * width, 4 * width, 8 * width]
        self.conv_layer1_1 = ConvBNReLU(3, 64, 3, stride=2, bias_attr=False)
        self.conv_layer1_2 = ConvBNReLU(64, 64, 3, stride=2, bias_attr=False)
        self.la1 = Bottlenecks(64, 256)
        self.tr1 = Transition([256], channels[:2], "tr1")
        self.st2 = _stage("st2", channels[:2], align_corners)
        self.tr2 = Transition(channels[:2], channels[:3], "tr2")
        self.st3 = _stage("st3", channels[:3], align_corners)
        self.tr3 = Transition(channels[:3], channels, "tr3")
        self.st4 = _stage("st4", channels, align_corners)
        self.resizes = nn.LayerList(Resize(align_corners) for _ in channels[1:])
        self.concat = Concat()

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) → all branches side by side (N, 15 · width, H/4, W/4)."""
        x = self.la1(self.conv_layer1_2(self.conv_layer1_1(x)))
        branches = self.st2(self.tr1([x]))
        branches = self.st3(self.tr2(branches))
        branches = self.st4(self.tr3(branches))
        size = spatial_size(branches[0])
        resized = [
            resize(branch, size) for resize, branch in zip(self.resizes, branches[1:], strict=True)
        ]
        return self.concat([branches[0], *resized])


class Bottlenecks(nn.Layer):
    """The first stage: four bottleneck blocks at 1/4."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self._names = [f"bb_layer2_{index + 1}" for index in range(_BLOCKS)]
        for name in self._names:
            self.add_sublayer(name, Bottleneck(in_channels, out_channels))
            in_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Return features at the same size."""
        for name in self._names:
            x = getattr(self, name)(x)
        return x


class Bottleneck(nn.Layer):
    """1×1, 3×3 and 1×1 convolution beside a shortcut."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        inner = out_channels // 4
        self.conv1 = ConvBNReLU(in_channels, inner, 1, bias_attr=False)
        self.conv2 = ConvBNReLU(inner, inner, 3, bias_attr=False)
        self.conv3 = ConvBN(inner, out_channels, 1, bias_attr=False)
        self.conv_down: nn.Layer | None = None
        if in_channels != out_channels:
            self.conv_down = ConvBN(in_channels, out_channels, 1, bias_attr=False)
        self.add = Add()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return features at the same size."""
        shortcut = x if self.conv_down is None else self.conv_down(x)
        return self.relu(self.add(self.conv3(self.conv2(self.conv1(x))), shortcut))


class BasicBlock(nn.Layer):
    """Two 3×3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvBNReLU(channels, channels, 3, bias_attr=False)
        self.conv2 = ConvBN(channels, channels, 3, bias_attr=False)
        self.add = Add()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return self.relu(self.add(self.conv2(self.conv1(x)), x))


class Transition(nn.Layer):
    """Fit the branches to a stage's channels and start its coarser branch."""

    def __init__(self, in_channels: Sequence[int], out_channels: Sequence[int], name: str) -> None:
        super().__init__()
        self._names: list[str | None] = []
        for index, channels in enumerate(out_channels):
            started = index >= len(in_channels)
            source = in_channels[-1] if started else in_channels[index]
            if source == channels and not started:
                self._names.append(None)
                continue
            self._names.append(f"transition_{name}_layer_{index + 1}")
            self.add_sublayer(
                self._names[-1],
                ConvBNReLU(source, channels, 3, stride=2 if started else 1, bias_attr=False),
            )

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        """Return one branch more, finest first."""
        outputs = []
        for index, name in enumerate(self._names):
            x = branches[min(index, len(branches) - 1)]
            outputs.append(x if name is None else getattr(self, name)(x))
        return outputs


def _stage(name: str, channels: Sequence[int], align_corners: bool) -> nn.Layer:
    return nn.Sequential(
        *(
            (f"stage_{name}_{index}", Module(channels, f"{name}_{index}", align_corners))
            for index in range(1, _MODULES[name] + 1)
        )
    )


class Module(nn.Layer):
    """Residual blocks on each branch, then every branch receives from all others."""

    def __init__(self, channels: Sequence[int], name: str, align_corners: bool) -> None:
        super().__init__()
        self.branches_func = Branches(channels, name)
        self.fuse_func = Fusion(channels, name, align_corners)

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        """Return branches of the same shapes."""
        fused: list[Tensor] = self.fuse_func(self.branches_func(branches))
        return fused


class Branches(nn.Layer):
    """Four residual blocks on each branch."""

    def __init__(self, channels: Sequence[int], name: str) -> None:
        super().__init__()
        self._names = [
            [f"bb_{name}_branch_layer_{branch}_{block}" for block in range(1, _BLOCKS + 1)]
            for branch in range(1, len(channels) + 1)
        ]
        for names, width in zip(self._names, channels, strict=True):
            for block in names:
                self.add_sublayer(block, BasicBlock(width))

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        """Return branches of the same shapes."""
        outputs = []
        for index, names in enumerate(self._names):
            x = branches[index]
            for name in names:
                x = getattr(self, name)(x)
            outputs.append(x)
        return outputs


class Fusion(nn.Layer):
    """Each branch becomes the sum of all, brought to its size and channels."""

    def __init__(self, channels: Sequence[int], name: str, align_corners: bool) -> None:
        super().__init__()
        self._prefix = f"residual_{name}_layer"
        for target, out_channels in enumerate(channels):
            self.add_sublayer(f"relu_{target + 1}", nn.ReLU())
            for source, in_channels in enumerate(channels):
                if source != target:
                    self.add_sublayer(f"add_{target + 1}_{source + 1}", Add())
                if source > target:
                    self.add_sublayer(
                        self._path(target, source),
                        ConvBN(in_channels, out_channels, 1, bias_attr=False),
                    )
                    self.add_sublayer(f"resize_{target + 1}_{source + 1}", Resize(align_corners))
                elif source < target:
                    self._add_downsampling(target, source, in_channels, out_channels)

    def _path(self, target: int, source: int) -> str:
        return f"{self._prefix}_{target + 1}_{source + 1}"

    def _add_downsampling(
        self, target: int, source: int, in_channels: int, out_channels: int
    ) -> None:
        """Halve the size step by step; only the last step changes the channels."""
        steps = target - source
        for step in range(1, steps):
            self.add_sublayer(
                f"{self._path(target, source)}_{step}",
                ConvBNReLU(in_channels, in_channels, 3, stride=2, bias_attr=False),
            )
        self.add_sublayer(
            f"{self._path(target, source)}_{steps}",
            ConvBN(in_channels, out_channels, 3, stride=2, bias_attr=False),
        )

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        """Return branches of the same shapes."""
        return [self._fused(branches, target) for target in range(len(branches))]

    def _fused(self, branches: Sequence[Tensor], target: int) -> Tensor:
        total = branches[target]
        size = spatial_size(total)
        for source, x in enumerate(branches):
            if source == target:
                continue
            path = self._path(target, source)
            pair = f"{target + 1}_{source + 1}"
            if source > target:
                x = getattr(self, f"resize_{pair}")(getattr(self, path)(x), size)
            else:
                for step in range(1, target - source + 1):
                    x = getattr(self, f"{path}_{step}")(x)
            total = getattr(self, f"add_{pair}")(total, x)
        return getattr(self, f"relu_{target + 1}")(total)


trace_as_written(__name__)
