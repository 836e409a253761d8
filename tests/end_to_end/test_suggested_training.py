"""Nothing set but the data and the time: images of several shapes through the whole loop."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_data import LABELS

from core import load_model
from core.datasets import open_data_folder, write_data_folder
from core.deploy.model_export import export_model
from core.images.io import read_image, write_image, write_mask
from core.models.model_folder import read_model_info
from core.runs.run_folder import RunFolder

MAIN = [sys.executable, str(Path(__file__).parents[2] / "main.py")]
SHAPES = ((64, 96), (100, 70), (80, 80))
MINUTES = 0.5


def call(*arguments, timeout=280):
    done = subprocess.run(
        [*MAIN, *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def make_data(folder: Path) -> Path:
    """Twelve images of three shapes: red squares of 30 pixels, blue discs of 20, dark noise."""
    rng = np.random.default_rng(4)
    subsets = {"train": [], "val": []}
    for index in range(12):
        height, width = SHAPES[index % 3]
        image = rng.integers(0, 60, (height, width, 3)).astype(np.uint8)
        mask = np.zeros((height, width), np.uint8)
        rows, columns = np.mgrid[:height, :width]
        y, x = rng.integers(0, height - 30), rng.integers(0, width - 62)
        mask[y : y + 30, x : x + 30] = 1
        y, x = rng.integers(12, height - 12), rng.integers(width - 28, width - 12)
        mask[(rows - y) ** 2 + (columns - x) ** 2 < 100] = 2
        image[mask == 1], image[mask == 2] = (20, 20, 220), (220, 40, 20)
        names = (f"图 {index}.png", f"mask {index}.png")
        folder.mkdir(exist_ok=True)
        write_image(folder / names[0], image)
        write_mask(folder / names[1], mask)
        subsets["val" if index >= 9 else "train"].append(names)
    write_data_folder(folder, labels=LABELS, subsets=subsets)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("建议 a")
    data = make_data(folder / "data")
    begin = time.perf_counter()
    result, told = call("train", "--data", data, "--out", folder / "run", "--minutes", MINUTES)
    return data, result, told, time.perf_counter() - begin


def test_it_says_why_and_keeps_the_time(trained):
    _, result, told, seconds = trained
    spec = RunFolder(Path(result["best_model"]).parent).spec
    assert spec.model == "EfficientNetFPN"
    assert spec.image_scale == 1.0
    assert "shapes differ" in told
    assert "it has learnt from a million photographs before" in told
    # The start of the engine and a last look at the best model come on top, on a busy machine, too.
    assert seconds < 60 * MINUTES + 60
    assert result["miou"] > 0.3
    info = read_model_info(result["best_model"])
    assert info.image_size is None  # each image has its own


def test_what_it_trained_is_compressed_exported_and_finds_the_same(trained, tmp_path):
    data, result, _, _ = trained
    images = sorted(data.glob("图 *.png"))[:3]
    pruned = load_model(result["best_model"])
    pruned.prune(0.3)
    assert pruned.pruning.image_size == (64, 64)  # that of the parts it was trained on
    for quantised in (False, True):
        model = load_model(result["best_model"])
        if quantised:
            model.quantize_post_training(
                open_data_folder(data).dataset("val", model.test_transforms), float_layers=None
            )
        exported = export_model(model, tmp_path / f"int8 {quantised}")
        assert exported.size is None  # images of any size
        file = load_model(exported.folder)
        for image in images:
            theirs, ours = (one.predict(str(image))["label_map"] for one in (file, model))
            assert ours.shape == read_image(image).shape[:2]
            assert (theirs == ours).mean() > (0.99 if quantised else 0.999)
