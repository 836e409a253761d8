"""EfficientNet-Lite0 as an encoder (Tan and Le 2019, arXiv:1905.11946; Lite: Liu 2020).

The Lite variants leave out squeeze-and-excitation and use ReLU6, so that they fit int8 arithmetic.
Blocks follow MnasNet's (Tan et al. 2019, arXiv:1807.11626); widths and depths are those of B0, with
which the published weights were trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from paddle import Tensor, nn

from core.networks.depthwise import quick_depthwise
from core.networks.operators import Add
from core.networks.tracing import trace_as_written


class _Stage(NamedTuple):
    """Blocks of one width: the first has the stride, the others a shortcut."""

    kernel_size: int
    stride: int
    expansion: int
    channels: int
    repeats: int


_STEM_CHANNELS: Final = 32
_STAGES: Final = (
    _Stage(3, 1, 1, 16, 1),
    _Stage(3, 2, 6, 24, 2),
    _Stage(5, 2, 6, 40, 2),
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),
)
#: Channels of the features at 1/4, 1/8, 1/16 and 1/32 of the image.
FEATURE_CHANNELS: Final = (24, 40, 112, 320)
#: The published weights' batch norm: TensorFlow's epsilon, and running statistics that follow
#: slowly, so that small batches do not spoil those of a million photographs.
_EPSILON: Final = 1e-3
_KEPT: Final = 0.99


class EfficientNetLite0(nn.Layer):
    """Image → features at four scales, 3.0 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, _STEM_CHANNELS, 3, stride=2)
        blocks: list[nn.Layer] = []
        self._ends: list[int] = []
        channels = _STEM_CHANNELS
        for index, stage in enumerate(_STAGES):
            for number in range(stage.repeats):
                stride = stage.stride if number == 0 else 1
                blocks.append(
                    Block(
                        channels,
                        stage.channels,
                        stage.kernel_size,
                        stride=stride,
                        expansion=stage.expansion,
                    )
                )
                channels = stage.channels
            if index + 1 == len(_STAGES) or _STAGES[index + 1].stride == 2:
                self._ends.append(len(blocks))
        self.blocks = nn.LayerList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) → features (N, 24 | 40 | 112 | 320, H/4 | H/8 | H/16 | H/32, …)."""
        x = self.stem(x)
        features = []
        for number, block in enumerate(self.blocks, start=1):
            x = block(x)
            if number in self._ends:
                features.append(x)
        # The first stage keeps the stem's size: nothing is to be gained at 1/2.
        return features[1:]


class Unit(nn.Layer):
    """Convolution, batch normalisation and ReLU6 (unless ``activation`` is off)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        groups: int = 1,
        activation: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2D(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=_same_padding(kernel_size, stride),
            groups=groups,
            bias_attr=False,
        )
        self.norm = nn.BatchNorm2D(out_channels, momentum=_KEPT, epsilon=_EPSILON)
        self.activation = nn.ReLU6() if activation else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        quick = quick_depthwise(self.conv, x)
        x = self.norm(self.conv(x) if quick is None else quick)
        return x if self.activation is None else self.activation(x)


def _same_padding(kernel_size: int, stride: int) -> int | Sequence[int]:
    """Return (top, bottom, left, right) as TensorFlow's "same" pads even sizes.

    Odd sizes get one row and column more at their ends, where TensorFlow would pad both sides
    alike: so each feature stands for the same place of its image whatever the image's size.
    """
    if stride == 1:
        return kernel_size // 2
    before = (kernel_size - stride) // 2
    after = kernel_size - before - 1
    return [before, after, before, after]


class Block(nn.Layer):
    """Expand, filter depthwise, project; the shortcut is there where shapes agree."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int, expansion: int
    ) -> None:
        super().__init__()
        expanded = in_channels * expansion
        self.expand = Unit(in_channels, expanded, 1) if expansion > 1 else None
        self.depthwise = Unit(expanded, expanded, kernel_size, stride=stride, groups=expanded)
        self.project = Unit(expanded, out_channels, 1, activation=False)
        self.add = Add() if stride == 1 and in_channels == out_channels else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        out = x if self.expand is None else self.expand(x)
        out = self.project(self.depthwise(out))
        return out if self.add is None else self.add(x, out)


trace_as_written(__name__)
