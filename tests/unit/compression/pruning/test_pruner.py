"""Analysis and pruning of a segmenter, and what they leave in model folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
import yaml
from compression_runs import (
    Quiet,
    assert_same_weights,
    data,
    dataset,
    quantize,
    scores,
    train,
    trained,
    weights,
)
from flops_counting import count_flops
from job_runs import SIDE

from core import seg
from core import transforms as T  # noqa: N812
from core.compression.sensitivity.analysis import RATIOS
from core.models.model_folder import read_model_info
from core.seg.loading import load_model
from core.system.errors import InputError
from core.system.reporting import StopRequested

__all__ = ["data", "trained"]


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
