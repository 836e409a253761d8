"""A small trained model, and its quantisation-aware training as tests want it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_runs import SIDE, write_data

from core import seg
from core import transforms as T  # noqa: N812
from core.datasets import SegDataset, open_data_folder
from core.seg.segmenter import Segmenter
from core.system.reporting import Reporter, StopRequested

REPOSITORY = Path(__file__).parents[2]


class Quiet(Reporter):
    def __init__(self, *, stop_at: int | None = None) -> None:
        self.stages: list[str] = []
        self.warnings: list[str] = []
        self._checks_left = stop_at

    def check(self) -> None:
        if self._checks_left is not None:
            self._checks_left -= 1
            if self._checks_left < 0:
                raise StopRequested

    def progress(self, step: int, steps: int, *, stage: str = "train", **_: Any) -> None:
        self.stages.append(stage)

    def warn(self, message: Any) -> None:
        self.warnings.append(str(message))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "图像 a", train=6, val=2)


def dataset(data: Path, split: Any) -> SegDataset:
    steps = T.Compose([T.Resize(SIDE), T.Normalize()])
    return open_data_folder(data).dataset(split, steps)


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model folder of a FastSCNN that has seen the data for two epochs."""
    model = seg.create("FastSCNN", seed=3, num_classes=2)
    folder = tmp_path_factory.mktemp("训练 a")
    train(model, data, folder, num_epochs=2, learning_rate=0.05)
    return folder / "best_model"


def arguments(data: Path, folder: Path) -> dict[str, Any]:
    """What a short training takes, with or without quantisation."""
    return {
        "num_epochs": 1,
        "train_dataset": dataset(data, "train"),
        "train_batch_size": 2,
        "eval_dataset": dataset(data, "val"),
        "save_dir": folder,
        "use_vdl": False,
        "seed": 1,
        "preview_images": 0,
        "reporter": Quiet(),
    }


def train(model: Segmenter, data: Path, folder: Path, **changes: Any) -> Any:
    return model.train(**(arguments(data, folder) | {"pretrain_weights": None} | changes))


def quantize(model: Segmenter, data: Path, folder: Path, **changes: Any) -> Any:
    return model.quant_aware_train(**(arguments(data, folder) | changes))


def scores(model: Segmenter, data: Path) -> Any:
    image = dataset(data, "val").raw(0)[0]
    return model.predict(image)["score_map"]


def weights(model: Segmenter) -> dict[str, Any]:
    return {name: value.numpy() for name, value in model.net.state_dict().items()}


def assert_same_weights(one: Segmenter, other: Segmenter) -> None:
    left, right = weights(one), weights(other)
    assert left.keys() == right.keys()
    for name, value in left.items():
        np.testing.assert_array_equal(value, right[name], err_msg=name)
