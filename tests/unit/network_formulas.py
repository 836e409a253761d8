"""Weights and inputs from formulas, so that oracle numbers need no weight files."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
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
]
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
    if name.endswith("_batch_norm.weight"):
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


def observe(paddle: Any, net: Any, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Evaluate a network, then train it one step; both as oracle numbers."""
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
    outputs = net(x)
    loss = sum((logits * paddle.to_tensor(pattern(logits.shape))).mean() for logits in outputs)
    loss.backward()
    kernels = [(name, value) for name, value in net.named_parameters() if len(value.shape) == 4]
    return {
        "eval": evaluated,
        "train": [describe(logits.numpy()) for logits in outputs],
        "gradients": {
            name: describe(value.grad.numpy()) for name, value in kernels[:: len(kernels) // 5]
        },
        "running_means": {
            name: [_rounded(value.sum().item()), _rounded(value.abs().sum().item())]
            for name, value in state.items()
            if name.endswith("_mean")
        },
    }


def pattern(shape: Sequence[int]) -> np.ndarray:
    """Factors that make a scalar of logits, so that every gradient is its own."""
    return noise("pattern", shape).astype(np.float32)
