"""Write tests/data/network_oracle*.json: what PaddleSeg 2.8.0's networks compute.

Run it in an environment of its own that has paddleseg==2.8.0 and paddlepaddle==3.2.2:

    python scripts/make_network_oracle.py [part of a case's name]

Weights and inputs come from formulas (tests/unit/network_formulas.py); only sums and a few
sampled logits, gradients and running means are kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import paddle
from paddleseg.models import FCN
from paddleseg.models.backbones import hrnet, resnet_vd
from paddleseg.models.bisenet import BiSeNetV2
from paddleseg.models.deeplab import DeepLabV3P
from paddleseg.models.fast_scnn import FastSCNN
from paddleseg.models.layers import SeparableConvBNReLU
from paddleseg.models.unet import UNet

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from network_formulas import CASES, DOUBLE, NUM_CLASSES, OWN_FILES, digest, observe  # noqa: E402


def make_deeplabv3p(
    num_classes: int,
    *,
    backbone: str = "ResNet50_vd",
    output_stride: int = 8,
    multi_grid: tuple[int, ...] = (1, 1, 1),
    aspp_ratios: tuple[int, ...] = (1, 12, 24, 36),
    aspp_out_channels: int = 256,
    **options: Any,
) -> Any:
    """Build DeepLabV3P as PaddleX does, with a decoder that fits ``aspp_out_channels``."""
    features = getattr(resnet_vd, backbone)(output_stride=output_stride, multi_grid=multi_grid)
    net = DeepLabV3P(
        num_classes,
        features,
        aspp_ratios=aspp_ratios,
        aspp_out_channels=aspp_out_channels,
        **options,
    )
    if aspp_out_channels != 256:
        net.head.decoder.conv_bn_relu2 = SeparableConvBNReLU(
            aspp_out_channels + 48, 256, 3, padding=1
        )
    return net


def make_hrnet(num_classes: int, *, width: int, align_corners: bool = False) -> Any:
    """Build HRNet as PaddleX does: FCN on HRNet_W18 or HRNet_W48."""
    backbone = getattr(hrnet, f"HRNet_W{width}")(align_corners=align_corners)
    return FCN(num_classes, backbone, align_corners=align_corners)


MAKERS = {
    "FastSCNN": FastSCNN,
    "UNet": UNet,
    "DeepLabV3P": make_deeplabv3p,
    "BiSeNetV2": BiSeNetV2,
    "HRNet": make_hrnet,
}


def main() -> None:
    """Compute the cases and write the files."""
    paddle.set_device("cpu")
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    for case, network, arguments, shape in CASES:
        if part not in case:
            continue
        path = oracle_path(network)
        oracle: dict[str, Any] = {"cases": {}, "state": {}}
        if path.exists():
            oracle = json.loads(path.read_text(encoding="utf-8"))
        net = MAKERS[network](num_classes=NUM_CLASSES, **arguments)
        oracle["cases"][case] = observe(paddle, net, shape, double=network in DOUBLE)
        state = net.state_dict()
        if network in OWN_FILES:
            oracle["state"][case] = digest(state)
        else:
            variant = network + ("_deconv" if arguments.get("use_deconv") else "")
            oracle["state"][variant] = {name: list(value.shape) for name, value in state.items()}
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(oracle, separators=(",", ":")) + "\n", encoding="utf-8")


def oracle_path(network: str) -> Path:
    """The file with a network's numbers."""
    suffix = f"_{network.lower()}" if network in OWN_FILES else ""
    return ROOT / "tests" / "data" / f"network_oracle{suffix}.json"


if __name__ == "__main__":
    main()
