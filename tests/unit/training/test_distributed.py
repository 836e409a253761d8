"""Two processes on the processor train together: as one process does, in order, to the end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn
from rank_training import run as run_here
from tiny_dataset import dataset, write_folder

from core import seg
from core.models.catalog import NETWORKS
from core.models.weights import read_state_dict
from core.system.device_choice import launched_ranks
from core.system.errors import InputError
from core.system.reporting import Reporter
from core.training.batch_norm import statistics_of_each_rank, synchronized_batch_norm
from core.training.data_loader import BatchLoader
from core.training.evaluator import rank_shares
from core.training.train_options import TrainOptions

SUPPORT = Path(__file__).parents[2] / "support"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "数据 1")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(job, told, *, ranks=2):
    """Start the processes of a launcher; return them."""
    told.mkdir(parents=True, exist_ok=True)
    (told / "job.json").write_text(json.dumps({**job, "told": str(told)}))
    endpoints = [f"127.0.0.1:{port}" for port in free_ports(ranks)]
    processes = []
    for rank in range(ranks):
        environment = {
            **os.environ,
            "PADDLE_TRAINER_ID": str(rank),
            "PADDLE_TRAINERS_NUM": str(ranks),
            "PADDLE_TRAINER_ENDPOINTS": ",".join(endpoints),
            "PADDLE_CURRENT_ENDPOINT": endpoints[rank],
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(SUPPORT), str(SUPPORT.parents[1])]),
        }
        with (told / f"{rank}.log").open("wb") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, str(SUPPORT / "rank_training.py"), str(told / "job.json")],
                    env=environment,
                    stdout=log,
                    stderr=log,
                )
            )
    return processes


def together(job, told, *, ranks=2):
    """Run a job with two processes; return what each told and its weights."""
    processes = start(job, told, ranks=ranks)
    try:
        for process in processes:
            process.wait(timeout=120)
    finally:
        for process in processes:
            process.kill()
    logs = "\n".join((told / f"{rank}.log").read_text()[-3000:] for rank in range(ranks))
    assert [process.returncode for process in processes] == [0] * ranks, logs
    return outcome(told, ranks)


def alone(job, told):
    told.mkdir(parents=True, exist_ok=True)
    run_here({**job, "told": str(told)})
    return outcome(told, 1)[0]


def outcome(told, ranks):
    return [
        (json.loads((told / f"{rank}.json").read_text()), dict(np.load(told / f"{rank}.npz")))
        for rank in range(ranks)
    ]


def assert_close(first, second, *, tolerance):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=0, atol=tolerance, err_msg=name)


def assert_same(first, second):
    assert_close(first, second, tolerance=0)


def test_two_ranks_train_as_one_process_does(data, tmp_path):
    """Without batch norm the same numbers, but for the order in which float32 adds them up."""
    job = {"data": str(data), "options": {"num_epochs": 3}, "model_seeds": [3, 4]}
    job["loss"] = [["CrossEntropyLoss", 1.0], ["DiceLoss", 1.0]]
    (first, weights), (second, others) = together(
        {**job, "out": str(tmp_path / "两")}, tmp_path / "told"
    )
    assert_same(weights, others)
    expected, one = alone({**job, "out": str(tmp_path / "one")}, tmp_path / "one told")
    assert_close(weights, one, tolerance=1e-5)
    assert first["metrics"].keys() == expected["metrics"].keys()
    for tag, points in expected["metrics"].items():
        got = first["metrics"][tag]
        assert [step for step, _ in got] == [step for step, _ in points]
        np.testing.assert_allclose(
            [value for _, value in got], [value for _, value in points], atol=2e-3, err_msg=tag
        )
    losses = [np.array([v for _, v in told["metrics"]["train/loss"]]) for told in (first, expected)]
    np.testing.assert_allclose(*losses, rtol=1e-5)
    # Only rank 0 reports and shows.
    assert second["metrics"] == {} and second["previews"] == 0
    assert first["previews"] == expected["previews"] > 0
    saved = read_state_dict(tmp_path / "两" / "epoch_3" / "model.pdparams")
    assert_same(saved, weights)


def test_batch_norm_statistics_are_the_same_on_all_ranks_and_a_stop_resumes(data, tmp_path):
    """Stopped in its second epoch by rank 0 alone; both stop, and go on bit for bit."""
    job = {"data": str(data), "model": "FastSCNN", "options": {"accumulate_steps": 2}}
    job["options"] |= {"train_batch_size": 4, "ema_decay": 0.9, "num_epochs": 3}
    whole = together({**job, "out": str(tmp_path / "whole")}, tmp_path / "told")
    assert_same(whole[0][1], whole[1][1])
    # Epochs of one step and three images: rank 0 evaluates two of these, and checks three times.
    first = together({**job, "out": str(tmp_path / "b"), "stop_at": 6}, tmp_path / "first")
    assert [told["stopped"] for told, _ in first] == [True, True]
    job["options"]["resume_checkpoint"] = str(tmp_path / "b" / "interrupted")
    second = together({**job, "out": str(tmp_path / "b")}, tmp_path / "second")
    assert_same(second[0][1], whole[0][1])
    assert_same(second[1][1], whole[0][1])
    # And with another number of processes: one.
    job["options"]["resume_checkpoint"] = str(tmp_path / "whole" / "epoch_1")
    told, weights = alone({**job, "out": str(tmp_path / "c")}, tmp_path / "third")
    assert [step for step, _ in told["metrics"]["train/loss"]] == [2, 3]
    assert weights.keys() == whole[0][1].keys()


@pytest.mark.parametrize("dying", ["leader", "follower"])
def test_the_others_end_soon_after_one_that_dies(data, tmp_path, dying):
    job = {"data": str(data), "out": str(tmp_path / "out"), "options": {"num_epochs": 100000}}
    if dying == "leader":
        job["die_at"] = 4
    processes = start(job, tmp_path / "told")
    try:
        if dying == "follower":
            deadline = time.monotonic() + 60
            while not (tmp_path / "out" / "epoch_1").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            processes[1].kill()
        codes = [process.wait(timeout=60) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert codes[0 if dying == "leader" else 1] in (9, -9)
    assert all(codes)


def test_shares_of_a_batch_are_the_batch(data):
    images = dataset(data, "train", shuffle=True)
    order = BatchLoader(images, batch_size=8, seed=1).order(3)
    shares = [
        BatchLoader(images, batch_size=8, seed=1, parts=2, rank=rank, ranks=2) for rank in range(2)
    ]
    assert [loader.steps_per_epoch for loader in shares] == [1, 1]
    whole = next(BatchLoader(images, batch_size=8, seed=1).batches(3))[0]
    parts = [[pixels.numpy() for pixels, _ in loader.batches(3)] for loader in shares]
    together = np.concatenate([parts[0][0], parts[1][0], parts[0][1], parts[1][1]])
    np.testing.assert_array_equal(together, whole.numpy())
    assert len(order) == 1


def test_evaluation_is_dealt_out_and_rank_0_has_the_previews():
    assert rank_shares(7, 3, first=[0, 6]) == [[0, 5, 6], [1, 3], [2, 4]]
    assert rank_shares(2, 3, first=[]) == [[0], [1], []]
    assert sorted(chain(*rank_shares(50, 4, first=[0, 25, 49]))) == list(range(50))


def test_synchronized_batch_norm_changes_layers_only():
    model = seg.create("FastSCNN", seed=1, num_classes=3)
    before = dict(model.net.state_dict())
    layers = [layer for layer in model.net.sublayers() if type(layer) is nn.BatchNorm2D]
    assert len(statistics_of_each_rank(model.net)) == 2 * len(layers)
    with synchronized_batch_norm(model.net, on=True):
        synced = [one for one in model.net.sublayers() if isinstance(one, nn.SyncBatchNorm)]
        assert len(synced) == len(layers) > 0
        assert not any(type(layer) is nn.BatchNorm2D for layer in model.net.sublayers())
        now = model.net.state_dict()
        assert list(now) == list(before)
        assert all(now[name] is before[name] for name in before)
        assert statistics_of_each_rank(model.net) == []
        model.net.eval()
    assert [one for one in model.net.sublayers() if type(one) is nn.BatchNorm2D] == layers
    assert not any(layer.training for layer in layers)
    model.predict(np.zeros((64, 64, 3), np.uint8), dataset_transforms())


def dataset_transforms():
    from core import transforms as T  # noqa: N812

    return T.Compose([T.Normalize()])


@pytest.mark.parametrize(
    ("batch", "ranks", "expected"), [(8, 4, 8), (1, 4, 4), (1, 1, 1), (6, 4, None)]
)
def test_a_batch_is_shared_equally(tmp_path, batch, ranks, expected):
    options = TrainOptions(num_epochs=1, batch_size=batch, save_dir=tmp_path)
    if expected is None:
        with pytest.raises(InputError, match="6 cannot be shared by 4 devices"):
            options.for_ranks(ranks, Reporter())
    else:
        assert options.for_ranks(ranks, Reporter()).batch_size == expected


def test_a_launcher_names_rank_and_size():
    assert launched_ranks({}) == (0, 1)
    assert launched_ranks({"PADDLE_TRAINER_ID": "2", "PADDLE_TRAINERS_NUM": "3"}) == (2, 3)
    for rank, size in (("3", "3"), ("x", "2"), ("0", "two")):
        with pytest.raises(InputError, match=r"paddle\.distributed\.launch"):
            launched_ranks({"PADDLE_TRAINER_ID": rank, "PADDLE_TRAINERS_NUM": size})


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_takes_part_in_every_step(name):
    """What data-parallel training relies on, which does not look for unused parameters."""
    smallest = {"width": 18} if name == "HRNet" else {}
    model = seg.create(name, seed=1, num_classes=3, **smallest)
    model.net.train()
    outputs = model.net(paddle.rand([2, 3, 64, 64]))
    sum(one.mean() for one in outputs).backward()
    without = [n for n, p in model.net.named_parameters() if p.grad is None and p.trainable]
    assert without == []
