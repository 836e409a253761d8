"""Building blocks that the networks share.

Parameter names and shapes are PaddleSeg's (``_conv``, ``_batch_norm``, ``piontwise_conv`` with its
spelling), so that weights trained there load here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor, nn

from core.networks.depthwise import quick_depthwise
from core.networks.operators import Concat, Resize
from core.networks.resize import spatial_size
from core.networks.tracing import trace_as_written


def initialize_convolutions(net: nn.Layer, initializer: nn.initializer.Initializer) -> None:
    """Draw the kernels of every convolution in ``net`` from ``initializer``."""
    for layer in net.sublayers():
        if isinstance(layer, nn.Conv2D):
            initializer(layer.weight)


class ConvBN(nn.Layer):
    """Convolution and batch normalisation: (N, in, H, W) → (N, out, H', W').

    ``conv_options`` are those of ``nn.Conv2D`` (stride, dilation, groups, bias_attr).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        padding: int | str = "same",
        **conv_options: Any,
    ) -> None:
        super().__init__()
        self._conv = nn.Conv2D(
            in_channels, out_channels, kernel_size, padding=padding, **conv_options
        )
        self._batch_norm = nn.BatchNorm2D(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and normalise ``x``."""
        if self._bias_is_redundant():
            return self._forward_without_bias(x)
        quick = quick_depthwise(self._conv, x) if self._conv.bias is None else None
        return self._batch_norm(self._conv(x) if quick is None else quick)

    def _bias_is_redundant(self) -> bool:
        """A batch norm that subtracts this batch's mean takes any bias before it away again."""
        conv, norm = self._conv, self._batch_norm
        return (
            paddle.in_dynamic_mode()
            # Wrapped layers (quantisation) and other normalisations keep the plain way.
            and type(conv) is nn.Conv2D
            and type(norm) is nn.BatchNorm2D
            and norm.training
            and not norm._use_global_stats
            and conv.bias is not None
        )

    def _forward_without_bias(self, x: Tensor) -> Tensor:
        conv, norm = self._conv, self._batch_norm
        quick = quick_depthwise(conv, x)
        x = (
            quick
            if quick is not None
            else F.conv2d(
                x, conv.weight, None, conv._stride, conv._padding, conv._dilation, conv._groups
            )
        )
        if x.size == x.shape[1]:
            # Paddle passes a single value per channel through: nothing takes its bias away.
            return norm(x + conv.bias.reshape([1, -1, 1, 1]))
        # Gives the bias the zero gradient it has, so that weight decay and data-parallel
        # training treat it like every other parameter.
        shift = norm.bias + 0.0 * conv.bias
        # The backward pass keeps the running mean it was given and refuses a changed one.
        running_mean = norm._mean.clone()
        x = F.batch_norm(
            x,
            running_mean,
            norm._variance,
            weight=norm.weight,
            bias=shift,
            training=True,
            momentum=norm._momentum,
            epsilon=norm._epsilon,
        )
        with paddle.no_grad():
            # The running mean is that of the biased output: evaluation adds the bias.
            paddle.assign(running_mean + (1.0 - norm._momentum) * conv.bias, norm._mean)
        return x


class ConvBNReLU(ConvBN):
    """``ConvBN`` followed by ReLU; the arguments are those of ``ConvBN``."""

    def __init__(self, *sizes: int, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self._relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, normalise and rectify ``x``."""
        return self._relu(super().forward(x))


class SeparableConvBNReLU(nn.Layer):
    """Depthwise ``ConvBN`` and pointwise ``ConvBNReLU``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        padding: int | str = "same",
        pointwise_bias: bool | None = None,
        **conv_options: Any,
    ) -> None:
        super().__init__()
        self.depthwise_conv = ConvBN(
            in_channels,
            in_channels,
            kernel_size,
            padding=padding,
            groups=in_channels,
            **conv_options,
        )
        self.piontwise_conv = ConvBNReLU(in_channels, out_channels, 1, bias_attr=pointwise_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Filter each channel of ``x``, then mix channels."""
        return self.piontwise_conv(self.depthwise_conv(x))


class DepthwiseConvBN(nn.Layer):
    """Depthwise ``ConvBN``; ``out_channels`` is a multiple of ``in_channels``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        padding: int | str = "same",
        **conv_options: Any,
    ) -> None:
        super().__init__()
        self.depthwise_conv = ConvBN(
            in_channels,
            out_channels,
            kernel_size,
            padding=padding,
            groups=in_channels,
            **conv_options,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Filter each channel of ``x``."""
        return self.depthwise_conv(x)


class ASPPModule(nn.Layer):
    """Atrous spatial pyramid pooling (Chen et al. 2018, arXiv:1802.02611).

    Args:
        in_channels: channels of the input.
        out_channels: channels of each branch and of the output.
        ratios: one branch each: dilation of a separable 3×3 convolution; 1 is a plain 1×1.
        align_corners: how the pooled branch is resized back.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, ratios: Sequence[int], align_corners: bool
    ) -> None:
        super().__init__()
        self.aspp_blocks = nn.LayerList(
            ConvBNReLU(in_channels, out_channels, 1)
            if ratio == 1
            else SeparableConvBNReLU(in_channels, out_channels, 3, padding=ratio, dilation=ratio)
            for ratio in ratios
        )
        self.global_avg_pool = nn.Sequential(
            nn.AdaptiveAvgPool2D(output_size=(1, 1)),
            ConvBNReLU(in_channels, out_channels, 1, bias_attr=False),
        )
        self.conv_bn_relu = ConvBNReLU(out_channels * (len(ratios) + 1), out_channels, 1)
        self.dropout = nn.Dropout(p=0.1)
        self.resize = Resize(align_corners)
        self.concat = Concat()

    def forward(self, x: Tensor) -> Tensor:
        """Return context features (N, out, H, W)."""
        branches = [block(x) for block in self.aspp_blocks]
        branches.append(self.resize(self.global_avg_pool(x), spatial_size(x)))
        return self.dropout(self.conv_bn_relu(self.concat(branches)))


class PPModule(nn.Layer):
    """Pyramid pooling (Zhao et al. 2017, arXiv:1612.01105): context from several grid sizes.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        bin_sizes: side of each pooled grid.
        align_corners: how the pooled grids are resized back.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        bin_sizes: Sequence[int] = (1, 2, 3, 6),
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        reduced = in_channels // len(bin_sizes)
        self.stages = nn.LayerList(
            nn.Sequential(
                nn.AdaptiveAvgPool2D(output_size=(bins, bins)), ConvBNReLU(in_channels, reduced, 1)
            )
            for bins in bin_sizes
        )
        self.conv_bn_relu2 = ConvBNReLU(
            in_channels + reduced * len(bin_sizes), out_channels, 3, padding=1
        )
        self.resizes = nn.LayerList(Resize(align_corners) for _ in bin_sizes)
        self.concat = Concat()

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` enriched with its pooled contexts, at the same height and width."""
        size = spatial_size(x)
        contexts = [
            resize(stage(x), size) for stage, resize in zip(self.stages, self.resizes, strict=True)
        ]
        # Finest grid first: the order that published weights were trained with.
        return self.conv_bn_relu2(self.concat([x, *reversed(contexts)]))


class AuxLayer(nn.Layer):
    """Auxiliary head: 3×3 ``ConvBNReLU``, dropout, 1×1 convolution to logits."""

    def __init__(
        self,
        in_channels: int,
        inter_channels: int,
        out_channels: int,
        *,
        dropout_prob: float = 0.1,
    ) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBNReLU(in_channels, inter_channels, 3, padding=1)
        self.dropout = nn.Dropout(p=dropout_prob)
        self.conv = nn.Conv2D(inter_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out, H, W)."""
        return self.conv(self.dropout(self.conv_bn_relu(x)))


trace_as_written(__name__)
