"""A network and data that it predicts perfectly, as fixtures; and PaddleSlim's losses of them."""

from __future__ import annotations

import json
from pathlib import Path

import compression_samples as samples
import pytest
import tiny_dataset

ORACLE = json.loads(
    (Path(__file__).parents[1] / "data" / "paddleslim_oracle.json").read_text(encoding="utf-8")
)["sensitivities"]


@pytest.fixture(scope="module")
def model():
    return samples.make_model("FastSCNN")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, model):
    return samples.write_predicted_folder(tmp_path_factory.mktemp("数据") / "data set", model)


@pytest.fixture
def data(folder):
    return tiny_dataset.dataset(folder, "val")
