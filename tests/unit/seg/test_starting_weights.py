"""What a training starts from: other classes, compressed folders, files that others write."""

from __future__ import annotations

import shutil

import numpy as np
import paddle
import pytest
from tiny_dataset import Recorder, dataset
from tiny_training import folder, train, trained, weights_of

from core import seg
from core.models import weights
from core.models.model_folder import WEIGHTS, read_model_info
from core.seg.loading import load_model
from core.seg.starting_weights import start_from
from core.system.errors import InputError

__all__ = ["folder", "trained"]
HEADS = ("classifier.conv.bias", "classifier.conv.weight")


def started(source, *, labels, num_classes=3):
    model = seg.create("FastSCNN", seed=9, num_classes=num_classes)
    before = {name: value.numpy() for name, value in model.net.state_dict().items()}
    recorder = Recorder()
    start_from(model, source, labels=labels, reporter=recorder)
    after = {name: value.numpy() for name, value in model.net.state_dict().items()}
    return before, after, recorder.warnings


@pytest.mark.parametrize("labels", [["bg", "a", "b"], ["background", "square", "nut"], ["a", "b"]])
def test_heads_of_other_classes_start_anew_and_are_named(trained, labels):
    before, after, warnings = started(trained, labels=labels, num_classes=len(labels))
    source = weights_of(trained)
    (said,) = [one for one in warnings if "start anew" in one]
    for name in HEADS:
        np.testing.assert_array_equal(after[name], before[name])
        assert name in said
    body = "learning_to_downsample.conv_bn_relu._conv.weight"
    np.testing.assert_array_equal(after[body], source[body])


@pytest.mark.parametrize(
    "labels", [["background", "square", "disc"], ["Background ", "SQUARE", "disc"]]
)
def test_the_same_classes_are_taken_whole_and_in_silence(trained, labels):
    _, after, warnings = started(trained, labels=labels)
    assert not warnings
    for name, array in weights_of(trained).items():
        np.testing.assert_array_equal(after[name], array)


def test_a_model_folder_s_file_is_looked_at_as_the_folder_is(trained):
    file = trained / WEIGHTS
    with pytest.raises(InputError, match="disc is number 1 in the data but number 2"):
        started(file, labels=["background", "disc", "square"])
    _, after, warnings = started(file, labels=["bg", "a", "b"])
    assert any("start anew" in one for one in warnings)
    _, after, warnings = started(file, labels=["background", "square", "disc"])
    assert not warnings
    for name, array in weights_of(trained).items():
        np.testing.assert_array_equal(after[name], array)


def test_a_file_of_weights_alone_says_nothing_of_classes(trained, tmp_path):
    shutil.copy(trained / WEIGHTS, tmp_path / WEIGHTS)
    _, after, warnings = started(tmp_path / WEIGHTS, labels=["background", "disc", "square"])
    assert not warnings
    np.testing.assert_array_equal(after[HEADS[0]], weights_of(trained)[HEADS[0]])


def compressed(kind, folder, trained, place):
    model = load_model(trained)
    if kind == "pruned":
        model.prune(0.3, place)
    else:
        model.quantize_post_training(
            dataset(folder, "train"), images=2, float_layers=None, save_dir=place
        )
    return place


@pytest.mark.parametrize("kind", ["pruned", "quantized"])
def test_a_compressed_folder_makes_the_network_a_compressed_one(folder, tmp_path, trained, kind):
    source = compressed(kind, folder, trained, tmp_path / kind)
    model = seg.create("FastSCNN", seed=9, num_classes=3)
    recorder = Recorder()
    rest = {"model": model, "reporter": recorder, "learning_rate": 1e-12}
    train(folder, tmp_path / "out", epochs=1, pretrain_weights=source, **rest)
    assert read_model_info(tmp_path / "out/best_model").status == kind.capitalize()
    assert not recorder.warnings
    before, after = weights_of(source), weights_of(tmp_path / "out/best_model")
    assert before.keys() == after.keys()
    name = "learning_to_downsample.conv_bn_relu._conv.weight"
    np.testing.assert_allclose(after[name], before[name], atol=1e-6)


