"""Optimizers and schedules that the caller brings, and what resuming takes from the checkpoint."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from tiny_dataset import Recorder, dataset
from tiny_training import folder, train, trained, weights_of

from core import seg
from core.seg.loading import load_model
from core.system.errors import InputError
from core.training.checkpoint import read_training_state

__all__ = ["folder", "trained"]
PACT = {"weight_preprocess_type": "PACT", "activation_preprocess_type": "PACT"}


def quantise(folder, save_dir, trained, **rest):
    model = load_model(trained)
    if rate := rest.pop("rate", None):
        groups = rest.pop("groups", lambda net: net.parameters())(model.net)
        rest["optimizer"] = paddle.optimizer.Momentum(
            rate, momentum=0.9, weight_decay=0.01, parameters=groups
        )
    options = {"use_vdl": False, "seed": 5, "preview_images": 0, **rest}
    model.quant_aware_train(1, dataset(folder, "train"), 4, save_dir=save_dir, **options)
    return model


def moved(folder, tmp_path, trained, **rest):
    """Return the trained parameters that a real rate moves and those that it leaves."""
    values = []
    for rate in (1e-30, 0.05):
        model = quantise(folder, tmp_path / str(rate), trained, rate=rate, **rest)
        values.append(
            {
                name: parameter.numpy()
                for name, parameter in model.net.named_parameters()
                if not parameter.stop_gradient
            }
        )
    still, after = values
    stuck = {name for name in still if np.array_equal(still[name], after[name])}
    return set(still) - stuck, stuck


@pytest.mark.parametrize("config", [None, PACT], ids=["plain", "PACT"])
def test_an_optimizer_follows_the_network_into_quantisation(folder, tmp_path, trained, config):
    went, stuck = moved(folder, tmp_path, trained, quant_config=config)
    # The one bias before a batch norm that is left has no gradient.
    assert stuck <= {"auxlayer.conv_bn_relu._conv.bias"}
    assert any(name.endswith("bias") for name in went)
    assert (config is None) or any("alpha" in name for name in went)


def test_groups_of_an_optimizer_stay_groups(folder, tmp_path, trained):
    def head_only(net):
        named = [p for name, p in net.named_parameters() if name.startswith("classifier")]
        return [{"params": named, "learning_rate": 1.0}]

    went, stuck = moved(folder, tmp_path, trained, groups=head_only)
    assert went
    assert all(name.startswith(("classifier", "activation_quantizers")) for name in went)
    assert any(name.startswith("learning_to_downsample") for name in stuck)


def test_quantisation_aware_training_takes_optimizers_by_name(folder, tmp_path, trained):
    quantise(folder, tmp_path / "adamw", trained, optimizer="adamw")
    assert read_training_state(tmp_path / "adamw/epoch_1").optimizer == "adamw"
    with pytest.raises(InputError, match="no optimizer “adagrad”"):
        quantise(folder, tmp_path / "other", trained, optimizer="adagrad")


def test_an_optimizer_of_another_network_is_refused(folder, tmp_path):
    other = seg.create("FastSCNN", seed=1, num_classes=3)
    optimizer = paddle.optimizer.Momentum(0.01, parameters=other.net.parameters())
    with pytest.raises(InputError, match="made for another network"):
        train(folder, tmp_path, optimizer=optimizer)
    with pytest.raises(InputError, match=r"give a name or a paddle\.optimizer"):
        train(folder, tmp_path, optimizer=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", ["max", "min"])
def test_reduce_on_plateau_follows_the_evaluations_and_is_resumed(folder, tmp_path, mode):
    def parts():
        model = seg.create("FastSCNN", seed=3, num_classes=3)
        plan = paddle.optimizer.lr.ReduceOnPlateau(
            1e-9, mode=mode, factor=0.5, patience=0, threshold=0.5, epsilon=0.0
        )
        return model, plan, paddle.optimizer.Momentum(plan, parameters=model.net.parameters())

    model, plan, optimizer = parts()
    train(folder, tmp_path, epochs=3, model=model, optimizer=optimizer)
    assert plan.last_lr == 0.25e-9, "the first evaluation is the best, the others no better"
    model, plan, optimizer = parts()
    rest = {"optimizer": optimizer, "resume_checkpoint": tmp_path / "epoch_3"}
    train(folder, tmp_path, epochs=4, model=model, **rest)
    assert plan.last_lr == 0.125e-9
    model, plan, optimizer = parts()
    with pytest.raises(InputError, match="give an evaluation set"):
        train(folder, tmp_path, model=model, optimizer=optimizer, eval_dataset=None)


def test_a_resumed_training_keeps_optimizer_and_rate_unless_told(folder, tmp_path):
    train(folder, tmp_path, epochs=1, optimizer="adamw", learning_rate=0.003)
    once = {"resume_checkpoint": tmp_path / "epoch_1", "epochs": 2}
    quiet, told = Recorder(), Recorder()
    train(folder, tmp_path / "a", reporter=quiet, learning_rate=0.01, **once)
    state = read_training_state(tmp_path / "a/epoch_2")
    assert (state.optimizer, state.learning_rate) == ("adamw", 0.003)
    assert not [w for w in quiet.warnings if "other settings" in w]

    rest = {"optimizer": "adamw", "learning_rate": 0.001, "warmup_steps": 2}
    train(folder, tmp_path / "b", reporter=told, **rest, **once)
    (said,) = [w for w in told.warnings if "other settings" in w]
    assert "learning_rate 0.003 → 0.001" in said
    assert "warmup_steps 0 → 2" in said


def test_the_rate_rises_first_where_asked_also_after_a_resume(folder, tmp_path):
    whole, first, second = Recorder(), Recorder(), Recorder()
    rest = {"warmup_steps": 3, "warmup_start_lr": 0.002, "learning_rate": 0.02}
    train(folder, tmp_path / "whole", epochs=4, reporter=whole, **rest)
    rates = [value for _, value in whole.metrics["train/lr"]]
    assert rates[:4] == pytest.approx([0.002, 0.008, 0.014, 0.02])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] < 0.01
    train(folder, tmp_path / "parts", epochs=1, reporter=first, **rest)
    again = {"resume_checkpoint": tmp_path / "parts/epoch_1", "reporter": second, **rest}
    train(folder, tmp_path / "parts", epochs=4, **again)
    assert [value for _, value in second.metrics["train/lr"]] == pytest.approx(rates[2:])
    np.testing.assert_array_equal(
        weights_of(tmp_path / "whole/epoch_1")["classifier.conv.bias"],
        weights_of(tmp_path / "parts/epoch_1")["classifier.conv.bias"],
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"warmup_steps": 2.5}, "warmup_steps is 2.5"),
        ({"warmup_steps": -1}, "warmup_steps is -1"),
        ({"warmup_steps": 2, "warmup_start_lr": 0.5}, "warmup_start_lr is 0.5"),
        ({"warmup_steps": 2, "warmup_start_lr": float("nan")}, "warmup_start_lr is nan"),
    ],
)
def test_a_warm_up_that_cannot_be(folder, tmp_path, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        train(folder, tmp_path, **changes)
