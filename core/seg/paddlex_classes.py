"""PaddleX's networks, with PaddleX's constructor arguments."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from core.networks.resnet_vd import STAGE_CHANNELS
from core.seg.segmenter import Segmenter
from core.system.errors import InputError

MixedLoss = bool | list[tuple[str, float]]


class FastSCNN(Segmenter):
    """Fast-SCNN (Poudel et al., 2019): real-time, 1.4 million parameters.

    Args:
        num_classes: number of classes, background included.
        use_mixed_loss: True for 0.8 cross entropy + 0.2 Lovász-softmax, False for cross entropy,
            or a list of ``(loss name, weight)``.
        align_corners: how bilinear resizing inside the network aligns pixels.
    """

    def __init__(
        self,
        num_classes: int = 2,
        use_mixed_loss: MixedLoss = False,
        align_corners: bool = False,
    ) -> None:
        super().__init__()


class UNet(Segmenter):
    """U-Net (Ronneberger et al., 2015), 13.4 million parameters.

    Args:
        num_classes: number of classes, background included.
        use_mixed_loss: as in ``FastSCNN``.
        use_deconv: upsample with transposed convolutions instead of bilinear resizing.
        align_corners: how bilinear resizing inside the network aligns pixels.
    """

    def __init__(
        self,
        num_classes: int = 2,
        use_mixed_loss: MixedLoss = False,
        use_deconv: bool = False,
        align_corners: bool = False,
    ) -> None:
        super().__init__()


class DeepLabV3P(Segmenter):
    """DeepLabv3+ (Chen et al., 2018), 26.7 million parameters on ResNet50_vd.

    Args:
        num_classes: number of classes, background included.
        backbone: ``"ResNet50_vd"`` or ``"ResNet101_vd"`` (45.7 million parameters).
        use_mixed_loss: as in ``FastSCNN``.
        output_stride: 8 or 16: image size over the size of the deepest features. 16 takes about
            half the time and memory.
        backbone_indices: which two of the backbone's four stages (0 … 3) the decoder and the
            pyramid pooling see.
        aspp_ratios: dilations of the pyramid pooling's branches. Left at its default, it is
            (1, 6, 12, 18) for ``output_stride`` 16, as in the paper; PaddleX keeps
            (1, 12, 24, 36), which has to be given here.
        aspp_out_channels: channels of the pyramid pooling.
        align_corners: how bilinear resizing inside the network aligns pixels.
        multi_grid: factors on the dilation of the last stage's three blocks. PaddleSeg trained
            its Cityscapes weights with (1, 2, 4); PaddleX, and so the default, uses (1, 1, 1).
    """

    def __init__(
        self,
        num_classes: int = 2,
        backbone: str = "ResNet50_vd",
        use_mixed_loss: MixedLoss = False,
        output_stride: int = 8,
        backbone_indices: Sequence[int] = (0, 3),
        aspp_ratios: Sequence[int] = (1, 12, 24, 36),
        aspp_out_channels: int = 256,
        align_corners: bool = False,
        *,
        multi_grid: Sequence[int] = (1, 1, 1),
    ) -> None:
        super().__init__()

    @classmethod
    def checked_params(cls, params: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
        """Return sequences as tuples and the ratios that fit the output stride."""
        params = super().checked_params(params, given)
        if params["output_stride"] == 16 and "aspp_ratios" not in given:
            params["aspp_ratios"] = (1, 6, 12, 18)
        stages = len(STAGE_CHANNELS)
        for name, low, high, count in (
            ("backbone_indices", -stages, stages - 1, 2),
            ("aspp_ratios", 1, _LARGEST, None),
            ("multi_grid", 1, _LARGEST, 3),
        ):
            params[name] = _integers(name, params[name], low=low, high=high, count=count)
        params["backbone_indices"] = tuple(index % stages for index in params["backbone_indices"])
        (params["aspp_out_channels"],) = _integers(
            "aspp_out_channels", [params["aspp_out_channels"]], low=1, high=_LARGEST
        )
        return params


class BiSeNetV2(Segmenter):
    """BiSeNet V2 (Yu et al., 2021): real-time, 2.5 million parameters.

    Args:
        num_classes: number of classes, background included.
        use_mixed_loss: as in ``FastSCNN``.
        align_corners: how bilinear resizing inside the network aligns pixels.
    """

    def __init__(
        self,
        num_classes: int = 2,
        use_mixed_loss: MixedLoss = False,
        align_corners: bool = False,
    ) -> None:
        super().__init__()


class HRNet(Segmenter):
    """HRNet (Wang et al., 2020): 65.8 million parameters at width 48, 9.6 million at width 18.

    Args:
        num_classes: number of classes, background included.
        width: 18 or 48: channels of the finest branch.
        use_mixed_loss: as in ``FastSCNN``.
        align_corners: how bilinear resizing inside the network aligns pixels.
    """

    def __init__(
        self,
        num_classes: int = 2,
        width: int | str = 48,
        use_mixed_loss: MixedLoss = False,
        align_corners: bool = False,
    ) -> None:
        super().__init__()

    @classmethod
    def checked_params(cls, params: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
        """Return the width as an int."""
        width = params["width"]
        if isinstance(width, str) and width.isdecimal():
            params["width"] = int(width)
        return super().checked_params(params, given)


_LARGEST = 4096  # of ratios and channels: beyond any sense, but not beyond computing


def _integers(
    name: str, values: object, *, low: int, high: int, count: int | None = None
) -> tuple[int, ...]:
    """Return ``values`` as a tuple of ``count`` (None: at least one) integers."""
    items = tuple(values) if isinstance(values, (list, tuple)) else ()
    fits = len(items) == count if count is not None else bool(items)
    for item in items:
        fits = fits and isinstance(item, Integral) and not isinstance(item, bool)
        fits = fits and low <= item <= high
    if not fits and count is None:
        raise InputError(
            "{name} is {value}: give whole numbers from {low} to {high}.",
            name=name,
            value=str(values),
            low=low,
            high=high,
        )
    if not fits:
        raise InputError(
            "{name} is {value}: give {count} whole {count:number|numbers} from {low} to {high}.",
            name=name,
            value=str(values),
            count=count,
            low=low,
            high=high,
        )
    return tuple(int(item) for item in items)
