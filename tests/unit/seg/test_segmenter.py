"""The constructors and signatures that PaddleX's users know."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from tiny_dataset import dataset, write_folder

import core as pdx
from core.system.errors import InputError


def signature(function):
    """Positional parameters with their defaults."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and name != "self"
    }


def test_constructors_are_paddlexs():
    common = {"num_classes": 2, "use_mixed_loss": False}
    assert signature(pdx.seg.FastSCNN) == {**common, "align_corners": False}
    assert list(signature(pdx.seg.UNet).items()) == [
        *common.items(),
        ("use_deconv", False),
        ("align_corners", False),
    ]


def test_methods_are_paddlexs():
    model = pdx.seg.Segmenter
    empty = inspect.Parameter.empty
    assert list(signature(model.train).items()) == [
        ("num_epochs", empty),
        ("train_dataset", empty),
        ("train_batch_size", 2),
        ("eval_dataset", None),
        ("optimizer", None),
        ("save_interval_epochs", 1),
        ("log_interval_steps", 2),
        ("save_dir", "output"),
        ("pretrain_weights", "CITYSCAPES"),
        ("learning_rate", 0.01),
        ("lr_decay_power", 0.9),
        ("early_stop", False),
        ("early_stop_patience", 5),
        ("use_vdl", True),
        ("resume_checkpoint", None),
    ]
    assert list(signature(model.evaluate).items()) == [
        ("eval_dataset", empty),
        ("batch_size", 1),
        ("return_details", False),
    ]
    assert list(signature(model.predict).items()) == [("img_file", empty), ("transforms", None)]


def test_metrics_have_paddlexs_keys(tmp_path):
    data = dataset(write_folder(tmp_path / "数据", train=1, val=1), "val")
    model = pdx.seg.FastSCNN(3)
    metrics = model.evaluate(data)
    assert {"miou", "category_iou", "oacc", "category_acc", "kappa"} <= set(metrics)
    _, details = model.evaluate(data, return_details=True)
    assert list(details) == ["confusion_matrix"]


def test_same_seed_same_weights():
    def first(seed):
        model = pdx.seg.create("FastSCNN", seed=seed, num_classes=2)
        return next(iter(model.net.parameters())).numpy().tolist()

    assert first(1) == first(1) != first(2)


def test_parameter_names_do_not_depend_on_what_was_built_before():
    names = [[p.name for p in pdx.seg.UNet().net.parameters()] for _ in range(2)]
    assert names[0] == names[1]


@pytest.mark.parametrize("classes", [0, 1, 256, True, 2.0, "2"])
def test_impossible_class_counts(classes):
    with pytest.raises(InputError, match="num_classes") as caught:
        pdx.seg.FastSCNN(num_classes=classes)
    assert repr(classes) in str(caught.value), "a text must be told from a number"


def test_class_counts_of_numpy():
    model = pdx.seg.FastSCNN(num_classes=np.int64(3))
    assert type(model.init_params["num_classes"]) is int


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"num_epochs": "3"}, ["num_epochs", "'3'"]),
        ({"num_epochs": 1.5}, ["num_epochs", "1.5"]),
        ({"train_batch_size": True}, ["train_batch_size", "True"]),
        ({"num_epochs": 0}, ["num_epochs", "1 or more"]),
        ({"learning_rate": "fast"}, ["learning_rate", "'fast'"]),
        ({"learning_rate": None}, ["learning_rate", "None"]),
        ({"save_dir": "占用"}, ["save_dir", "占用"]),
        ({"save_dir": "占用/output"}, ["save_dir", "占用"]),
    ],
)
def test_wrong_arguments_of_train_are_one_sentence(tmp_path, monkeypatch, wrong, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "占用").write_text("mine", encoding="utf-8")
    model = pdx.seg.FastSCNN(num_classes=2)
    with pytest.raises(InputError) as caught:
        model.train(**{"num_epochs": 1, "train_dataset": None, **wrong})
    for word in words:
        assert word in str(caught.value)


def test_an_empty_list_of_transforms_is_bad_input():
    with pytest.raises(InputError, match="at least one transform"):
        pdx.transforms.Compose([])


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="no network called “SegFormer”"):
        pdx.seg.create("SegFormer")
    with pytest.raises(InputError, match="no parameter “width”"):
        pdx.seg.create("FastSCNN", width=18)


def test_core_has_four_names():
    assert {"datasets", "load_model", "seg", "transforms"} <= set(dir(pdx))
    with pytest.raises(AttributeError, match="detection"):
        pdx.detection  # noqa: B018
