"""Trainings of a small network on the tiny data set."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_dataset import dataset, write_folder

from core import seg
from core.models import weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "数据 1")


def train(folder, save_dir, *, epochs=2, seed=5, model=None, data=None, **rest):
    """Train a small FastSCNN in the way a test wants it."""
    model = model or seg.create("FastSCNN", seed=3, num_classes=3)
    options = {
        "eval_dataset": dataset(folder, "val"),
        "pretrain_weights": None,
        "use_vdl": False,
        "seed": seed,
        "learning_rate": 0.02,
        "log_interval_steps": 1,
        **rest,
    }
    train_set = data or dataset(folder, "train", augment=True, shuffle=True)
    return model, model.train(epochs, train_set, 4, save_dir=save_dir, **options)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    """A checkpoint after one epoch."""
    out = tmp_path_factory.mktemp("trained")
    train(folder, out, epochs=1)
    return out / "epoch_1"


def weights_of(model_dir):
    return weights.read_state_dict(model_dir / "model.pdparams")


def assert_same_weights(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
