"""Quantisation of a segmenter: after training, in training, saved, loaded and resumed."""

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
from compression_runs import (
    REPOSITORY,
    Quiet,
    assert_same_weights,
    data,
    dataset,
    quantize,
    scores,
    trained,
)
from job_runs import SIDE

from core import seg
from core.compression.quantization.fake_quantization import quantizers_of
from core.models.model_folder import read_model_info
from core.seg.loading import load_model
from core.system.errors import InputError
from core.system.reporting import StopRequested

__all__ = ["data", "trained"]


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
    block = model.net.learning_to_downsample.dsconv_bn_relu1
    norm, conv = block.depthwise_conv._batch_norm, block.piontwise_conv._conv
    with paddle.no_grad():
        # A channel that is always zero gets large weights: in float they do nothing, in 8 bits
        # with one scale for all they leave nothing of the others.
        norm.weight[3] = 0.0
        norm.bias[3] = 0.0
        conv.weight[:, 3] = 1e4
    before = scores(model, data)
    reporter = Quiet()
    model.quantize_post_training(
        dataset(data, "train"),
        images=2,
        quant_config={"weight_quantize_type": "abs_max"},
        reporter=reporter,
    )
    assert "quantize" in reporter.stages
    assert model.quantization is not None
    suffering = "learning_to_downsample.dsconv_bn_relu1.piontwise_conv._conv"
    assert set(model.quantization.float_layers) == {"classifier.conv", suffering}
    assert np.abs(scores(model, data) - before).mean() < 0.05


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
