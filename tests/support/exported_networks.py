"""Networks of every kind that look trained, and their files, for the tests of exports."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle
from paddle import nn
from prunable_networks import trained_looking

from core import seg
from core import transforms as T  # noqa: N812
from core.compression.quantization.calibration import calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import quantize
from core.portable.manifest import Manifest, ModelInput

LABELS = ("back ground", "crack", "缺陷")
#: Smallest variants of each network, with options that change the graph.
NETWORKS: dict[str, dict[str, Any]] = {
    "FastSCNN": {},
    "BiSeNetV2": {"align_corners": True},
    "UNet": {"use_deconv": True},
    "HRNet": {"width": 18},
    "DeepLabV3P": {"output_stride": 16},
    "EfficientNetFPN": {},
}
#: Height and width that models are made for.
SIZE = (64, 96)


def noise(*shape: int, seed: int = 0) -> Any:
    """Normal noise, float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def trained_model(name: str, *, int8: bool = False, size: tuple[int, int] = SIZE) -> Any:
    """A model with drawn weights, its preprocessing and classes; calibrated if ``int8``."""
    model = seg.create(name, seed=0, num_classes=len(LABELS), **NETWORKS[name])
    trained_looking(model.net)
    model.labels = list(LABELS)
    model.colors = [(0, 0, 0), (255, 0, 0), (0, 0, 255)]
    model.test_transforms = T.Compose([T.Resize(size), T.Normalize()])
    if int8:
        quantize(model.net, QuantConfig(), size=size)
        calibrate(model.net, [noise(4, 3, *size, seed=seed) for seed in range(1, 4)])
    model.net.eval()
    return model


def logits_of(net: nn.Layer, batch: Any) -> Any:
    """What the network itself computes."""
    with paddle.no_grad():
        return net(paddle.to_tensor(batch))[0].numpy()


def plain_manifest(form: str, name: str = "FastSCNN", **changes: Any) -> Manifest:
    """What an export of ``trained_model`` says of itself."""
    values: dict[str, Any] = {
        "format": form,
        "model": name,
        "labels": LABELS,
        "graph": "plain",
        "input": ModelInput(layout="NCHW", dtype="float32", color_order="RGB"),
        "outputs": {"logits": "logits"},
        "preprocessing": tuple(T.Compose([T.Resize(SIZE), T.Normalize()]).to_list()),
        "tiling": None,
    }
    return Manifest(**(values | changes))
