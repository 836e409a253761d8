"""Training: learning, what is saved and reported, bad input, weights to start from."""

from __future__ import annotations

import json
import time

import numpy as np
import paddle
import pytest
from tiny_dataset import Recorder, dataset
from tiny_training import assert_same_weights, folder, train, weights_of

from core import seg
from core.models import weights
from core.seg.loading import load_model
from core.system.errors import InputError
from core.training.checkpoint import read_training_state
from core.training.class_weights import balanced_weights, resolve_class_weights
from core.training.data_loader import BatchLoader, BatchStream
from core.training.speed import Speed

__all__ = ["folder"]


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
    assert "already been trained for 1 epoch:" in recorder.warnings[0]
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
        return [(a.numpy(), b.numpy()) for a, b in loader.batches(4)]

    expected = batches("threads", 0)
    for workers, count in (("threads", 3), ("processes", 2)):
        for one, other in zip(batches(workers, count), expected, strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])


def test_loading_goes_on_into_the_next_epoch(folder):
    """While the last batch of an epoch is used, the next epoch's first one is being loaded."""
    data = dataset(folder, "train", augment=True, shuffle=True, num_workers=1)
    loader = BatchLoader(data, batch_size=2, seed=1)
    single = [list(loader.batches(epoch)) for epoch in range(3)]
    loaded = []
    get = data.get

    def noted(index, rng=None):
        loaded.append(index)
        return get(index, rng)

    data.get = noted
    stream = BatchStream(loader, end=3)
    for epoch in range(2):
        for batch in range(loader.steps_per_epoch):
            ((images, masks),) = stream.take(epoch, batch)
            np.testing.assert_array_equal(images.numpy(), single[epoch][batch][0].numpy())
            np.testing.assert_array_equal(masks.numpy(), single[epoch][batch][1].numpy())
    following = [place for batch in loader.order(2)[:1] for place in batch]
    deadline = time.monotonic() + 20
    while len(loaded) < 2 * len(data) + 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert loaded[2 * len(data) :][:2] == following
    # Going elsewhere begins there; beyond the end there is nothing.
    ((images, _),) = stream.take(1, 3)
    np.testing.assert_array_equal(images.numpy(), single[1][3][0].numpy())
    for batch in range(loader.steps_per_epoch):
        assert stream.take(2, batch)
    assert stream.take(3, 0) == []
    stream.close()


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
        list(loader.batches(0))


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
