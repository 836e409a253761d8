"""Segmenter's methods that compress, and what they leave in model folders."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
import yaml
from job_runs import SIDE, write_data

from core import seg
from core import transforms as T  # noqa: N812
from core.compression.flops import count_flops
from core.compression.quantization.prepare import quantizers_of
from core.compression.sensitivity import RATIOS
from core.datasets import SegDataset, open_data_folder
from core.errors import InputError
from core.model_folder import read_model_info
from core.model_loading import load_model
from core.segmenter import Segmenter
from core.training.reporter import Reporter, StopRequested

REPOSITORY = Path(__file__).parents[2]


class Quiet(Reporter):
    def __init__(self, *, stop_at: int | None = None) -> None:
        self.stages: list[str] = []
        self.warnings: list[str] = []
        self._checks_left = stop_at

    def check(self) -> None:
        if self._checks_left is not None:
            self._checks_left -= 1
            if self._checks_left < 0:
                raise StopRequested

    def progress(self, step: int, steps: int, *, stage: str = "train", **_: Any) -> None:
        self.stages.append(stage)

    def warn(self, message: Any) -> None:
        self.warnings.append(str(message))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "图像 a", train=6, val=2)


def dataset(data: Path, split: Any) -> SegDataset:
    steps = T.Compose([T.Resize(SIDE), T.Normalize()])
    return open_data_folder(data).dataset(split, steps)


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model folder of a FastSCNN that has seen the data for two epochs."""
    model = seg.create("FastSCNN", seed=3, num_classes=2)
    folder = tmp_path_factory.mktemp("训练 a")
    train(model, data, folder, num_epochs=2, learning_rate=0.05)
    return folder / "best_model"


def train(model: Segmenter, data: Path, folder: Path, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "num_epochs": 1,
        "train_dataset": dataset(data, "train"),
        "train_batch_size": 2,
        "eval_dataset": dataset(data, "val"),
        "save_dir": folder,
        "pretrain_weights": None,
        "use_vdl": False,
        "seed": 1,
        "preview_images": 0,
        "reporter": Quiet(),
    }
    return model.train(**(arguments | changes))


def quantize(model: Segmenter, data: Path, folder: Path, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "num_epochs": 1,
        "train_dataset": dataset(data, "train"),
        "train_batch_size": 2,
        "eval_dataset": dataset(data, "val"),
        "save_dir": folder,
        "use_vdl": False,
        "seed": 1,
        "preview_images": 0,
        "reporter": Quiet(),
    }
    return model.quant_aware_train(**(arguments | changes))


def scores(model: Segmenter, data: Path) -> Any:
    image = dataset(data, "val").raw(0)[0]
    return model.predict(image)["score_map"]


def weights(model: Segmenter) -> dict[str, Any]:
    return {name: value.numpy() for name, value in model.net.state_dict().items()}


def assert_same_weights(one: Segmenter, other: Segmenter) -> None:
    left, right = weights(one), weights(other)
    assert left.keys() == right.keys()
    for name, value in left.items():
        np.testing.assert_array_equal(value, right[name], err_msg=name)


# Quantisation


