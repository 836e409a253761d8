"""Proof that an exported file does what the network does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.prediction.onnx_predictor import OnnxModel
from core.prediction.paddle_predictor import WINDOW, ImagePredictor


def label_map_agreement(net: Any, model: OnnxModel, images: Sequence[str | Path]) -> float:
    """Share of pixels (0 … 1) for which a network and its exported file say the same class.

    The images are taken as users have them: prepared as the file says, predicted in windows where
    they are large, and compared at their own sizes.
    """
    exported, alone = model.predictor(), model.network_predictor()
    window = model.size or WINDOW
    own = ImagePredictor(
        net,
        alone.transforms,
        num_classes=alone.num_classes,
        window=window,
        multiple=alone.multiple,
    )
    same = pixels = 0
    for image in images:
        maps = [p.label_maps([p.prepare(image)])[0] for p in (own, exported)]
        same += int((maps[0] == maps[1]).sum())
        pixels += maps[0].size
    if pixels == 0:
        raise ValueError("there is nothing to compare")
    return same / pixels
