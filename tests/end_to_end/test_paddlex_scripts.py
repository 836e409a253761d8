"""Scripts written for PaddleX 2.1, with one import line changed, in processes of their own."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from core.datasets import write_data_folder
from core.images import io as images

REPOSITORY = Path(__file__).parents[2]

SCRIPT = """
import core as pdx
from core import transforms as T

pdx.utils.download_and_decompress('{url}盘.tar.gz', path='./')

train_steps = T.Compose([
    T.Resize(target_size=32), T.RandomHorizontalFlip(),
    T.Normalize(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5])])
eval_steps = T.Compose([
    T.Resize(target_size=32), T.Normalize(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5])])
train_dataset = pdx.datasets.SegDataset(
    data_dir='盘', file_list='盘/train_list.txt', label_list='盘/labels.txt',
    transforms=train_steps, shuffle=True)
eval_dataset = pdx.datasets.SegDataset(
    data_dir='盘', file_list='盘/val_list.txt', label_list='盘/labels.txt',
    transforms=eval_steps, shuffle=False)

num_classes = len(train_dataset.labels)
model = pdx.seg.{network}
model.train(
    num_epochs=1,
    train_dataset=train_dataset,
    train_batch_size=2,
    eval_dataset=eval_dataset,
    learning_rate=0.01,{more}
    save_dir='output/net')

model = pdx.load_model('output/net/best_model')
result = model.predict('盘/val 0.png')
pdx.seg.visualize('盘/val 0.png', result, weight=0.4, save_dir='./output')
drawn = pdx.visualize_seg('盘/val 0.png', result, weight=0.4, save_dir=None)
assert drawn.shape == (40, 36, 3)
assert result['score_map'].shape == (40, 36, num_classes)
"""

#: Each network as its tutorial builds it (the smaller HRNet), and whether published weights lie
#: ready (``pretrain_weights`` is CITYSCAPES unless something else is asked for).
NETWORKS = [
    ("FastSCNN(num_classes=num_classes)", "FastSCNN_CITYSCAPES"),
    ("UNet(num_classes=num_classes)", None),
    ("BiSeNetV2(num_classes=num_classes)", None),
    ("HRNet(num_classes=num_classes, width=18)", None),
    ("DeepLabV3P(num_classes=num_classes, backbone='ResNet50_vd')", None),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The example data as an archive on a server."""
    folder = tmp_path_factory.mktemp("server")
    data = folder / "盘"
    rng = np.random.default_rng(0)
    subsets = {}
    for split, count in (("train", 4), ("val", 1)):
        pairs = []
        for index in range(count):
            mask = np.zeros((40, 36), np.uint8)
            mask[10:30, 8 + index : 24] = 1
            image = np.where(mask[..., None] == 1, 200, 40) + rng.integers(0, 40, (40, 36, 3))
            pairs.append((f"{split} {index}.png", f"{split} {index} m.png"))
            data.mkdir(exist_ok=True)
            images.write_image(data / pairs[-1][0], image.astype(np.uint8))
            images.write_mask(data / pairs[-1][1], mask)
        subsets[split] = pairs
    write_data_folder(data, labels=["背景", "盘"], subsets=subsets)
    with tarfile.open(folder / "盘.tar.gz", "w:gz") as tar:
        tar.add(data, "盘")
    handler = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def run(code, folder, **env):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "NO_PROXY": "127.0.0.1", **env},
        capture_output=True,
        text=True,
        timeout=250,
    )


@pytest.mark.parametrize(("network", "key"), NETWORKS, ids=lambda value: str(value).split("(")[0])
def test_a_tutorial_runs(tmp_path, url, network, key):
    more = "" if key else " pretrain_weights=None,"
    if key:
        make = f"import core as pdx; pdx.seg.{network.replace('num_classes=num_classes', '19')}"
        done = run(f"{make}.save_model('offline/{key}')", tmp_path)
        assert done.returncode == 0, done.stderr
    script = SCRIPT.format(url=url, network=network, more=more)
    done = run(script, tmp_path, MASKWRIGHT_PRETRAINED="offline")
    assert done.returncode == 0, done.stderr
    output = tmp_path / "output"
    assert {p.name for p in output.iterdir()} == {"net", "visualize_val 0.png"}
    assert {p.name for p in (output / "net").iterdir()} == {"best_model", "epoch_1", "vdl_log"}
    assert not (tmp_path / "盘.tar.gz").exists()
    details = json.loads((output / "net/best_model/eval_details.json").read_text(encoding="utf-8"))
    assert np.sum(details["confusion_matrix"]) == 40 * 36
    warned = "242 of 246 weights were loaded" in done.stderr
    assert warned == (key is not None)


def test_without_internet_the_default_says_what_to_do(tmp_path, url):
    script = SCRIPT.format(url=url, network="UNet(num_classes=num_classes)", more="")
    closed = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = run(script, tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"), **closed)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "the proxy cannot be used" in last
    assert "UNet_CITYSCAPES" in last
    assert "choose None as pretrain_weights" in last


def test_a_crafted_file_runs_nothing(tmp_path, url):
    class Attack:
        def __reduce__(self):
            return os.mkdir, ("ran",)

    (tmp_path / "evil.pdparams").write_bytes(pickle.dumps({"w": Attack()}))
    script = SCRIPT.format(
        url=url,
        network="FastSCNN(num_classes=num_classes)",
        more=" pretrain_weights='evil.pdparams',",
    )
    done = run(script, tmp_path)
    assert done.returncode == 1
    assert "evil.pdparams cannot be read as network weights" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "ran").exists()