def test_a_compressed_folder_of_another_network_is_refused(folder, tmp_path, trained):
    source = compressed("pruned", folder, trained, tmp_path / "pruned")
    other = seg.create("FastSCNN", seed=1, num_classes=3, align_corners=True)
    with pytest.raises(InputError, match="align_corners False instead of True"):
        train(folder, tmp_path / "out", model=other, pretrain_weights=source)
    four = seg.create("FastSCNN", seed=1, num_classes=4)
    with pytest.raises(InputError, match="compressed for 3 classes and the data has 4"):
        start_from(four, source, labels=["a", "b", "c", "d"], reporter=Recorder())


def test_a_user_s_optimizer_follows_into_the_compressed_network(folder, tmp_path, trained):
    source = compressed("pruned", folder, trained, tmp_path / "pruned")
    model = seg.create("FastSCNN", seed=9, num_classes=3)
    optimizer = paddle.optimizer.Momentum(0.05, parameters=model.net.parameters())
    rest = {"model": model, "optimizer": optimizer, "pretrain_weights": source}
    train(folder, tmp_path / "out", epochs=1, **rest)
    before, after = weights_of(source), weights_of(tmp_path / "out/epoch_1")
    for name, parameter in model.net.named_parameters():
        if len(parameter.shape) == 4:  # a bias before a batch norm has no gradient
            assert not np.array_equal(before[name], after[name]), name


@pytest.mark.parametrize("form", ["prefixed", "wrapped", "both"])
def test_weights_as_parallel_trainings_and_other_programs_write_them(tmp_path, trained, form):
    content = paddle.load(str(trained / "model.pdparams"))
    if form != "wrapped":
        content = {f"module.{name}": value for name, value in content.items()}
    if form != "prefixed":
        content = {"epoch": 3, "state_dict": content}
    file = tmp_path / "w.pdparams"
    paddle.save(content, str(file))
    model = seg.create("FastSCNN", seed=9, num_classes=3)
    recorder = Recorder()
    weights.load_pretrained(model.net, file, model_name="FastSCNN", reporter=recorder)
    assert not recorder.warnings
    for name, array in weights_of(trained).items():
        np.testing.assert_array_equal(model.net.state_dict()[name].numpy(), array)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "use_mixed_loss is None"),
        ("CrossEntropyLoss", "use_mixed_loss is 'CrossEntropyLoss'"),
        (
            [("CrossEntropyLoss", float("nan"))],
            "factor of CrossEntropyLoss.* is nan",
        ),
        ([], "empty list"),
        ([("CrossEntropyLoss", -1)], "factor of CrossEntropyLoss.* is -1"),
        ([("CrossEntropyLoss", 0), ("DiceLoss", 0.0)], "All factors in use_mixed_loss are 0"),
    ],
)
def test_losses_that_cannot_be(value, sentence):
    with pytest.raises(InputError, match=sentence):
        seg.FastSCNN.without_net(num_classes=3, use_mixed_loss=value)


def test_factors_of_losses_may_be_numbers_of_any_kind(folder, tmp_path):
    parts = [("CrossEntropyLoss", np.float32(0.5)), ("LovaszSoftmaxLoss", np.int64(1))]
    model = seg.create("FastSCNN", seed=3, num_classes=3, use_mixed_loss=parts)
    train(folder, tmp_path, epochs=1, model=model)
    loaded = load_model(tmp_path / "best_model")
    assert [list(part) for part in loaded.init_params["use_mixed_loss"]] == [
        ["CrossEntropyLoss", 0.5],
        ["LovaszSoftmaxLoss", 1.0],
    ]


def test_a_folder_with_an_unknown_loss_is_loaded_for_prediction(tmp_path, trained):
    model = load_model(trained)
    model.init_params["use_mixed_loss"] = [["FocalLoss", 1.0]]
    model.save_model(tmp_path / "m")
    with pytest.warns(UserWarning, match="FocalLoss"):
        assert load_model(tmp_path / "m").init_params["use_mixed_loss"] is False


@pytest.mark.parametrize("size", [0, -1, 1.5, True, None])
def test_batches_that_cannot_be(folder, tmp_path, trained, size):
    model, data = load_model(trained), dataset(folder, "val")
    with pytest.raises(InputError, match="batch_size is"):
        model.evaluate(data, batch_size=size)
    with pytest.raises(InputError, match="batch_size is"):
        model.analyze_sensitivity(data, batch_size=size, save_dir=tmp_path)


@pytest.mark.parametrize("share", ["0.3", None, float("nan"), True, 0, 1])
def test_shares_to_prune_that_cannot_be(trained, share):
    with pytest.raises(InputError, match="between 0 and 1"):
        load_model(trained).prune(share)
