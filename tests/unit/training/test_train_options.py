"""Accumulated gradients, averaged weights, half precision, reproducibility."""

from __future__ import annotations

import json
from contextlib import nullcontext

import numpy as np
import paddle
import pytest
from rank_training import make
from tiny_dataset import Recorder, dataset, write_folder

from core.models.state_dict_files import read_arrays
from core.models.weights import read_state_dict
from core.system.errors import InputError
from core.system.reporting import StopRequested
from core.training import losses, optimizers
from core.training.moving_average import WeightAverage
from core.training.precision import resolve_amp


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "数据 1")


def train(folder, save_dir, *, name="Plain", batch=4, stop_at=None, **options):
    """Train; return what the reporter heard."""
    model = make(name, 3)
    recorder = Recorder(stop_at=stop_at)
    defaults = {"seed": 5, "learning_rate": 0.05, "num_epochs": 2, "log_interval_steps": 1}
    with nullcontext() if stop_at is None else pytest.raises(StopRequested):
        arguments = {
            "train_dataset": dataset(folder, "train", augment=True, shuffle=True),
            "train_batch_size": batch,
            "eval_dataset": dataset(folder, "val"),
            "save_dir": save_dir,
            "pretrain_weights": None,
            "use_vdl": False,
            "reporter": recorder,
        }
        model.train(**{**arguments, **defaults, **options})
    return model, recorder


def weights_of(model_dir):
    return read_state_dict(model_dir / "model.pdparams")


def in_memory(model):
    return {name: tensor.numpy() for name, tensor in model.net.state_dict().items()}


def assert_weights(first, second, tolerance=0.0):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize(("batch", "parts"), [(4, 2), (2, 4), (1, 8)])
def test_accumulated_batches_are_one_large_batch(folder, tmp_path, batch, parts):
    """Without batch norm the same numbers, but for the order in which float32 adds them up."""
    _, expected = train(folder, tmp_path / "large", batch=8)
    _, got = train(folder, tmp_path / "parts", batch=batch, accumulate_steps=parts)
    for tag, tolerance in (("train/loss", 1e-6), ("train/lr", 0.0)):
        steps, values = zip(*expected.metrics[tag], strict=True)
        assert [step for step, _ in got.metrics[tag]] == list(steps)
        np.testing.assert_allclose([v for _, v in got.metrics[tag]], values, atol=tolerance)
    assert_weights(
        weights_of(tmp_path / "large/epoch_2"), weights_of(tmp_path / "parts/epoch_2"), 1e-6
    )


def test_parts_of_unequal_weight_add_up_to_the_whole():
    """Cross entropy is that of the whole batch, though one part has few pixels that count."""
    rng = np.random.default_rng(0)
    logits = paddle.to_tensor(rng.normal(size=(4, 3, 6, 6)).astype("float32"))
    labels = rng.integers(0, 3, (4, 6, 6))
    labels[:2, 1:] = 255
    masks = paddle.to_tensor(labels)
    loss = losses.build_loss(False, [1.0], class_weights=[1.0, 2.0, 0.5])
    whole = float(loss([logits], masks))
    part = losses.Part(pixels=(masks != 255).sum().astype("float32"), share=0.5)
    halves = [float(loss([logits[i : i + 2]], masks[i : i + 2], part)) for i in (0, 2)]
    assert sum(halves) == pytest.approx(whole, rel=1e-6)
    alone = [float(loss([logits[i : i + 2]], masks[i : i + 2])) for i in (0, 2)]
    assert np.mean(alone) != pytest.approx(whole, rel=1e-3)
    for name in ("DiceLoss", "LovaszSoftmaxLoss"):
        other = losses.build_loss([(name, 1.0)], [1.0])
        halves = [float(other([logits[i : i + 2]], masks[i : i + 2], part)) for i in (0, 2)]
        alone = [float(other([logits[i : i + 2]], masks[i : i + 2])) for i in (0, 2)]
        assert sum(halves) == pytest.approx(np.mean(alone), rel=1e-6)


# Two optimizer steps an epoch, then 3 images evaluated: checks 1, 2 | 3-6 | 7, 8 | 9-12 | …
@pytest.mark.parametrize("stop_at", [2, 5, 8], ids=["mid-epoch", "evaluating", "second epoch"])
@pytest.mark.parametrize("name", ["Plain", "FastSCNN"])
def test_everything_on_resumes_bit_for_bit(folder, tmp_path, name, stop_at):
    options = {"accumulate_steps": 2, "ema_decay": 0.99, "deterministic": True, "amp": "auto"}
    options |= {"name": name, "batch": 2, "num_epochs": 3}
    whole, _ = train(folder, tmp_path / "whole", **options)
    train(folder, tmp_path / "parts", stop_at=stop_at, **options)
    resumed, _ = train(
        folder, tmp_path / "parts", resume_checkpoint=tmp_path / "parts/interrupted", **options
    )
    for epoch in ("epoch_3", "best_model"):
        assert_weights(
            weights_of(tmp_path / "whole" / epoch), weights_of(tmp_path / "parts" / epoch)
        )
    first, second = (
        read_arrays(tmp_path / part / "epoch_3/model.pdopt") for part in ("whole", "parts")
    )
    assert_weights(first["trained_weights"], second["trained_weights"])
    assert_weights(in_memory(whole), in_memory(resumed))


