"""Settings of trainings side by side."""

from __future__ import annotations

from pathlib import Path

from core.runs.kinds import TrainSpec
from core.runs.setting_comparison import differing, training_settings
from core.transforms.recipes import Augmentation


def spec(**fields) -> TrainSpec:
    basic = {"model": "UNet", "epochs": 3, "batch_size": 4, "image_size": (64, 48)}
    return TrainSpec(**{**basic, "data_dir": Path("runs/1/dataset"), **fields})


def test_only_what_changes_the_result_differs() -> None:
    first = training_settings(spec(augmentation=Augmentation(vertical_flip=0.5)))
    second = training_settings(
        spec(
            data_dir=Path("runs/2/dataset"),
            resume=Path("runs/1/epoch_3"),
            num_workers=2,
            learning_rate=0.02,
            image_size=(64, 64),
        )
    )
    assert differing([first, second]) == {
        "learning_rate",
        "image_size",
        "augmentation.vertical_flip",
    }
    assert first["image_size"] == [64, 48]
    assert not {"data_dir", "resume", "kind", "num_workers"} & first.keys()
    assert differing([first]) == set()


def test_parameters_of_one_network_differ_from_none() -> None:
    first = training_settings(spec(model="HRNet", model_params={"width": 18}))
    second = training_settings(spec(model="HRNet"))
    assert differing([first, second, second]) == {"model_params.width"}
