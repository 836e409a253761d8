"""Text of options to values."""

from __future__ import annotations

import pytest

from core.cli.shared_options import check_device, parse_settings, parse_size
from core.runs.kinds import TrainSpec
from core.system.errors import InputError


@pytest.mark.parametrize(
    ("text", "size"), [("480x360", (480, 360)), ("480X360", (480, 360)), (" 256 ", (256, 256))]
)
def test_image_size(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "480x", "axb", "480x360x3", "-4x5", "0x0", "9x99999"])
def test_bad_image_size(text):
    with pytest.raises(InputError, match="--image-size"):
        parse_size(text)


@pytest.mark.parametrize("text", ["auto", "cpu", "gpu", "gpu:0", "gpu:0,1", "cpu:2"])
def test_devices(text):
    assert check_device(text) == text


@pytest.mark.parametrize("text", ["", "GPU", "gpu:", "cuda", "gpu:a", "cpu:0", "gpu:1,1"])
def test_bad_devices(text):
    with pytest.raises(InputError, match="--device"):
        check_device(text)


def test_settings_reach_every_kind_of_field():
    fields = parse_settings(
        [
            "early_stop=true",
            "lr-decay-power=0.5",
            "class_weights=[1, 2.5]",
            "class_weights=balanced",
            "augmentation.blur=0.25",
            "augmentation.distort=0",
            "model_params.use_deconv=True",
            "pretrain_weights=none",
            'use_mixed_loss=[["CrossEntropyLoss", 0.8], ["LovaszSoftmaxLoss", 0.2]]',
        ],
        TrainSpec,
    )
    spec = TrainSpec(
        model="FastSCNN",
        data_dir="d",
        epochs=1,
        batch_size=1,
        image_size=(64, 64),
        **fields,
    )
    assert spec.early_stop is True
    assert spec.lr_decay_power == 0.5
    assert spec.class_weights == "balanced"
    assert spec.augmentation.blur == 0.25
    assert spec.augmentation.distort == 0
    assert spec.augmentation.horizontal_flip == 0.5, "not given: stays"
    assert spec.model_params == {"use_deconv": True}
    assert spec.pretrain_weights is None
    assert spec.use_mixed_loss == [("CrossEntropyLoss", 0.8), ("LovaszSoftmaxLoss", 0.2)]


@pytest.mark.parametrize(
    ("setting", "near"),
    [
        ("epoch=3", "epochs"),
        ("augmentation.blurr=1", "augmentation.blur"),
        ("lerning_rate=1", "learning_rate"),
    ],
)
def test_unknown_setting_names_its_neighbours(setting, near):
    with pytest.raises(InputError, match=rf"did you mean .*{near}"):
        parse_settings([setting], TrainSpec)


@pytest.mark.parametrize("setting", ["zzzz=1", "kind=evaluate", "model_params_x=1"])
def test_unknown_setting(setting):
    with pytest.raises(InputError, match="no such setting"):
        parse_settings([setting], TrainSpec)


@pytest.mark.parametrize("setting", ["epochs", "=3", ""])
def test_setting_without_key_or_value(setting):
    with pytest.raises(InputError, match="not key=value"):
        parse_settings([setting], TrainSpec)


def test_none_is_nothing_only_where_nothing_is_a_choice():
    fields = parse_settings(["class_weights=none", "pretrain_weights=none"], TrainSpec)
    assert fields == {"class_weights": "none", "pretrain_weights": None}
