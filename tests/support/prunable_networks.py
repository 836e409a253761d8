"""The six networks with the options that change which channels go together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from paddle import nn

from core.networks.bisenetv2 import BiSeNetV2Net
from core.networks.deeplabv3p import DeepLabV3PNet
from core.networks.efficientnet_fpn import EfficientNetFPNNet
from core.networks.fast_scnn import FastSCNNNet
from core.networks.hrnet import HRNetNet
from core.networks.unet import UNetNet

CLASSES = 5
SIZE = (64, 64)

NETWORKS: dict[str, Callable[[], nn.Layer]] = {
    "FastSCNN": lambda: FastSCNNNet(CLASSES),
    "UNet": lambda: UNetNet(CLASSES),
    "UNet_deconv": lambda: UNetNet(CLASSES, use_deconv=True),
    "DeepLabV3P_50": lambda: DeepLabV3PNet(CLASSES),
    "DeepLabV3P_101": lambda: DeepLabV3PNet(CLASSES, "ResNet101_vd", output_stride=16),
    "BiSeNetV2": lambda: BiSeNetV2Net(CLASSES),
    "HRNet_18": lambda: HRNetNet(CLASSES, 18),
    "HRNet_48": lambda: HRNetNet(CLASSES, 48),
    "EfficientNetFPN": lambda: EfficientNetFPNNet(CLASSES),
}


def trained_looking(net: nn.Layer, seed: int = 0) -> nn.Layer:
    """Draw weights and statistics so that no channel is negligible and none explodes."""
    random = np.random.default_rng(seed)
    for layer in net.sublayers():
        if isinstance(layer, (nn.Conv2D, nn.Conv2DTranspose)):
            shape = layer.weight.shape
            fan_in = shape[0] if isinstance(layer, nn.Conv2DTranspose) else shape[1]
            scale = np.sqrt(2.0 / (fan_in * np.prod(shape[2:])))
            _draw(layer.weight, random.normal(0, scale, shape))
            if layer.bias is not None:
                _draw(layer.bias, random.normal(0, 0.1, layer.bias.shape))
        elif isinstance(layer, nn.BatchNorm2D):
            channels = layer._num_features
            _draw(layer.weight, random.uniform(0.5, 1.0, channels))
            _draw(layer.bias, random.normal(0, 0.1, channels))
            _draw(layer._mean, random.normal(0, 0.1, channels))
            _draw(layer._variance, random.uniform(0.7, 1.5, channels))
    net.eval()
    return net


def _draw(parameter: object, values: np.ndarray) -> None:
    parameter.set_value(values.astype("float32"))
