"""Training: learning, resuming bit for bit, stopping, keeping the best."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import paddle
import pytest
from tiny_dataset import Recorder, dataset, write_folder

from core import seg
from core.errors import InputError
from core.metrics import ConfusionMatrix
from core.model_folder import read_model_info
from core.model_loading import load_model
from core.training import weights
from core.training.checkpoint import read_training_state
from core.training.class_weights import balanced_weights, resolve_class_weights
from core.training.data_loader import BatchLoader
from core.training.evaluator import Evaluator
from core.training.progress import Speed
from core.training.reporter import StopRequested
from core.training.schedule import BestScore


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


def test_the_network_learns(folder, tmp_path):
    recorder = Recorder()
    _, result = train(
        folder,
        tmp_path,
        epochs=12,
        save_interval_epochs=12,
        learning_rate=0.05,
        reporter=recorder,
        data=dataset(folder, "train", shuffle=True),
    )
    losses = [value for _, value in recorder.metrics["train/loss"]]
    assert np.mean(losses[-4:]) < 0.5 * np.mean(losses[:4])
    assert result.best_score == recorder.metrics["val/miou"][-1][1]
    assert result.metrics["miou"] == result.best_score
    assert result.images_per_second > 0


def test_learning_rate_falls_polynomially_per_step(folder, tmp_path):
    recorder = Recorder()
    train(folder, tmp_path, reporter=recorder, lr_decay_power=0.9)
    expected = [0.02 * (1 - step / 4) ** 0.9 for step in range(4)]
    steps, rates = zip(*recorder.metrics["train/lr"], strict=True)
    assert steps == (1, 2, 3, 4)
    np.testing.assert_allclose(rates, expected)


def test_the_reporter_hears_of_everything(folder, tmp_path):
    recorder = Recorder()
    train(folder, tmp_path, reporter=recorder, preview_images=2)
    names = {f"val/{name}" for name in ("miou", "oacc", "kappa", "iou/0", "iou/1", "iou/2")}
    assert set(recorder.metrics) == names | {"train/loss", "train/lr"}
    assert [step for step, _ in recorder.metrics["val/miou"]] == [2, 4]
    assert [(index, step) for _, index, step, _ in recorder.previews] == [
        (0, 2),
        (1, 2),
        (0, 4),
        (1, 4),
    ]
    # First and last of three images: spread out.
    assert [image[-9:] for image, *_ in recorder.previews[:2]] == ["val 0.png", "val 2.png"]
    assert all(p[3].shape == (64, 64) and p[3].dtype == np.uint8 for p in recorder.previews)
    assert ("epoch_2", recorder.metrics["val/miou"][1][1], 2, False) in recorder.checkpoints
    last = [p for p in recorder.progresses if p["stage"] == "train"][-1]
    assert (last["step"], last["steps"], last["epoch"], last["epochs"]) == (4, 4, 2, 2)
    assert last["eta_s"] > 0  # an evaluation is still to come


def test_previews_on_request_do_not_change_the_training(folder, tmp_path):
    class Asking(Recorder):
        def preview_due(self, step):
            return step == 1

    recorder = Asking()
    train(folder, tmp_path / "a", reporter=recorder, preview_images=2)
    train(folder, tmp_path / "b")
    assert [step for _, _, step, _ in recorder.previews][:2] == [1, 1]
    assert_same_weights(weights_of(tmp_path / "a/epoch_2"), weights_of(tmp_path / "b/epoch_2"))


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
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best_model", "epoch_3", "epoch_4"]
    assert read_model_info(tmp_path / "best_model").completed_epochs == 1


def test_a_second_training_puts_the_first_aside(folder, tmp_path):
    train(folder, tmp_path, epochs=1)
    before = weights_of(tmp_path / "best_model")
    recorder = Recorder()
    train(folder, tmp_path, epochs=1, seed=6, reporter=recorder)
    assert_same_weights(before, weights_of(tmp_path / "previous_1" / "best_model"))
    assert "previous_1" in recorder.warnings[0]


def test_saved_folder_holds_what_paddlex_saves(folder, tmp_path):
    train(folder, tmp_path, epochs=1)
    names = {path.name for path in (tmp_path / "epoch_1").iterdir()}
    assert names == {
        "model.pdparams",
        "model.pdopt",
        "model.yml",
        "eval_details.json",
        "training_state.json",
        ".success",
    }
    details = json.loads((tmp_path / "epoch_1/eval_details.json").read_text())
    pixels = 3 * 64 * 62  # three images without the two ignored rows
    assert np.sum(details["confusion_matrix"]) == pixels
    by_paddle = paddle.load(str(tmp_path / "epoch_1/model.pdparams"))
    ours = weights_of(tmp_path / "epoch_1")
    assert_same_weights(ours, {name: by_paddle[name].numpy() for name in ours})


def test_without_an_evaluation_set(folder, tmp_path):
    _, result = train(folder, tmp_path, epochs=1, eval_dataset=None)
    assert result.best_model is None and result.last_model == tmp_path / "epoch_1"
    model = load_model(result.last_model)
    with pytest.raises(InputError, match="pass transforms"):
        model.predict(np.zeros((64, 64, 3), np.uint8))


def test_a_trained_model_has_nothing_left_to_do(folder, tmp_path):
    train(folder, tmp_path, epochs=1)
    recorder = Recorder()
    _, result = train(
        folder, tmp_path, epochs=1, reporter=recorder, resume_checkpoint=tmp_path / "epoch_1"
    )
    assert "already been trained for 1 epochs" in recorder.warnings[0]
    assert result.best_model == tmp_path / "best_model" and result.metrics is not None


def test_diverging_is_said_and_spoils_nothing(folder, tmp_path):
    train(folder, tmp_path, epochs=1)
    best = weights_of(tmp_path / "best_model")
    with pytest.raises(InputError, match="lower the learning rate"):
        train(
            folder,
            tmp_path,
            epochs=9,
            learning_rate=1e38,
            resume_checkpoint=tmp_path / "epoch_1",
        )
    assert_same_weights(best, weights_of(tmp_path / "best_model"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"epochs": 0}, "num_epochs is 0"),
        ({"learning_rate": -1}, "learning_rate is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"pretrain_weights": "PascalVOC"}, "no weights “PascalVOC” for FastSCNN"),
        ({"pretrain_weights": "nowhere.pdparams"}, "neither a file"),
        ({"pretrain_weights": "x", "resume_checkpoint": "y"}, "set pretrain_weights to None"),
        ({"resume_checkpoint": "nowhere"}, "cannot be resumed"),
        ({"device": "gpu:7"}, "There is no device gpu:7"),
        ({"device": "tpu"}, "is no device"),
        ({"class_weights": [1.0]}, "class_weights needs 3 numbers"),
        ({"model": "two classes"}, "The data has 3 classes and the model 2"),
    ],
)
def test_bad_input_is_one_sentence(folder, tmp_path, changes, sentence):
    if "model" in changes:
        changes = {"model": seg.FastSCNN(num_classes=2)}
    with pytest.raises(InputError, match=sentence):
        train(folder, tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []


def test_a_seed_may_have_any_number_of_digits(folder, tmp_path):
    model = seg.create("FastSCNN", seed=2**70, num_classes=3)
    train(folder, tmp_path, epochs=1, seed=2**70, model=model)
    assert read_training_state(tmp_path / "epoch_1").seed == 2**70


def test_a_batch_larger_than_the_set(folder, tmp_path):
    with pytest.raises(InputError, match="8 images, fewer than one batch of 9"):
        seg.FastSCNN(3).train(
            1, dataset(folder, "train"), 9, save_dir=tmp_path, pretrain_weights=None
        )


def test_pretrained_weights_of_another_class_count(folder, tmp_path):
    source = seg.create("FastSCNN", seed=8, num_classes=7)
    source.save_model(tmp_path / "source")
    target = seg.create("FastSCNN", seed=9, num_classes=3)
    recorder = Recorder()
    weights.load_pretrained(
        target.net, tmp_path / "source" / "model.pdparams", model_name="FastSCNN", reporter=recorder
    )
    own, other = target.net.state_dict(), source.net.state_dict()
    for name in own:
        if own[name].shape == other[name].shape:
            np.testing.assert_array_equal(own[name].numpy(), other[name].numpy())
    # Classifier and auxiliary classifier: weight and bias each.
    assert recorder.warnings[0].startswith(f"{len(own) - 4} of {len(own)} weights")


def test_pretrained_weights_of_another_network(tmp_path):
    seg.UNet(2).save_model(tmp_path / "unet")
    with pytest.raises(InputError, match="No weight in"):
        weights.load_pretrained(
            seg.FastSCNN(2).net, tmp_path / "unet", model_name="FastSCNN", reporter=Recorder()
        )


def test_workers_do_not_change_the_batches(folder):
    def batches(workers, count):
        data = dataset(folder, "train", augment=True, shuffle=True, num_workers=count)
        loader = BatchLoader(data, batch_size=3, seed=1, workers=workers)
        assert loader.steps_per_epoch == 2
        return [(a.numpy(), b.numpy()) for a, b in loader.epoch(4)]

    expected = batches("threads", 0)
    for workers, count in (("threads", 3), ("processes", 2)):
        for one, other in zip(batches(workers, count), expected, strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])


def test_order_differs_by_epoch_and_visits_each_once(folder):
    loader = BatchLoader(dataset(folder, "train", shuffle=True), batch_size=4, seed=1)
    first, second = loader.order(0), loader.order(1)
    assert first != second
    for order in (first, second):
        assert sorted(np.ravel(order)) == list(range(8))
    plain = BatchLoader(dataset(folder, "train"), batch_size=4, seed=1)
    assert plain.order(1) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_an_error_in_a_loading_thread_reaches_the_caller(folder):
    data = dataset(folder, "train", num_workers=2)
    data.file_list[5] = {"image": "gone.png", "mask": "gone.png"}
    loader = BatchLoader(data, batch_size=2, seed=1)
    with pytest.raises(InputError, match=r"gone\.png"):
        list(loader.epoch(0))


def test_balanced_weights_favour_rare_classes(folder):
    data = dataset(folder, "train")
    weights_ = balanced_weights(data)
    masks = np.concatenate([data.read_mask(i).ravel() for i in range(len(data))])
    shares = np.bincount(masks[masks != 255], minlength=3) / np.sum(masks != 255)
    assert np.dot(weights_, shares) == pytest.approx(1)
    assert np.argsort(weights_).tolist() == np.argsort(-shares).tolist()
    assert resolve_class_weights("balanced", data) == weights_
    assert resolve_class_weights(None, data) is None


def test_class_weights_change_the_training(folder, tmp_path):
    train(folder, tmp_path / "a", epochs=1)
    train(folder, tmp_path / "b", epochs=1, class_weights="balanced")
    first, second = (weights_of(tmp_path / name / "epoch_1") for name in "ab")
    assert any((first[name] != second[name]).any() for name in first)


def test_remaining_time_includes_evaluations():
    speed = Speed(batch_size=4, eval_images=8)
    assert speed.eta_s(steps=3, evaluations=1) is None
    speed.step_took(2.0)
    assert speed.eta_s(steps=3, evaluations=0) == pytest.approx(6)
    assert speed.eta_s(steps=3, evaluations=1) > 6
    speed.evaluation_took(10)
    assert speed.eta_s(steps=3, evaluations=1.5) == pytest.approx(6 + 15)
    assert speed.take_images_per_second() == pytest.approx(2)
    assert speed.take_images_per_second() is None


def test_visualdl_has_paddlex_tags(folder, tmp_path):
    from visualdl import LogReader

    train(folder, tmp_path, epochs=2, use_vdl=True)
    (log,) = (tmp_path / "vdl_log").iterdir()
    reader = LogReader(file_path=str(log))
    points = reader.get_data("scalar", "-Metrics/Training(Step): loss")
    assert [point.id for point in points] == [1, 2, 3, 4]
    points = reader.get_data("scalar", "-Metrics/Eval(Epoch): miou")
    assert [point.id for point in points] == [1, 2]
    assert any("Training(Step): lr" in tag for tag in reader.tags())

    checkpoint = tmp_path / "epoch_2"
    train(folder, tmp_path, epochs=3, use_vdl=True, resume_checkpoint=checkpoint)
    logs = set((tmp_path / "vdl_log").iterdir())
    points = [
        point.id
        for file in logs
        for point in LogReader(file_path=str(file)).get_data(
            "scalar", "-Metrics/Training(Step): loss"
        )
    ]
    assert sorted(points) == [1, 2, 3, 4, 5, 6]
