"""The catalog against the networks themselves, and what follows from one more entry."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np
import paddle
import pytest
from pydantic import TypeAdapter, ValidationError

import core as pdx
from core import seg
from core.advice import presets
from core.cli import training_run
from core.data.dataset_statistics import DatasetStatistics
from core.models import catalog, pretrained
from core.models.catalog import NETWORKS, ModelName, Network, NetworkCost, NetworkOption
from core.networks.layers import ConvBNReLU
from core.networks.operators import Resize
from core.networks.resize import spatial_size
from core.runs.kinds import TrainSpec
from core.runs.spec_errors import validation_problem
from core.system.devices import DeviceInfo
from core.system.errors import InputError
from core.system.messages import message

OPTIONS = [(name, option) for name, one in NETWORKS.items() for option in one.options]


@pytest.mark.parametrize(("model", "option"), OPTIONS, ids=lambda x: getattr(x, "name", x))
def test_options_are_the_constructors(model, option) -> None:
    parameter = inspect.signature(seg.model_class(model)).parameters[option.name]
    assert option.default == parameter.default
    assert type(option.default) is type(parameter.default)
    assert option.default in option.values


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [(m, o.name, value) for m, o in OPTIONS for value in o.values if value != o.default],
)
def test_every_offered_value_builds_a_network(model, name, value) -> None:
    built = seg.create(model, num_classes=2, **{name: value})
    assert built.init_params[name] == value


@pytest.mark.parametrize("name", NETWORKS)
def test_constructors_take_what_their_layers_take(name) -> None:
    ours = inspect.signature(seg.model_class(name)).parameters
    layers = inspect.signature(NETWORKS[name].layer_class()).parameters
    assert set(ours) == {*layers, "use_mixed_loss"}


def test_a_name_that_is_not_in_the_catalog_is_no_model_name() -> None:
    adapter = TypeAdapter(ModelName)
    assert adapter.validate_python("UNet") == "UNet"
    for wrong in ("SegFormer", "", None, 3, ["UNet"]):
        with pytest.raises(ValidationError) as caught:
            adapter.validate_python(wrong)
        (error,) = caught.value.errors()
        assert error["type"] == "literal_error"
        with pytest.raises(ValidationError) as expected:
            TypeAdapter(Literal[tuple(NETWORKS)]).validate_python(wrong)
        assert error["msg"] == expected.value.errors()[0]["msg"]


class ToyNet(paddle.nn.Layer):
    """A network as a newcomer would write it."""

    def __init__(self, num_classes: int, width: int = 8, align_corners: bool = False) -> None:
        super().__init__()
        self.stem = ConvBNReLU(3, width, 3, stride=2, padding=1)
        self.body = ConvBNReLU(width, width, 3, padding=1)
        self.head = paddle.nn.Conv2D(width, num_classes, 1)
        self.resize = Resize(align_corners)

    def forward(self, x):
        return [self.resize(self.head(self.body(self.stem(x))), spatial_size(x))]


@pytest.fixture
def toy(monkeypatch):
    """``Toy``, added while the program runs."""
    module = ModuleType("core.networks.toy")
    module.ToyNet = ToyNet
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry = Network(
        name="Toy",
        layer="core.networks.toy:ToyNet",
        summary=message("Two layers."),
        cost=NetworkCost(1 << 20, 64, 9e6, 9e8, 1000),
        scores_bias="head.bias",
        options=(
            NetworkOption("width", message("Width"), 8, ((8, message("8")), (16, message("16")))),
        ),
        published={"CITYSCAPES": "cityscapes/toy/model.pdparams"},
    )
    monkeypatch.setitem(NETWORKS, "Toy", entry)
    return entry


def test_a_network_of_the_catalog_has_a_class_like_the_others(toy, tmp_path) -> None:
    assert "Toy" in dir(seg)
    assert seg.Toy is seg.model_class("Toy")
    assert seg.Toy.__name__ == "Toy"
    assert str(inspect.signature(seg.Toy)) == (
        "(num_classes=2, use_mixed_loss=False, *, width=8, align_corners=False)"
    )
    assert "width: Width: 8, 16." in inspect.getdoc(seg.Toy)
    model = seg.create("Toy", seed=1, num_classes=3, width=16)
    assert model.init_params == {
        "num_classes": 3,
        "use_mixed_loss": False,
        "width": 16,
        "align_corners": False,
    }
    assert model.head_weights == (1.0,)
    with pytest.raises(InputError, match="width is 9: choose one of 8, 16"):
        seg.Toy(width=9)
    with pytest.raises(InputError, match="Toy has no parameter “depth”"):
        seg.create("Toy", depth=1)
    model.test_transforms = pdx.transforms.Compose([pdx.transforms.Normalize()])
    model.save_model(tmp_path)
    image = np.random.default_rng(0).integers(0, 255, (40, 56, 3)).astype(np.uint8)
    again = pdx.load_model(tmp_path)
    assert type(again) is seg.Toy
    np.testing.assert_array_equal(
        again.predict(image)["label_map"], model.predict(image)["label_map"]
    )


def test_a_network_of_the_catalog_is_offered_everywhere(toy, tmp_path, monkeypatch) -> None:
    spec = TrainSpec(model="Toy", data_dir=tmp_path, epochs=1, batch_size=1, image_size=(64, 64))
    assert spec.model_dump(mode="json")["model"] == "Toy"
    with pytest.raises(ValidationError) as caught:
        TrainSpec.model_validate({**spec.model_dump(), "model": "Tyo"})
    assert validation_problem(caught.value) == (
        f'model must be {catalog.alternatives(NETWORKS)}, not "Tyo"'
    )
    statistics = DatasetStatistics(
        labels=("a", "b"),
        images={"train": 40, "val": 4},
        class_pixels={"train": (3, 2), "val": (3, 2)},
        sizes=(((64, 64), 44),),
        median_size=(64, 64),
    )
    device = DeviceInfo(
        kind="cpu", name="a core", memory_bytes=8 << 30, free_bytes=4 << 30, cores=1
    )
    preset = presets.suggest(statistics, device, model="Toy")
    assert (preset.model, preset.optimizer) == ("Toy", "adamw")
    assert presets.pixels_per_second("Toy", device) == 9e6
    assert pretrained.offered("Toy") == ("CITYSCAPES",)
    assert pretrained.published("Toy", {}, "CITYSCAPES").key == "Toy_CITYSCAPES"
    request = training_run.Request(
        data=Path(tmp_path), out=tmp_path / "run", model="Tyo", resume=None, chosen={}
    )
    with pytest.raises(InputError, match=r"choose one of .*, EfficientNetFPN, Toy"):
        training_run._check_options(request)
    assert catalog.alternatives(NETWORKS).endswith("EfficientNetFPN or Toy")
