"""Proof that an exported file does what the network does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import paddle

from core.prediction.onnx_predictor import OnnxModel
from core.prediction.paddle_predictor import WINDOW, ImagePredictor, inference_mode


@dataclass(frozen=True, slots=True)
class Parity:
    """How alike a network and its exported file are.

    Attributes:
        agreement: share of pixels (0 … 1) for which both choose the same class.
        largest_error: largest difference between two scores (logits).
        largest_score: largest absolute score of the network, to compare it with.
        pixels: how many were compared.
    """

    agreement: float
    largest_error: float
    largest_score: float
    pixels: int


def compare(net: Any, model: OnnxModel, batches: Iterable[npt.NDArray[np.float32]]) -> Parity:
    """Run a network and its exported file on the same images.

    Args:
        net: (N, 3, H, W) → list of logits (N, num_classes, H, W).
        model: the file.
        batches: preprocessed images (N, 3, H, W) float32, of the size that the file takes.
    """
    same = pixels = 0
    error = score = 0.0
    for batch in batches:
        with inference_mode(net):
            expected: npt.NDArray[np.float32] = net(paddle.to_tensor(batch))[0].numpy()
        got = model.logits(batch)
        same += int((expected.argmax(axis=1) == got.argmax(axis=1)).sum())
        pixels += got[:, 0].size
        error = max(error, float(np.abs(expected - got).max()))
        score = max(score, float(np.abs(expected).max()))
    if pixels == 0:
        raise ValueError("there is nothing to compare")
    return Parity(same / pixels, error, score, pixels)


def label_map_agreement(net: Any, model: OnnxModel, images: Sequence[str | Path]) -> float:
    """Share of pixels (0 … 1) for which a network and its exported file say the same class.

    Unlike ``compare`` this takes images as users have them: they are prepared as the file says,
    predicted in windows where they are large, and compared at their own sizes.
    """
    exported = model.predictor()
    window = model.size or WINDOW
    own = ImagePredictor(net, exported.transforms, num_classes=exported.num_classes, window=window)
    same = pixels = 0
    for image in images:
        maps = [p.label_maps([p.prepare(image)])[0] for p in (own, exported)]
        same += int((maps[0] == maps[1]).sum())
        pixels += maps[0].size
    if pixels == 0:
        raise ValueError("there is nothing to compare")
    return same / pixels