def test_post_training_quantization_is_saved_and_comes_back_in_another_process(
    trained: Path, data: Path, tmp_path: Path
) -> None:
    model = load_model(trained)
    before = scores(model, data)
    reporter = Quiet()
    folder = tmp_path / "量化 a"
    model.quantize_post_training(
        dataset(data, "train"), images=4, float_layers=None, save_dir=folder, reporter=reporter
    )
    assert model.status == "Quantized"
    assert set(reporter.stages) == {"calibrate"}
    after = scores(model, data)
    assert 0 < np.abs(after - before).max() < 0.3
    record = yaml.safe_load((folder / "quant.yml").read_text(encoding="utf-8"))
    assert record["image_size"] == [SIDE, SIDE]
    assert record["float_layers"] == ["classifier.conv"]
    assert record["activations"]["input"]["zero_point"] == 128
    script = f"""
import numpy as np, paddle
paddle.nn.Conv2D(3, 3, 3)  # something was built before
import core as pdx
model = pdx.load_model({str(folder)!r})
assert model.status == "Quantized"
scores = model.predict({dataset(data, "val").raw(0)[0]!r})["score_map"]
np.save({str(tmp_path / "scores.npy")!r}, scores)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY)
    np.testing.assert_array_equal(np.load(tmp_path / "scores.npy"), after)


def test_quantization_aware_training_leaves_complete_folders(
    trained: Path, data: Path, tmp_path: Path
) -> None:
    model = load_model(trained)
    result = quantize(model, data, tmp_path, num_epochs=2)
    assert result.epochs == 2
    for name in ("best_model", "epoch_1", "epoch_2"):
        info = read_model_info(tmp_path / name)
        assert info.status == "Quantized"
        assert info.quantization is not None
    assert json.loads((tmp_path / "best_model/eval_details.json").read_text(encoding="utf-8"))
    again = load_model(tmp_path / "epoch_2")
    np.testing.assert_array_equal(scores(again, data), scores(model, data))
    metrics = again.evaluate(dataset(data, "val"))
    assert isinstance(metrics, dict)
    assert metrics["miou"] == pytest.approx(read_model_info(tmp_path / "epoch_2").score)


def test_every_parameter_of_a_quantized_network_has_its_own_name(trained: Path, data: Path) -> None:
    model = load_model(trained)
    model.quantize_post_training(
        dataset(data, "train"), images=2, float_layers=None, reporter=Quiet()
    )
    names = [parameter.name for parameter in model.net.parameters()]
    assert len(set(names)) == len(names)


def test_an_interrupted_quantization_aware_training_goes_on_exactly(
    trained: Path, data: Path, tmp_path: Path
) -> None:
    whole = load_model(trained)
    quantize(whole, data, tmp_path / "whole", num_epochs=2)
    with pytest.raises(StopRequested):
        # One check for the calibration's batch each, then in the middle of the second epoch.
        quantize(
            load_model(trained), data, tmp_path / "part", num_epochs=2, reporter=Quiet(stop_at=8)
        )
    assert read_model_info(tmp_path / "part/interrupted").status == "Quantized"
    fresh = seg.create("FastSCNN", num_classes=2)
    quantize(
        fresh,
        data,
        tmp_path / "part",
        num_epochs=2,
        resume_checkpoint=tmp_path / "part/interrupted",
    )
    assert_same_weights(fresh, whole)


def test_settings_of_a_quantized_model_cannot_change(trained: Path, data: Path) -> None:
    model = load_model(trained)
    config = {"weight_bits": 6, "activation_quantize_type": "abs_max"}
    model.quantize_post_training(
        dataset(data, "train"),
        images=2,
        quant_config=config,
        float_layers=None,
        reporter=Quiet(),
    )
    assert quantizers_of(model.net).config.weight_bits == 6
    with pytest.raises(InputError, match="quantised with other settings"):
        quantize(model, data, Path("unused"), quant_config={"weight_bits": 8})
    with pytest.raises(InputError, match="quantised already"):
        model.quantize_post_training(dataset(data, "train"))


def test_wrong_settings_are_named(trained: Path, data: Path, tmp_path: Path) -> None:
    model = load_model(trained)
    with pytest.raises(InputError, match="weight_bits"):
        quantize(model, data, tmp_path, quant_config={"weight_bits": 99})
    assert model.status == "Normal"
    with pytest.raises(InputError, match=r"nowhere\.conv"):
        model.quantize_post_training(dataset(data, "train"), float_layers=["nowhere.conv"])
    assert model.status == "Normal"
    assert_same_weights(model, load_model(trained))


def test_layers_that_suffer_go_back_to_float(trained: Path, data: Path) -> None:
    model = load_model(trained)
    before = scores(model, data)
    coarse = {"weight_bits": 3, "activation_bits": 4}
    model.quantize_post_training(
        dataset(data, "train"), images=2, quant_config=coarse, float_layers=None, reporter=Quiet()
    )
    all_quantized = np.abs(scores(model, data) - before).mean()
    model = load_model(trained)
    reporter = Quiet()
    model.quantize_post_training(
        dataset(data, "train"), images=2, quant_config=coarse, reporter=reporter
    )
    assert "quantize" in reporter.stages
    assert model.quantization is not None
    assert len(model.quantization.float_layers) > 1
    assert np.abs(scores(model, data) - before).mean() < all_quantized


def test_layers_stay_in_float_after_loading(trained: Path, data: Path, tmp_path: Path) -> None:
    model = load_model(trained)
    floats = ["classifier.conv", "learning_to_downsample.conv_bn_relu._conv"]
    model.quantize_post_training(
        dataset(data, "train"),
        images=2,
        float_layers=floats,
        save_dir=tmp_path / "m",
        reporter=Quiet(),
    )
    assert sorted(quantizers_of(load_model(tmp_path / "m").net).float_layers) == sorted(floats)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(float_layers=["no.such.layer"]),
        lambda c: c.update(config={"weight_bits": "many"}),
        lambda c: c.pop("image_size"),
        lambda c: c.update(image_size=[10**9, 10**9]),
        lambda c: c.update(version=2),
    ],
)
def test_a_wrong_record_of_quantization_is_refused(
    trained: Path, data: Path, tmp_path: Path, change: Any
) -> None:
    model = load_model(trained)
    model.quantize_post_training(
        dataset(data, "train"),
        images=2,
        float_layers=None,
        save_dir=tmp_path / "m",
        reporter=Quiet(),
    )
    file = tmp_path / "m/quant.yml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"quant\.yml"):
        load_model(tmp_path / "m")


# Pruning


@pytest.mark.parametrize("network", ["FastSCNN", "BiSeNetV2", "UNet"])
def test_a_pruned_model_is_smaller_and_comes_back_the_same(
    data: Path, tmp_path: Path, network: str
) -> None:
    model = seg.create(network, seed=3, num_classes=2)
    model.test_transforms = T.Compose([T.Resize(SIDE), T.Normalize()])
    result = model.prune(0.3, tmp_path / "剪枝 a", reporter=Quiet())
    assert result.missed is None
    assert 1 - result.flops_after / result.flops_before == pytest.approx(0.3, abs=0.01)
    assert count_flops(model.net, (SIDE, SIDE)) == result.flops_after
    assert result.strategy == "global"
    info = read_model_info(tmp_path / "剪枝 a")
    assert info.status == "Pruned"
    assert info.pruning is not None
    assert info.pruning.parameters_after == result.parameters_after < result.parameters_before
    assert not any("backup" in name for name in model.net.state_dict())
    paddle.nn.Conv2D(3, 3, 3)  # something else was built before
    again = load_model(tmp_path / "剪枝 a")
    assert_same_weights(again, model)
    np.testing.assert_array_equal(scores(again, data), scores(model, data))


def test_analysis_and_pruning_as_in_paddlex(trained: Path, data: Path, tmp_path: Path) -> None:
    model = load_model(trained)
    before = weights(model)
    reporter = Quiet()
    found = model.analyze_sensitivity(
        dataset(data, "val"), 2, "fpgm", tmp_path, fast=True, reporter=reporter
    )
    assert set(reporter.stages) == {"sensitivity"}
    assert found.criterion == "fpgm"
    assert all(set(losses) == set(RATIOS) for losses in found.losses.values())
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, before[name])
    result = model.prune(0.2, reporter=Quiet())
    assert (result.strategy, result.criterion) == ("sensitivity", "fpgm")
    other = load_model(trained)
    again = other.prune(0.2, sensitivities=tmp_path / "model.sensi.data", reporter=Quiet())
    assert again.channels == result.channels
    assert_same_weights(other, model)


def test_the_analysis_of_other_weights_is_warned_of(
    trained: Path, data: Path, tmp_path: Path
) -> None:
    load_model(trained).analyze_sensitivity(
        dataset(data, "val"), 2, save_dir=tmp_path, fast=True, reporter=Quiet()
    )
    other = seg.create("FastSCNN", seed=8, num_classes=2)
    reporter = Quiet()
    other.prune(0.2, sensitivities=tmp_path, image_size=(SIDE, SIDE), reporter=reporter)
    assert any("other weights" in warning for warning in reporter.warnings)
    unet = seg.create("UNet", num_classes=2)
    with pytest.raises(InputError, match="another network"):
        unet.prune(0.2, sensitivities=tmp_path, image_size=(SIDE, SIDE))


def test_pruning_by_an_analysis_needs_one(trained: Path) -> None:
    model = load_model(trained)
    with pytest.raises(InputError, match="no sensitivity analysis"):
        model.prune(0.2, strategy="sensitivity")
    with pytest.raises(InputError, match="no pruning strategy"):
        model.prune(0.2, strategy="best")
    with pytest.raises(InputError, match="no criterion"):
        model.prune(0.2, criterion="l3_norm")
    assert model.status == "Normal"


def test_the_image_size_must_be_known() -> None:
    model = seg.create("FastSCNN", num_classes=2)
    with pytest.raises(InputError, match="pass image_size"):
        model.prune(0.2)


def test_a_share_that_cannot_be_reached_is_said(trained: Path) -> None:
    reporter = Quiet()
    result = load_model(trained).prune(0.999, reporter=reporter)
    assert result.missed is not None
    assert [str(result.missed)] == reporter.warnings
    assert result.flops_after > 0


def test_a_pruned_model_trains_on_and_resumes_exactly(
    trained: Path, data: Path, tmp_path: Path
) -> None:
    model = load_model(trained)
    model.prune(0.4, tmp_path / "pruned", reporter=Quiet())
    with pytest.raises(InputError, match="own weights"):
        train(model, data, tmp_path / "t", pretrain_weights="CITYSCAPES")
    train(model, data, tmp_path / "whole", num_epochs=2)
    assert read_model_info(tmp_path / "whole/best_model").status == "Pruned"
    with pytest.raises(StopRequested):
        train(
            load_model(tmp_path / "pruned"),
            data,
            tmp_path / "part",
            num_epochs=2,
            reporter=Quiet(stop_at=4),
        )
    fresh = seg.create("FastSCNN", num_classes=2)
    train(
        fresh,
        data,
        tmp_path / "part",
        num_epochs=2,
        resume_checkpoint=tmp_path / "part/interrupted",
    )
    assert fresh.status == "Pruned"
    assert_same_weights(fresh, model)


def test_pruned_and_quantized(trained: Path, data: Path, tmp_path: Path) -> None:
    model = load_model(trained)
    model.prune(0.3, reporter=Quiet())
    with pytest.raises(InputError, match="pruned already"):
        model.prune(0.3)
    with pytest.raises(InputError, match="pruned already"):
        model.analyze_sensitivity(dataset(data, "val"), save_dir=tmp_path)
    quantize(model, data, tmp_path)
    with pytest.raises(InputError, match="cannot be pruned"):
        model.prune(0.3)
    again = load_model(tmp_path / "epoch_1")
    assert again.status == "Quantized"
    assert again.pruning == model.pruning
    np.testing.assert_array_equal(scores(again, data), scores(model, data))
    with pytest.raises(InputError, match="cannot be pruned"):
        again.prune(0.3)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["shapes"].update({"no.such.weight": [3]}),
        lambda c: c["shapes"].update({next(iter(c["shapes"])): [100000, 1, 1, 1]}),
        lambda c: c.pop("shapes"),
        lambda c: c.update(shapes=[1]),
        lambda c: c.update(flops_before="many"),
    ],
)
def test_a_wrong_record_of_pruning_is_refused(trained: Path, tmp_path: Path, change: Any) -> None:
    load_model(trained).prune(0.3, tmp_path / "m", reporter=Quiet())
    file = tmp_path / "m/prune.yml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"prune\.yml"):
        load_model(tmp_path / "m")


def test_a_record_that_is_missing_is_named(trained: Path, tmp_path: Path) -> None:
    load_model(trained).prune(0.3, tmp_path / "m", reporter=Quiet())
    (tmp_path / "m/prune.yml").unlink()
    with pytest.raises(InputError, match=r"prune\.yml"):
        load_model(tmp_path / "m")
