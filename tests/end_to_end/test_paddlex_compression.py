"""PaddleX 2.1's scripts that prune and quantise, with one import line changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cli_data import make_data

REPOSITORY = Path(__file__).parents[2]

START = """
import core as pdx
from core import transforms as T

train_steps = T.Compose([
    T.Resize(target_size=64), T.RandomHorizontalFlip(),
    T.Normalize(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5])])
eval_steps = T.Compose([
    T.Resize(target_size=64), T.Normalize(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5])])
train_dataset = pdx.datasets.SegDataset(
    data_dir='数据 a', file_list='数据 a/train_list.txt', label_list='数据 a/labels.txt',
    transforms=train_steps, num_workers=0, shuffle=True)
eval_dataset = pdx.datasets.SegDataset(
    data_dir='数据 a', file_list='数据 a/val_list.txt', label_list='数据 a/labels.txt',
    transforms=eval_steps, num_workers=0, shuffle=False)
"""

TRAIN = """
model = pdx.seg.{network}(num_classes=len(train_dataset.labels))
model.train(
    num_epochs=1, train_dataset=train_dataset, train_batch_size=4, eval_dataset=eval_dataset,
    pretrain_weights=None, learning_rate=0.01, save_dir='output/net')
"""

PRUNE = """
model = pdx.load_model('output/net/best_model')
model.analyze_sensitivity(dataset=eval_dataset, batch_size=1, save_dir='output/prune')
model.prune(pruned_flops=.2, save_dir=None)
model.train(
    num_epochs=1, train_dataset=train_dataset, train_batch_size=4, eval_dataset=eval_dataset,
    pretrain_weights=None, learning_rate=0.01, save_dir='output/prune')
"""

QUANTIZE = """
model = pdx.load_model('output/{before}/best_model')
model.quant_aware_train(
    num_epochs=1, train_dataset=train_dataset, train_batch_size=4, eval_dataset=eval_dataset,
    learning_rate=0.0001, save_dir='output/quant', use_vdl=True,
    quant_config={{
        'weight_preprocess_type': None, 'activation_preprocess_type': None,
        'weight_quantize_type': 'channel_wise_abs_max',
        'activation_quantize_type': 'moving_average_abs_max',
        'weight_bits': 8, 'activation_bits': 8, 'moving_rate': 0.9,
        'quantizable_layer_type': ['Conv2D', 'Linear']}})
result = pdx.load_model('output/quant/best_model').predict('数据 a/images/val 0.png')
assert result['label_map'].shape == (64, 96)
"""


@pytest.fixture(scope="module", params=["FastSCNN", "BiSeNetV2"])
def folder(request, tmp_path_factory):
    """Where a network has been trained and pruned."""
    folder = tmp_path_factory.mktemp(f"{request.param} 脚本")
    make_data(folder / "数据 a")
    run(TRAIN.format(network=request.param) + PRUNE, folder)
    return folder


def run(code, folder):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START + code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr


def test_a_model_is_pruned_and_trained_on(folder):
    output = folder / "output/prune"
    assert {path.name for path in output.iterdir()} == {
        "model.sensi.data",
        "best_model",
        "epoch_1",
        "vdl_log",
    }
    record = yaml.safe_load((output / "best_model/prune.yml").read_text(encoding="utf-8"))
    assert record["strategy"] == "sensitivity"
    assert 1 - record["flops_after"] / record["flops_before"] == pytest.approx(0.2, abs=0.01)
    weights = {
        name: (folder / f"output/{name}/best_model/model.pdparams").stat().st_size
        for name in ("net", "prune")
    }
    assert weights["prune"] < weights["net"]


def test_a_model_is_quantised_in_training(folder):
    before = "prune" if folder.name.startswith("BiSeNetV2") else "net"
    run(QUANTIZE.format(before=before), folder)
    best = folder / "output/quant/best_model"
    assert yaml.safe_load((best / "model.yml").read_text(encoding="utf-8"))["status"] == "Quantized"
    assert (best / "prune.yml").exists() == (before == "prune")
    assert (best / "quant.yml").exists()
