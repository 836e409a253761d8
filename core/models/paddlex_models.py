"""What PaddleX 2's model folders leave out: constructor arguments, read off the weights' shapes.

Their ``_init_params`` hold the class count and the loss only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]

_STAGE_CHANNELS = (256, 512, 1024, 2048)
#: Branches of HRNet side by side: 1 + 2 + 4 + 8 times the width.
_HRNET_BRANCHES = 15
#: Arguments that change what a network computes but not the shape of any weight.
_SHAPELESS = {
    "DeepLabV3P": ("output_stride", "aspp_ratios", "align_corners"),
}


def lost_init_params(name: str, shapes: Shapes) -> dict[str, Any]:
    """Return the arguments of network ``name`` that its weights tell.

    Args:
        name: class name in ``core.seg``.
        shapes: structured name → shape of each weight.
    """
    find = _FINDERS.get(name)
    return {} if find is None else find(shapes)


def unknowable_params(name: str) -> tuple[str, ...]:
    """Return the arguments of network ``name`` that no weight tells."""
    return _SHAPELESS.get(name, ("align_corners",))


def _unet(shapes: Shapes) -> dict[str, Any]:
    return {"use_deconv": any(".deconv." in name for name in shapes)}


def _hrnet(shapes: Shapes) -> dict[str, Any]:
    head = shapes.get("head.cls.weight", ())
    return {"width": head[1] // _HRNET_BRANCHES} if len(head) == 4 else {}


def _deeplab(shapes: Shapes) -> dict[str, Any]:
    # The third stage has 6 blocks in ResNet50 and 23 in ResNet101.
    deep = any(name.startswith("backbone.bb_2_6.") for name in shapes)
    found: dict[str, Any] = {
        "backbone": "ResNet101_vd" if deep else "ResNet50_vd",
        # PaddleX's default for every output stride; here it depends on that.
        "aspp_ratios": (1, 12, 24, 36),
    }
    fused = shapes.get("head.aspp.conv_bn_relu._conv.weight", ())
    if len(fused) == 4:
        found["aspp_out_channels"] = fused[0]
    low_level = shapes.get("head.decoder.conv_bn_relu1._conv.weight", ())
    pooled = shapes.get("head.aspp.global_avg_pool.1._conv.weight", ())
    channels = [shape[1] for shape in (low_level, pooled) if len(shape) == 4]
    if len(channels) == 2 and set(channels) <= set(_STAGE_CHANNELS):
        found["backbone_indices"] = tuple(_STAGE_CHANNELS.index(count) for count in channels)
    return found


_FINDERS: dict[str, Callable[[Shapes], dict[str, Any]]] = {
    "UNet": _unet,
    "HRNet": _hrnet,
    "DeepLabV3P": _deeplab,
}
