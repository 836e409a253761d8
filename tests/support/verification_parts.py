"""An untrained network that says different things of different pixels, and its exports."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import paddle
from tiny_dataset import LABELS

from core import seg
from core import transforms as T  # noqa: N812
from core.compression.quantization.calibration import calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import quantize
from core.deploy.verification.probe_images import probe_images
from core.portable.manifest import Manifest, read_manifest, write_manifest
from core.prediction.paddle_predictor import inference_mode
from core.transforms import to_chw

SIZE = (96, 128)


def network_inputs(transforms, *, count: int = 6) -> np.ndarray:
    """Prepared parts of pictures in all colours, (N, 3, h, w)."""
    pictures = []
    for index in range(count):
        picture = probe_images()[index % 2]
        turned = np.roll(picture, (17 * index, 29 * index), (0, 1))
        pictures.append(to_chw(transforms({"image": np.ascontiguousarray(turned)})["image"]))
    return np.stack(pictures)


def lively_model(steps: list | None = None, *, seed: int = 1):
    """A FastSCNN whose classes are spread over any picture, and follow its colours."""
    paddle.seed(seed)
    model = seg.create("FastSCNN", seed=seed, num_classes=3)
    model.labels = list(LABELS)
    model.colors = [(0, 0, 0), (255, 0, 0), (0, 0, 255)]
    model.test_transforms = T.Compose(steps or [T.Resize(SIZE), T.Normalize()])
    inputs = paddle.to_tensor(network_inputs(T.Compose([T.Resize(SIZE), T.Normalize()])))
    model.net.train()
    with paddle.no_grad():
        for _ in range(30):
            model.net(inputs)  # batch norms get statistics
    model.net.eval()
    with inference_mode(model.net):
        logits = model.net(inputs)[0].numpy()
    last = model.net.classifier.conv
    spread = logits.std(axis=(0, 2, 3))
    bias = last.bias.numpy()
    scale = 3 / spread
    last.weight.set_value(last.weight.numpy() * scale[:, None, None, None])
    last.bias.set_value((bias - logits.mean(axis=(0, 2, 3))) * scale)
    return model


def quantized(model):
    """The model with quantisers, calibrated on pictures in all colours."""
    quantize(model.net, QuantConfig(), size=SIZE)
    calibrate(model.net, [network_inputs(model.test_transforms)])
    return model


def change_manifest(folder: Path, **fields: object) -> Manifest:
    """Write other fields into the manifest of an export; returns the one before."""
    before = read_manifest(folder)
    write_manifest(folder, dataclasses.replace(before, **fields))
    return before


def change_file(file: Path, change: Callable[[bytearray], None]) -> None:
    content = bytearray(file.read_bytes())
    change(content)
    file.write_bytes(content)
