"""One process of a training: run with a JSON file that says what to do and where to tell of it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from paddle import nn
from tiny_dataset import Recorder, dataset

from core import seg
from core.models.catalog import Network, NetworkCost
from core.seg.segmenter import Segmenter
from core.system.messages import message
from core.system.reporting import StopRequested
from core.training.seeding import seed_everything


class PlainNet(nn.Layer):
    """Two convolutions and no batch norm: a batch's parts do not see each other."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.first = nn.Conv2D(3, 8, 3, padding=1)
        self.second = nn.Conv2D(8, num_classes, 1)

    def forward(self, x: Any) -> list[Any]:
        return [self.second(nn.functional.relu(self.first(x)))]


class Plain(Segmenter):
    """A network that is in no catalog."""

    @classmethod
    def catalog_entry(cls) -> Network:
        return Network(
            name="Plain",
            layer="rank_training:PlainNet",
            summary=message("Two convolutions."),
            cost=NetworkCost(0, 0, 1.0, 1.0, 250),
            scores_bias="second.bias",
        )

    def __init__(self, num_classes: int = 3, use_mixed_loss: bool | list = False) -> None:
        super().__init__()


class Dying(Recorder):
    """Ends its process without a word at its ``die_at``-th step."""

    def __init__(self, die_at: int) -> None:
        super().__init__()
        self.die_at = die_at

    def check(self):
        super().check()
        if self.checks == self.die_at:
            os._exit(9)


def make(name: str, seed: int, loss: Any = False) -> Segmenter:
    if name == "Plain":
        seed_everything(seed)
        return Plain(use_mixed_loss=loss)
    return seg.create(name, seed=seed, num_classes=3)


def weights_of(model: Segmenter) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in model.net.state_dict().items()}


def run(job: dict[str, Any]) -> None:
    rank = int(os.environ.get("PADDLE_TRAINER_ID", "0"))
    data = Path(job["data"])
    model = make(
        job.get("model", "Plain"), job.get("model_seeds", [3, 3])[rank], job.get("loss", False)
    )
    reporter = Recorder(stop_at=job.get("stop_at"))
    if job.get("die_at"):
        reporter = Dying(job["die_at"])
    options = {"num_epochs": 2, "train_batch_size": 4, **job.get("options", {})}
    stopped = False
    try:
        model.train(
            train_dataset=dataset(data, "train", augment=True, shuffle=True),
            eval_dataset=dataset(data, "val"),
            save_dir=job["out"],
            pretrain_weights=None,
            use_vdl=False,
            seed=5,
            learning_rate=0.05,
            log_interval_steps=1,
            device="cpu",
            reporter=reporter,
            **options,
        )
    except StopRequested:
        stopped = True
    np.savez(Path(job["told"]) / f"{rank}.npz", **weights_of(model))
    told = {"stopped": stopped, "metrics": reporter.metrics, "warnings": reporter.warnings}
    told["previews"] = len(reporter.previews)
    (Path(job["told"]) / f"{rank}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    run(json.loads(Path(sys.argv[1]).read_text()))