def test_the_average_is_what_is_evaluated_saved_and_left(folder, tmp_path):
    model, _ = train(folder, tmp_path / "ema", name="FastSCNN", ema_decay=0.9)
    saved = weights_of(tmp_path / "ema/epoch_2")
    assert_weights(saved, in_memory(model))
    _, plain = train(folder, tmp_path / "plain", name="FastSCNN")
    trained = read_arrays(tmp_path / "ema/epoch_2/model.pdopt")["trained_weights"]
    # The training itself does not notice.
    assert_weights(trained, weights_of(tmp_path / "plain/epoch_2"))
    assert any((saved[name] != trained[name]).any() for name in saved)
    statistics = [name for name in saved if name.endswith("_mean")]
    assert any((saved[name] != trained[name]).any() for name in statistics)
    # And its score is that of the average.
    metrics = model.evaluate(dataset(folder, "val"))
    details = json.loads((tmp_path / "ema/epoch_2/eval_details.json").read_text())
    assert metrics["miou"] == details["metrics"]["miou"]
    assert plain.metrics["val/miou"]


def test_the_average_by_formula():
    net = paddle.nn.Linear(1, 1)
    average = WeightAverage(net, 0.5)
    values = [net.weight.item()]
    expected = values[0]
    for step, value in enumerate((1.0, -2.0, 5.0), start=1):
        net.weight.set_value(np.array([[value]], np.float32))
        average.update(step)
        kept = min(0.5, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * value
    with average.applied():
        assert net.weight.item() == pytest.approx(expected, rel=1e-6)
        assert average.trained_weights()["weight"] == np.float32(5.0)
    assert net.weight.item() == 5.0


def test_an_average_can_begin_and_end_at_a_resume(folder, tmp_path):
    train(folder, tmp_path / "plain", num_epochs=1)
    begun, _ = train(
        folder, tmp_path / "a", ema_decay=0.9, resume_checkpoint=tmp_path / "plain/epoch_1"
    )
    # The training goes on as if there were no average.
    train(folder, tmp_path / "b", resume_checkpoint=tmp_path / "plain/epoch_1")
    trained = read_arrays(tmp_path / "a/epoch_2/model.pdopt")["trained_weights"]
    assert_weights(trained, weights_of(tmp_path / "b/epoch_2"))
    train(folder, tmp_path / "c", num_epochs=3, resume_checkpoint=tmp_path / "a/epoch_2")
    train(folder, tmp_path / "d", num_epochs=3, resume_checkpoint=tmp_path / "b/epoch_2")
    assert_weights(weights_of(tmp_path / "c/epoch_3"), weights_of(tmp_path / "d/epoch_3"))
    assert begun.completed_epochs == 2


@pytest.mark.parametrize("name", ["Plain", "FastSCNN"])
def test_the_same_seed_gives_the_same_weights(folder, tmp_path, name):
    for run in "ab":
        train(folder, tmp_path / run, name=name, deterministic=True)
    assert_weights(weights_of(tmp_path / "a/epoch_2"), weights_of(tmp_path / "b/epoch_2"))
    train(folder, tmp_path / "c", name=name, seed=6)
    first, third = weights_of(tmp_path / "a/epoch_2"), weights_of(tmp_path / "c/epoch_2")
    assert any((first[key] != third[key]).any() for key in first)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"accumulate_steps": 0}, "accumulate_steps is 0"),
        ({"accumulate_steps": 3}, "8 images, fewer than one batch of 12"),
        ({"ema_decay": 1.0}, r"ema_decay is 1\.0"),
        ({"ema_decay": "0.9"}, "ema_decay is 0.9"),
        ({"lr_decay_power": -1}, "lr_decay_power is -1"),
        ({"lr_decay_power": None}, "lr_decay_power is None"),
        ({"lr_decay_power": float("nan")}, "lr_decay_power is nan"),
        ({"seed": float("nan")}, "seed is nan"),
        ({"seed": "5"}, "seed is '5'"),
        ({"preview_images": -1}, "preview_images is -1"),
        ({"preview_images": None}, "preview_images is None"),
        ({"early_stop": True, "early_stop_patience": None}, "early_stop_patience is None"),
        ({"class_weights": [1, None, 1]}, "class_weights needs 3 numbers"),
        ({"class_weights": ["1", "1", "1"]}, "class_weights needs 3 numbers"),
        ({"class_weights": float("nan")}, "class_weights needs 3 numbers"),
        ({"class_weights": [0, 0, 0]}, "All class_weights are 0"),
        ({"resume_checkpoint": 3}, "resume_checkpoint is 3: give a path"),
        ({"resume_checkpoint": ""}, "resume_checkpoint is '': give a path"),
        ({"pretrain_weights": []}, r"pretrain_weights is \[\]: give a path"),
        ({"train_dataset": None}, "None is no data set"),
        ({"train_dataset": "data"}, "'data' is no data set"),
        ({"amp": "bf16"}, r"amp=bf16 needs a GPU of compute capability 8\.0, and cpu is none"),
        ({"amp": "fp16"}, r"amp=fp16 needs a GPU of compute capability 7\.0"),
        ({"amp": "fp8"}, "amp is “fp8”"),
        ({"device": "cpu:2"}, "cpu:2 takes several processes"),
    ],
)
def test_what_cannot_be_is_one_sentence(folder, tmp_path, options, sentence):
    with pytest.raises(InputError, match=sentence):
        train(folder, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_training_needs_a_place(folder):
    with pytest.raises(InputError, match="save_dir is None: give a path"):
        train(folder, None)


def test_numpy_s_numbers_train_as_python_s(folder, tmp_path):
    given = {"num_epochs": 2, "train_batch_size": 4, "accumulate_steps": 1, "seed": 7}
    given |= {"warmup_steps": 1, "keep_epochs": 2}
    rates = {"learning_rate": 0.0625, "lr_decay_power": 0.5, "ema_decay": 0.5}
    train(folder, tmp_path / "python", **given, **rates)
    numbers = {name: np.int64(value) for name, value in given.items()}
    numbers |= {name: np.float32(value) for name, value in rates.items()}
    train(folder, tmp_path / "numpy", **numbers)
    assert_weights(weights_of(tmp_path / "python/epoch_2"), weights_of(tmp_path / "numpy/epoch_2"))


def test_without_decay_the_rate_stays(folder, tmp_path):
    _, heard = train(folder, tmp_path, lr_decay_power=0)
    assert {value for _, value in heard.metrics["train/lr"]} == {0.05}


@pytest.mark.parametrize(
    ("capability", "automatic", "refused"),
    [((9, 0), "bf16", []), ((7, 5), "fp16", ["bf16"]), ((6, 1), None, ["bf16", "fp16"])],
)
def test_half_precision_fits_the_gpu(monkeypatch, capability, automatic, refused):
    monkeypatch.setattr(
        paddle.device.cuda, "get_device_capability", lambda device: capability, raising=False
    )
    assert resolve_amp("auto", "gpu:0") == automatic
    assert resolve_amp("off", "gpu:0") is None
    for amp in ("bf16", "fp16"):
        if amp in refused:
            with pytest.raises(InputError, match="compute capability"):
                resolve_amp(amp, "gpu:0")
        else:
            assert resolve_amp(amp, "gpu:0") == amp


class TwoParts(paddle.nn.Layer):
    """An encoder and a head that get the same gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = paddle.nn.Linear(3, 2)
        self.head = paddle.nn.Linear(3, 2)
        self.head.set_state_dict(self.backbone.state_dict())

    def forward(self, x):
        return self.backbone(x) + self.head(x)


@pytest.mark.parametrize("name", ["momentum", "adamw"])
def test_an_encoder_moves_by_its_share_of_the_rate(name):
    net = TwoParts()
    before = {key: value.numpy() for key, value in net.state_dict().items()}

    def moves(share):
        net.set_state_dict({key: paddle.to_tensor(value) for key, value in before.items()})
        optimizer = optimizers.make_optimizer(
            net,
            learning_rate=0.01,
            lr_decay_power=0.9,
            total_steps=10,
            name=name,
            encoder="backbone.",
            backbone_lr_multiplier=share,
        )
        (net(paddle.ones([1, 3])) * paddle.to_tensor([[1.0, -2.0]])).sum().backward()
        optimizer.step()
        optimizer.clear_grad()
        return {key: value.numpy() - before[key] for key, value in net.state_dict().items()}

    for share in (0.25, 1.0):  # the second training must not have the first one's rates
        moved = moves(share)
        for part in ("weight", "bias"):
            head = moved[f"head.{part}"]
            assert (np.abs(head) > 1e-3).all()
            np.testing.assert_allclose(moved[f"backbone.{part}"], share * head, rtol=1e-3)
