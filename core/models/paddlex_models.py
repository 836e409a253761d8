"""What PaddleX 2's model folders leave out: constructor arguments, read off the weights' shapes.

Their ``_init_params`` hold the class count and the loss only. ``core.models.catalog`` says which
function is whose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Structured name → shape of each weight.
Shapes = Mapping[str, tuple[int, ...]]

_STAGE_CHANNELS = (256, 512, 1024, 2048)
#: Branches of HRNet side by side: 1 + 2 + 4 + 8 times the width.
_HRNET_BRANCHES = 15


def unet_params(shapes: Shapes) -> dict[str, Any]:
    """Return those of UNet."""
    return {"use_deconv": any(".deconv." in name for name in shapes)}


def hrnet_params(shapes: Shapes) -> dict[str, Any]:
    """Return those of HRNet."""
    head = shapes.get("head.cls.weight", ())
    return {"width": head[1] // _HRNET_BRANCHES} if len(head) == 4 else {}


def deeplab_params(shapes: Shapes) -> dict[str, Any]:
    """Return those of DeepLabV3P."""
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
