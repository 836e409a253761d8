"""Weights and inputs from formulas, so that oracle numbers need no weight files."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

#: (case, network, constructor arguments, (batch, height, width))
CASES: list[tuple[str, str, dict[str, Any], tuple[int, int, int]]] = [
    ("fast_scnn_even", "FastSCNN", {"align_corners": False}, (4, 96, 64)),
    ("fast_scnn_odd", "FastSCNN", {"align_corners": False}, (4, 97, 131)),
    ("fast_scnn_odd_aligned", "FastSCNN", {"align_corners": True}, (4, 97, 65)),
    ("unet_even", "UNet", {"align_corners": False}, (2, 48, 32)),
    ("unet_odd", "UNet", {"align_corners": False}, (2, 35, 53)),
    ("unet_odd_aligned", "UNet", {"align_corners": True}, (2, 65, 81)),
    ("unet_deconv", "UNet", {"use_deconv": True}, (2, 48, 32)),
    ("deeplabv3p_even", "DeepLabV3P", {}, (4, 64, 96)),
    ("deeplabv3p_odd_aligned", "DeepLabV3P", {"align_corners": True}, (4, 65, 81)),
    (
        "deeplabv3p_stride_16",
        "DeepLabV3P",
        {"output_stride": 16, "aspp_ratios": (1, 6, 12, 18)},
        (4, 81, 64),
    ),
    ("deeplabv3p_resnet101", "DeepLabV3P", {"backbone": "ResNet101_vd"}, (3, 33, 49)),
    (
        "deeplabv3p_options",
        "DeepLabV3P",
        {
            "backbone_indices": (1, 3),
            "aspp_ratios": (1, 2, 4),
            "aspp_out_channels": 64,
            "multi_grid": (1, 2, 4),
        },
        (4, 48, 35),
    ),
    ("bisenetv2_even", "BiSeNetV2", {}, (4, 64, 96)),
    ("bisenetv2_odd", "BiSeNetV2", {}, (4, 97, 67)),
    ("bisenetv2_odd_aligned", "BiSeNetV2", {"align_corners": True}, (4, 65, 81)),
    ("bisenetv2_single", "BiSeNetV2", {}, (1, 64, 65)),
    ("hrnet_even", "HRNet", {"width": 18}, (2, 64, 96)),
    ("hrnet_odd_aligned", "HRNet", {"width": 18, "align_corners": True}, (2, 65, 81)),
    ("hrnet_48", "HRNet", {"width": 48}, (2, 35, 47)),
]
#: Networks whose batch statistics over a few pooled values are too ill-conditioned to compare
#: in float32: rounding alone moves their training logits by up to 6e-4.
DOUBLE = ("DeepLabV3P",)
#: networks whose oracle has a file of its own; the others share one
OWN_FILES = ("DeepLabV3P", "BiSeNetV2", "HRNet")
NUM_CLASSES = 5
SAMPLES = 24


def noise(name: str, shape: Sequence[int]) -> np.ndarray:
    """Reproducible numbers in [-1, 1): a hash of the name and each element's index."""
    index = np.arange(int(np.prod(shape)), dtype=np.uint64)
    bits = index + np.uint64(zlib.crc32(name.encode()) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    bits = bits ^ (bits >> np.uint64(31))
    return ((bits >> np.uint64(11)).astype(np.float64) / 2**52 - 1.0).reshape(shape)


def weight(name: str, shape: Sequence[int]) -> np.ndarray:
    """A state_dict entry: He-scaled kernels, nearly neutral batch norms."""
    values = noise(name, shape)
    if name.endswith(("_batch_norm.weight", ".bn.weight")):
        values = 1.0 + 0.2 * values
    elif name.endswith("_variance"):
        values = 1.0 + 0.3 * values
    elif len(shape) == 4:
        values = values * np.sqrt(6.0 / np.prod(shape[1:]))
    else:
        values = 0.1 * values
    return values.astype(np.float32)


def image(shape: tuple[int, int, int]) -> np.ndarray:
    """Input (N, 3, H, W) float32: waves and noise."""
    batch, height, width = shape
    n, c, y, x = np.meshgrid(
        np.arange(batch), np.arange(3), np.arange(height), np.arange(width), indexing="ij"
    )
    waves = np.sin(0.11 * (n + 1) * y + 0.7 * c) + np.cos(0.07 * (c + 2) * x - 0.9 * n)
    return (0.6 * waves + 0.5 * noise("image", waves.shape)).astype(np.float32)


def describe(array: np.ndarray) -> dict[str, Any]:
    """What the oracle keeps of an array: its shape, sums and some of its values."""
    flat = np.asarray(array, dtype=np.float64).ravel()
    places = np.linspace(0, flat.size - 1, SAMPLES).astype(int)
    return {
        "shape": list(array.shape),
        "sum": _rounded(flat.sum()),
        "absolute_sum": _rounded(np.abs(flat).sum()),
        "samples": [_rounded(value) for value in flat[places]],
    }


def _rounded(value: float) -> float:
    return float(f"{value:.7g}")


def observe(
    paddle: Any, net: Any, shape: tuple[int, int, int], *, double: bool = False
) -> dict[str, Any]:
    """Evaluate a network, then train it one step, if ``double`` in float64, as oracle numbers."""
    state = net.state_dict()
    for name, value in state.items():
        value.set_value(weight("cls" + name[4:] if name.startswith("conv.") else name, value.shape))
    for layer in net.sublayers():
        if type(layer).__name__ == "Dropout":
            layer.p = 0.0
    x = paddle.to_tensor(image(shape))
    net.eval()
    with paddle.no_grad():
        evaluated = [describe(logits.numpy()) for logits in net(x)]
    net.train()
    if double:
        net.to(dtype="float64")
        state = net.state_dict()
        x = x.astype("float64")
    outputs = net(x)
    loss = sum(
        (logits * paddle.to_tensor(pattern(logits.shape)).astype(logits.dtype)).mean()
        for logits in outputs
    )
    loss.backward()
    kernels = [(name, value) for name, value in net.named_parameters() if len(value.shape) == 4]
    means = [(name, value) for name, value in state.items() if name.endswith("_mean")]
    return {
        "eval": evaluated,
        "train": [describe(logits.numpy()) for logits in outputs],
        "gradients": {
            name: describe(value.grad.numpy()) for name, value in kernels[:: len(kernels) // 5]
        },
        "running_means": {
            name: [_rounded(value.sum().item()), _rounded(value.abs().sum().item())]
            for name, value in means[:: max(1, len(means) // 40)]
        },
    }


def digest(state: Mapping[str, Any]) -> str:
    """SHA-256 of a state_dict's names and shapes, in their order."""
    lines = (f"{name} {list(value.shape)}\n" for name, value in state.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def pattern(shape: Sequence[int]) -> np.ndarray:
    """Factors that make a scalar of logits, so that every gradient is its own."""
    return noise("pattern", shape).astype(np.float32)
