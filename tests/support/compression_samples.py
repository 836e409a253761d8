"""Networks with drawn weights, and data that they predict perfectly, for compression's tests.

scripts/make_compression_oracle.py uses the same ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tiny_dataset
from network_formulas import noise, weight

from core.images import io as images

#: network → constructor arguments, its class in core.seg and the oracle's name in one
NETWORKS: dict[str, dict[str, Any]] = {
    "FastSCNN": {"num_classes": 3},
    "UNet": {"num_classes": 3},
    "DeepLabV3P": {"num_classes": 3, "backbone": "ResNet50_vd"},
}
#: height and width of the network's input in FLOPs and forward passes
SIZE = (64, 64)


def draw_weights(net: Any) -> None:
    """Set every weight by formula; filters of one convolution differ clearly in size."""
    for name, value in net.state_dict().items():
        # UNet's head has two names.
        drawn = weight("cls" + name[4:] if name.startswith("conv.") else name, value.shape)
        if drawn.ndim == 4:
            drawn *= (1 + 0.5 * noise(name + " filters", (len(drawn), 1, 1, 1))).astype(np.float32)
        value.set_value(drawn)


def make_model(name: str) -> Any:
    """One of ``NETWORKS`` with drawn weights."""
    from core import seg  # paddle only where a network is wanted

    model = getattr(seg, name)(**NETWORKS[name])
    draw_weights(model.net)
    return model


def write_predicted_folder(
    folder: Path, model: Any, *, images_count: int = 3, size: int = 64
) -> Path:
    """``tiny_dataset``'s images with masks that ``model`` itself predicts: its mIoU is 1."""
    tiny_dataset.write_folder(folder, val=images_count, size=size)
    data = tiny_dataset.dataset(folder, "val", size=size)
    for index in range(len(data)):
        image, mask = data.raw(index)
        label_map = model.predict(image, data.transforms, with_scores=False)["label_map"]
        images.write_mask(Path(mask), label_map.astype(np.uint8))
    return folder
