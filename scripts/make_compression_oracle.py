"""Write tests/data/paddleslim_oracle.json: which filters PaddleSlim 2.6.0 prunes, and FLOPs.

    python scripts/make_compression_oracle.py

PaddleSlim's graph walk was written for an older Paddle and NumPy; what it misses there is given
to it here, and only here. Weights come from formulas (tests/unit/compression_samples.py). Takes
some minutes: PaddleSlim's FPGM compares filters one by one.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import paddle.base.dygraph.base as dygraph_base

# Names that newer releases have changed or removed.
np.__dict__["product"] = np.prod
dygraph_base._to_static_mode_guard_ = dygraph_base.to_static_mode_guard

import paddleslim  # noqa: E402
from paddleslim.analysis import dygraph_flops, flops  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import compression_samples as samples  # noqa: E402
import network_formulas  # noqa: E402
import tiny_dataset  # noqa: E402

ORACLE = ROOT / "tests" / "data" / "paddleslim_oracle.json"
PRUNERS = {
    "l1_norm": paddleslim.L1NormFilterPruner,
    "fpgm": paddleslim.FPGMFilterPruner,
}
#: ratios whose filters are kept
RATIOS = {"l1_norm": (0.1, 0.3, 0.5, 0.7), "fpgm": (0.3, 0.6)}
#: (network, criterion, ratio of every group) of the networks that are really pruned
PRUNED = (
    ("FastSCNN", "l1_norm", 0.3),
    ("FastSCNN", "fpgm", 0.5),
    ("UNet", "l1_norm", 0.5),
    ("UNet", "fpgm", 0.3),
    ("DeepLabV3P", "l1_norm", 0.3),
)


def main() -> None:
    """Compute everything and write the file."""
    logging.disable(logging.WARNING)
    paddle.set_device("cpu")
    oracle: dict[str, Any] = {"size": list(samples.SIZE), "networks": {}}
    for name in samples.NETWORKS:
        oracle["networks"][name] = observe(name)
    oracle["sensitivities"] = sensitivities("FastSCNN")
    ORACLE.write_text(json.dumps(oracle, separators=(",", ":")) + "\n", encoding="utf-8")


def observe(name: str) -> dict[str, Any]:
    """What PaddleSlim prunes of one network."""
    net = samples.make_model(name).net
    groups: dict[str, dict[str, Any]] = {}
    pruned = []
    for criterion, ratios in RATIOS.items():
        pruner = make_pruner(criterion, net)
        structured = {value.name: key for key, value in net.named_parameters()}
        for collection in pruner.collections:
            master = structured[collection.master_name]
            group = groups.setdefault(master, {"width": int(net.state_dict()[master].shape[0])})
            group["convs"] = sorted(
                structured[detail.name]
                for detail in collection.all_pruning_details()
                if detail.axis == 0 and len(detail.var.shape()) == 4 and detail.name in structured
            )
            group[criterion] = {
                str(ratio): pack(pruner.cal_mask(ratio, collection)) for ratio in ratios
            }
            print(name, criterion, master, flush=True)
        pruned += [
            prune(net, pruner, criterion, ratio)
            for network, used, ratio in PRUNED
            if (network, used) == (name, criterion)
        ]
    return {"flops": count(net), "groups": groups, "pruned": pruned}


def make_pruner(criterion: str, net: Any, size: tuple[int, int] = samples.SIZE) -> Any:
    """PaddleSlim's pruner, as PaddleX makes it."""
    net.train()
    with paddle.pir_utils.OldIrGuard():
        return PRUNERS[criterion](net, [1, 3, *size])


def pack(mask: np.ndarray) -> str:
    """Bits of the filters that go, as hexadecimal text."""
    return np.packbits(mask == 0).tobytes().hex()


def count(net: Any) -> dict[str, int]:
    """FLOPs of the network as it runs: in evaluation mode."""
    net.eval()
    shape = [1, 3, *samples.SIZE]
    with paddle.pir_utils.OldIrGuard():
        return {"all": int(dygraph_flops(net, shape)), "only_conv": int(flops(net, shape))}


def prune(net: Any, pruner: Any, criterion: str, ratio: float) -> dict[str, Any]:
    """Prune every group by ``ratio``, look at the network, and put it back."""
    masters = [collection.master_name for collection in pruner.collections]
    plan = pruner.prune_vars(dict.fromkeys(masters, ratio), 0)
    parameters = dict(net.named_parameters())
    result = {
        "criterion": criterion,
        "ratio": ratio,
        "flops": count(net),
        "shapes": network_formulas.digest(parameters),
        "parameters": int(sum(value.size for value in parameters.values())),
    }
    with paddle.no_grad():
        image = paddle.to_tensor(network_formulas.image((1, *samples.SIZE)))
        result["logits"] = network_formulas.describe(net(image)[0].numpy())
    plan.restore(net)
    return result


def sensitivities(name: str) -> dict[str, Any]:
    """PaddleSlim's ``sensitive`` on data that the network predicts perfectly."""
    model = samples.make_model(name)
    with tempfile.TemporaryDirectory() as folder:
        samples.write_predicted_folder(Path(folder), model)
        data = tiny_dataset.dataset(Path(folder), "val")
        pruner = make_pruner("l1_norm", model.net)
        structured = {value.name: key for key, value in model.net.named_parameters()}
        losses = pruner.sensitive(
            eval_func=lambda: model.evaluate(data)["miou"],
            sen_file=str(Path(folder) / "model.sensi.data"),
        )
    return {
        structured[master]: {str(float(ratio)): round(loss, 6) for ratio, loss in by_ratio.items()}
        for master, by_ratio in losses.items()
    }


if __name__ == "__main__":
    main()
