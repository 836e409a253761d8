"""Resuming, early stops, and which checkpoints are the best and stay."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import paddle
import pytest
from tiny_dataset import Recorder, dataset
from tiny_training import assert_same_weights, folder, train, trained, weights_of

from core import seg
from core.models.model_folder import check_same_network, read_model_info
from core.prediction.metrics import ConfusionMatrix
from core.system.errors import InputError
from core.system.reporting import StopRequested
from core.training.early_stopping import BestScore
from core.training.evaluator import Evaluator
from core.training.output_folder import OutputFolder

__all__ = ["folder", "trained"]


# Epochs of 2 steps, then 3 images evaluated (4 checks): checks 1, 2 | 3-6 | 7, 8 | 9-12 | …
@pytest.mark.parametrize("stop_at", [2, 5, 8], ids=["mid-epoch", "evaluating", "second epoch"])
def test_a_stopped_training_resumes_bit_for_bit(folder, tmp_path, stop_at):
    whole = Recorder()
    _, expected = train(folder, tmp_path / "whole", epochs=3, reporter=whole)
    first = Recorder(stop_at=stop_at)
    with pytest.raises(StopRequested):
        train(folder, tmp_path / "parts", epochs=3, reporter=first)
    assert first.checkpoints[-1][0] == "interrupted"

    seg.UNet(num_classes=2)  # shifts paddle's own parameter names in this process
    second = Recorder()
    other_start = seg.create("FastSCNN", seed=99, num_classes=3)
    _, result = train(
        folder,
        tmp_path / "parts",
        epochs=3,
        seed=None,
        model=other_start,
        data=dataset(folder, "train", augment=True, shuffle=True, num_workers=2),
        reporter=second,
        resume_checkpoint=tmp_path / "parts" / "interrupted",
    )
    assert_same_weights(
        weights_of(tmp_path / "whole/epoch_3"), weights_of(tmp_path / "parts/epoch_3")
    )
    assert (result.best_score, result.best_epoch) == (expected.best_score, expected.best_epoch)
    count = len(second.metrics["train/loss"])
    assert second.metrics["train/loss"] == whole.metrics["train/loss"][-count:]
    assert (
        second.metrics["val/miou"] == whole.metrics["val/miou"][-len(second.metrics["val/miou"]) :]
    )
    assert not (tmp_path / "parts" / "interrupted").exists()


def test_adamw_by_name_resumes_bit_for_bit_and_only_with_itself(folder, tmp_path):
    train(folder, tmp_path / "whole", epochs=2, optimizer="adamw", learning_rate=1e-3)
    once = {"epochs": 2, "learning_rate": 1e-3, "resume_checkpoint": tmp_path / "whole/epoch_1"}
    with pytest.raises(InputError, match="trained with the optimizer adamw, not momentum"):
        train(folder, tmp_path / "parts", optimizer="momentum", **once)
    train(folder, tmp_path / "parts", optimizer="adamw", **once)
    expected = weights_of(tmp_path / "whole/epoch_2")
    assert_same_weights(weights_of(tmp_path / "parts/epoch_2"), expected)
    train(folder, tmp_path / "momentum", epochs=2, optimizer="momentum", learning_rate=1e-3)
    other = weights_of(tmp_path / "momentum/epoch_2")
    assert any(not np.array_equal(other[name], expected[name]) for name in expected)
    with pytest.raises(InputError, match="no optimizer “sgd”; choose from momentum, adamw"):
        train(folder, tmp_path / "c", optimizer="sgd")


def test_resuming_an_epoch_elsewhere_is_bit_equal_and_takes_the_best_along(folder, tmp_path):
    optimizers = []
    for _ in range(2):
        model = seg.create("FastSCNN", seed=3, num_classes=3)
        adam = paddle.optimizer.Adam(1e-3, parameters=model.net.parameters())
        optimizers.append((model, adam))
    model, adam = optimizers[0]
    train(folder, tmp_path / "a", epochs=3, model=model, optimizer=adam)
    model, adam = optimizers[1]
    _, result = train(
        folder,
        tmp_path / "b",
        epochs=3,
        model=model,
        optimizer=adam,
        device="cpu",
        resume_checkpoint=tmp_path / "a" / "epoch_1",
    )
    assert_same_weights(weights_of(tmp_path / "a/epoch_3"), weights_of(tmp_path / "b/epoch_3"))
    assert read_model_info(result.best_model).score == result.best_score


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("model.pdopt", {"accumulators": {"gone": {}}}, "does not belong"),
        (
            "model.pdopt",
            {"accumulators": {"classifier.conv.bias": {"velocity": np.zeros(9, np.float32)}}},
            "does not belong",
        ),
        ("model.pdopt", {"accumulators": {"classifier.conv.bias": 3}}, "does not belong"),
        ("model.pdopt", {}, "does not hold an optimizer"),
        ("training_state.json", b"{", "damaged"),
        ("training_state.json", b'{"seed": -1}', "damaged"),
        ("training_state.json", None, "cannot be resumed"),
    ],
)
def test_a_damaged_checkpoint_is_named(folder, tmp_path, trained, name, content, sentence):
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(trained, checkpoint)
    if content is None:
        (checkpoint / name).unlink()
    else:
        data = content if isinstance(content, bytes) else pickle.dumps(content)
        (checkpoint / name).write_bytes(data)
    with pytest.raises(InputError, match=sentence):
        train(folder, tmp_path / "out", resume_checkpoint=checkpoint)


def scripted(monkeypatch, scores):
    """Let evaluations find ``scores``, one after the other."""
    remaining = iter(scores)

    def evaluate(self, step, *, on_step):
        matrix = ConfusionMatrix(3)
        right = round(1000 * next(remaining))
        # Three equal classes whose IoU is right / 1000 each.
        matrix.matrix[:] = np.eye(3, dtype=np.int64) * right * 2
        for index in range(3):
            matrix.matrix[index, (index + 1) % 3] = 1000 - right
        return matrix

    monkeypatch.setattr(Evaluator, "evaluate", evaluate)


def test_early_stop_counts_against_the_best(folder, tmp_path, monkeypatch):
    # Every second evaluation beats the one before, none beats the first.
    scripted(monkeypatch, [0.5, 0.4, 0.45, 0.44, 0.49, 0.48])
    _, result = train(folder, tmp_path, epochs=6, early_stop=True, early_stop_patience=3)
    assert result.stopped_early
    assert (result.epochs, result.best_epoch) == (4, 1)
    assert result.best_score == pytest.approx(0.5)


def test_a_resumed_training_keeps_the_best_model_and_its_patience(folder, tmp_path, monkeypatch):
    scripted(monkeypatch, [0.6, 0.3])
    train(folder, tmp_path, epochs=2, early_stop=True, early_stop_patience=2)
    best = (tmp_path / "best_model" / "model.pdparams").read_bytes()
    scripted(monkeypatch, [0.5, 0.55])
    model = seg.create("FastSCNN", seed=3, num_classes=3)
    _, result = train(
        folder,
        tmp_path,
        epochs=4,
        model=model,
        early_stop=True,
        early_stop_patience=2,
        resume_checkpoint=tmp_path / "epoch_2",
    )
    assert (tmp_path / "best_model" / "model.pdparams").read_bytes() == best
    assert result.best_score == pytest.approx(0.6)
    assert (result.epochs, result.stopped_early) == (3, True)


def test_resuming_from_before_the_best_keeps_the_best(folder, tmp_path, monkeypatch):
    scripted(monkeypatch, [0.3, 0.6])
    train(folder, tmp_path, epochs=2)
    best = (tmp_path / "best_model" / "model.pdparams").read_bytes()
    scripted(monkeypatch, [0.5, 0.55])
    recorder = Recorder()
    _, result = train(
        folder,
        tmp_path,
        epochs=3,
        learning_rate=0.01,
        reporter=recorder,
        resume_checkpoint=tmp_path / "epoch_1",
    )
    assert (tmp_path / "best_model" / "model.pdparams").read_bytes() == best
    assert result.best_score == pytest.approx(0.6)
    assert recorder.warnings == []


def test_a_branch_takes_the_best_that_its_checkpoint_knows(folder, tmp_path, monkeypatch):
    scripted(monkeypatch, [0.3, 0.2, 0.6])
    train(folder, tmp_path / "a", epochs=3)
    known = (tmp_path / "a" / "epoch_1" / "model.pdparams").read_bytes()
    scripted(monkeypatch, [0.1])
    checkpoint = tmp_path / "a" / "epoch_2"
    _, result = train(folder, tmp_path / "b", epochs=3, resume_checkpoint=checkpoint)
    assert (tmp_path / "b" / "best_model" / "model.pdparams").read_bytes() == known
    assert (result.best_score, result.best_epoch) == (pytest.approx(0.3), 1)


def test_a_best_model_that_is_gone_is_sought_anew(folder, tmp_path, monkeypatch):
    scripted(monkeypatch, [0.3, 0.2])
    train(folder, tmp_path, epochs=2, keep_epochs=1)
    (tmp_path / "best_model").rename(tmp_path / "elsewhere")
    scripted(monkeypatch, [0.25])
    recorder = Recorder()
    checkpoint = tmp_path / "epoch_2"
    _, result = train(folder, tmp_path, epochs=3, reporter=recorder, resume_checkpoint=checkpoint)
    assert "was not found" in recorder.warnings[0]
    assert (result.best_score, result.best_epoch) == (pytest.approx(0.25), 3)


def test_best_score_in_a_repeated_epoch_is_the_best_again():
    best = BestScore(patience=1)
    assert best.update(0.5, 3)
    assert best.update(0.5, 3)
    assert not best.update(0.5, 4)
    assert best.exhausted
    assert not BestScore().update(None, 1)


def test_newest_epochs_and_the_best_stay(folder, tmp_path, monkeypatch):
    scripted(monkeypatch, [0.6, 0.3, 0.2, 0.1])
    train(folder, tmp_path, epochs=4, keep_epochs=2)
    kept = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert kept == ["best_model", "epoch_3", "epoch_4"]
    assert read_model_info(tmp_path / "best_model").completed_epochs == 1


def test_an_early_stop_is_gone_on_from_with_more_epochs(folder, tmp_path, monkeypatch):
    scripted(monkeypatch, [0.5, 0.4, 0.3, 0.2, 0.1, 0.1])
    rest = {"early_stop": True, "early_stop_patience": 2}
    _, first = train(folder, tmp_path, epochs=6, **rest)
    assert (first.epochs, first.stopped_early) == (3, True)
    recorder = Recorder()
    again = {"resume_checkpoint": tmp_path / "epoch_3", "reporter": recorder}
    _, second = train(folder, tmp_path, epochs=9, **rest, **again)
    assert second.epochs == 5, "two more evaluations were no better"
    assert any("stopped early after epoch 3" in warning for warning in recorder.warnings)


def test_another_network_than_the_checkpoints_is_named(folder, tmp_path, trained):
    other = seg.create("FastSCNN", seed=3, num_classes=3, align_corners=True)
    with pytest.raises(InputError, match="align_corners False instead of True"):
        train(folder, tmp_path, model=other, resume_checkpoint=trained)
    with pytest.raises(InputError, match="holds a FastSCNN, not a UNet"):
        train(folder, tmp_path, model=seg.UNet(3), resume_checkpoint=trained)


def test_strides_and_ratios_of_a_checkpoint_are_compared(tmp_path):
    model = seg.DeepLabV3P.without_net(num_classes=3)
    info = model.describe()
    for changes in ({"output_stride": 16}, {"aspp_ratios": (1, 6, 12, 18)}):
        with pytest.raises(InputError, match=next(iter(changes))):
            check_same_network(info, "DeepLabV3P", {**model.init_params, **changes}, tmp_path)
    check_same_network(info, "DeepLabV3P", model.init_params, tmp_path)


def test_two_trainings_do_not_write_into_one_folder(folder, tmp_path):
    (tmp_path / "out").mkdir()
    with OutputFolder(tmp_path / "out", keep_epochs=None).exclusive():
        with pytest.raises(InputError, match="Another training is writing to"):
            train(folder, tmp_path / "out", epochs=1)
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["training.lock"]
    train(folder, tmp_path / "out", epochs=1)


def test_a_pretrained_encoders_rate_is_kept_by_a_resume(folder, tmp_path):
    def run(out, **options):
        model = seg.create("EfficientNetFPN", seed=3, num_classes=3)
        train(folder, tmp_path / out, model=model, eval_dataset=None, **options)
        file = tmp_path / out / "epoch_2" / "training_state.json"
        share = json.loads(file.read_text("utf-8"))["backbone_lr_multiplier"]
        return share, weights_of(tmp_path / out / "epoch_2")

    slow = {"pretrain_weights": "IMAGENET", "backbone_lr_multiplier": 0.25}
    share, expected = run("slow", **slow)
    assert share == 0.25
    share, resumed = run("slow_parts", resume_checkpoint=tmp_path / "slow" / "epoch_1")
    assert share == 0.25
    assert_same_weights(resumed, expected)
    # Random weights all have one rate, whatever a suggestion said.
    share, _ = run("random", backbone_lr_multiplier=0.25)
    assert share == 1.0


@pytest.mark.parametrize("share", [0, -1, float("nan"), "slow"])
def test_an_impossible_rate_of_an_encoder_is_one_sentence(folder, tmp_path, share):
    with pytest.raises(InputError, match=r"backbone_lr_multiplier is .*: give a number above 0"):
        train(folder, tmp_path, backbone_lr_multiplier=share)


def test_a_network_without_an_encoder_has_no_rate_for_it(folder, tmp_path):
    with pytest.raises(InputError, match="FastSCNN has no encoder that is trained before"):
        train(folder, tmp_path, backbone_lr_multiplier=0.5)
