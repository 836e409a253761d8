"""Write tests/data/network_oracle.json: what PaddleSeg 2.8.0's networks compute.

Run it in an environment of its own that has paddleseg==2.8.0 and paddlepaddle==3.2.2:

    python scripts/make_network_oracle.py

Weights and inputs come from formulas (tests/unit/network_formulas.py); only sums and a few
sampled logits, gradients and running means are kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import paddle
from paddleseg.models.fast_scnn import FastSCNN
from paddleseg.models.unet import UNet

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "unit"))

from network_formulas import CASES, NUM_CLASSES, observe  # noqa: E402


def main() -> None:
    """Compute every case and write the file."""
    paddle.set_device("cpu")
    makers = {"FastSCNN": FastSCNN, "UNet": UNet}
    oracle: dict[str, Any] = {"cases": {}, "state": {}}
    for case, network, arguments, shape in CASES:
        net = makers[network](num_classes=NUM_CLASSES, **arguments)
        oracle["cases"][case] = observe(paddle, net, shape)
        variant = network + ("_deconv" if arguments.get("use_deconv") else "")
        oracle["state"][variant] = {
            name: list(value.shape) for name, value in net.state_dict().items()
        }
    path = ROOT / "tests" / "data" / "network_oracle.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(oracle, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
