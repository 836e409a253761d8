"""The library as PaddleX's tutorials use it, in processes of its own, on a path with a space."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core.datasets import write_data_folder
from core.images import io as images
from core.models.model_folder import read_model_info

REPOSITORY = Path(__file__).parents[2]

TUTORIAL = """
import core as pdx
from core import transforms as T

train_transforms = T.Compose([
    T.Resize(target_size=64),
    T.RandomHorizontalFlip(),
    T.Normalize(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5]),
])
eval_transforms = T.Compose([
    T.Resize(target_size=64),
    T.Normalize(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5]),
])
train_dataset = pdx.datasets.SegDataset(
    data_dir='资料 data',
    file_list='资料 data/train_list.txt',
    label_list='资料 data/labels.txt',
    transforms=train_transforms,
    shuffle=True)
eval_dataset = pdx.datasets.SegDataset(
    data_dir='资料 data',
    file_list='资料 data/val_list.txt',
    label_list='资料 data/labels.txt',
    transforms=eval_transforms,
    shuffle=False)
num_classes = len(train_dataset.labels)
model = pdx.seg.FastSCNN(num_classes=num_classes, use_mixed_loss=True)
model.train(
    num_epochs={epochs},
    train_dataset=train_dataset,
    train_batch_size=2,
    eval_dataset=eval_dataset,
    pretrain_weights=None,
    learning_rate=0.01,
    save_dir='output/模型 1'{extra})
"""

PREDICT = """
import json, core as pdx
model = pdx.load_model('output/模型 1/best_model')
result = model.predict('资料 data/大 图.png')
assert result['label_map'].shape == (90, 70), result['label_map'].shape
data = pdx.datasets.SegDataset('资料 data', '资料 data/val_list.txt', '资料 data/labels.txt',
                               transforms=model.eval_transforms)
metrics, details = model.evaluate(data, batch_size=1, return_details=True)
print(json.dumps([metrics['miou'], details['confusion_matrix']]))
"""


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "资料 data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    subsets = {}
    for split, count in (("train", 4), ("val", 2)):
        pairs = []
        for index in range(count):
            mask = np.zeros((90, 70), np.uint8)
            mask[20 + 5 * index : 60, 10:50] = 1
            image = np.where(mask[..., None] == 1, 200, 40) + rng.integers(0, 40, (90, 70, 3))
            pairs.append((f"{split} {index}.png", f"{split} {index} m.png"))
            images.write_image(folder / pairs[-1][0], image.astype(np.uint8))
            images.write_mask(folder / pairs[-1][1], mask)
        subsets[split] = pairs
    images.write_image(folder / "大 图.png", image.astype(np.uint8))
    write_data_folder(folder, labels=["背景", "part"], subsets=subsets)
    return tmp_path


def start(code, folder):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code, folder):
    process = start(code, folder)
    out, errors = process.communicate(timeout=250)
    assert process.returncode == 0, errors
    return out


def test_train_evaluate_and_predict_in_separate_processes(workspace):
    run(TUTORIAL.format(epochs=2, extra=", use_vdl=True"), workspace)
    output = workspace / "output" / "模型 1"
    assert {p.name for p in output.iterdir()} == {"best_model", "epoch_1", "epoch_2", "vdl_log"}
    miou, confusion = json.loads(run(PREDICT, workspace).splitlines()[-1])
    assert miou == read_model_info(output / "best_model").score
    saved = json.loads((output / "best_model" / "eval_details.json").read_text(encoding="utf-8"))
    assert confusion == saved["confusion_matrix"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_training_leaves_models_that_load_and_resume(workspace):
    output = workspace / "output" / "模型 1"
    process = start(TUTORIAL.format(epochs=500, extra=", use_vdl=False"), workspace)
    deadline = time.monotonic() + 200
    while not (output / "epoch_2").exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    epochs = max(
        read_model_info(folder).completed_epochs
        for folder in [*output.glob("epoch_*"), output / "best_model"]
    )
    newest = f"output/模型 1/epoch_{epochs}"
    if not (workspace / newest).exists():
        newest = "output/模型 1/best_model"
    extra = f", use_vdl=False, resume_checkpoint='{newest}'"
    run(TUTORIAL.format(epochs=epochs + 1, extra=extra), workspace)
    assert read_model_info(output / f"epoch_{epochs + 1}").completed_epochs == epochs + 1
    run(PREDICT, workspace)
