"""Which jobs adjust scores: trainings that are asked to, and what trains on such a model."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from job_runs import train_spec, write_data
from tiny_dataset import Recorder

from core.datasets import open_data_folder
from core.jobs.tasks import best_model, run_task
from core.models.model_folder import read_model_info
from core.runs.history import was_adjusted
from core.runs.kinds import PruneSpec, QuantizeSpec
from core.runs.run_folder import RunFolder
from core.seg import score_adjustment
from core.seg.loading import load_model

OFFSETS = np.array([0.0, -0.25], np.float32)
FOLDERS = ("best_model", "last_model")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "图像 a")


@pytest.fixture(scope="module")
def adjusted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of a training that finds offsets, and is better with them."""
    with pytest.MonkeyPatch.context() as patch:
        find_offsets(patch)
        spec = train_spec(data, epochs=1, adjust_scores=True)
        return done(tmp_path_factory.mktemp("train") / "run", spec)


def predict_mirror_images(patch: pytest.MonkeyPatch) -> None:
    def choose(model: Any, _dataset: Any, **_options: Any) -> bool:
        model.flip_test = True
        return True

    patch.setattr(best_model, "choose_flip_test", choose)
    patch.setattr(best_model, "_is_better", lambda *_measured, **_images: True)


def find_offsets(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(score_adjustment, "choose_offsets", lambda _pixels: OFFSETS)
    patch.setattr(best_model, "_is_better", lambda *_measured, **_images: True)


def done(folder: Path, spec: Any) -> dict[str, Any]:
    return run_task(spec, RunFolder.create(folder, spec), Recorder())


def offsets_of(model_dir: str) -> tuple[float, ...] | None:
    return read_model_info(model_dir).score_offsets


def test_a_training_adjusts_where_it_is_asked_to(
    adjusted: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert adjusted["score_offsets"] == OFFSETS.tolist()
    assert offsets_of(adjusted["best_model"]) == tuple(OFFSETS.tolist())
    assert offsets_of(adjusted["last_model"]) is None
    assert adjusted["miou"] == read_model_info(adjusted["best_model"]).score
    find_offsets(monkeypatch)
    plain = done(tmp_path / "plain", train_spec(data, epochs=1))
    assert plain["score_offsets"] is None
    assert offsets_of(plain["best_model"]) is None


def test_what_trains_on_adjusts_anew(
    adjusted: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_offsets(monkeypatch)
    common = {"model_dir": adjusted["best_model"], "data_dir": data, "measure": False}
    training = {"batch_size": 2, "use_vdl": False, "num_workers": 0, "device": "cpu"}
    for name, spec in (
        ("pruned", PruneSpec(**common, **training, flops=0.2, finetune_epochs=1)),
        ("quantized", QuantizeSpec(**common, **training, calibration_images=2, epochs=1)),
    ):
        result = done(tmp_path / name, spec)
        assert result["score_offsets"] == OFFSETS.tolist()
        assert offsets_of(result["model_dir"]) == tuple(OFFSETS.tolist())
        assert result["miou"] == read_model_info(result["model_dir"]).score


def test_what_only_compresses_keeps_what_was_added(
    adjusted: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_pixels: Any) -> None:
        raise AssertionError("the last layer has its offsets still")

    monkeypatch.setattr(score_adjustment, "choose_offsets", refuse)
    common = {"model_dir": adjusted["best_model"], "data_dir": data, "measure": False}
    for name, spec in (
        ("pruned", PruneSpec(**common, flops=0.2, device="cpu")),
        ("quantized", QuantizeSpec(**common, calibration_images=2, device="cpu")),
    ):
        result = done(tmp_path / name, spec)
        assert offsets_of(result["model_dir"]) == tuple(OFFSETS.tolist())


def test_mirror_images_are_predicted_where_that_is_asked_for_and_helps(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        predict_mirror_images(patch)
        found = done(tmp_path / "with", train_spec(data, epochs=1, flip_test=True))
        plain = done(tmp_path / "plain", train_spec(data, epochs=1))
        unlike = {"augmentation": {"horizontal_flip": 0}}  # left and right are not the same
        upright = done(tmp_path / "no", train_spec(data, epochs=1, flip_test=True, **unlike))
    assert upright["flip_test"] is read_model_info(upright["best_model"]).flip_test is False
    best = read_model_info(found["best_model"])
    assert found["flip_test"] is best.flip_test is True
    assert found["miou"] == best.score
    assert was_adjusted(found) and not was_adjusted(plain)
    assert plain["flip_test"] is read_model_info(plain["best_model"]).flip_test is False
    with monkeypatch.context() as patch:  # a run that goes on may finish its best model again
        patch.setattr(best_model, "_is_better", lambda *_measured, **_images: False)
        model = load_model(found["best_model"])
        again = best_model.finish_best_model(
            Path(found["best_model"]),
            open_data_folder(data).dataset("val", model.test_transforms),
            adjust=True,
            flip_test=True,
            reporter=Recorder(),
        )
    assert again.flip_test is again.result()["flip_test"] is True
    # What only compresses keeps it; what trains on asks anew, and the images here do not gain.
    common = {"model_dir": found["best_model"], "data_dir": data, "measure": False}
    kept = done(tmp_path / "kept", QuantizeSpec(**common, calibration_images=2, device="cpu"))
    assert kept["flip_test"] is read_model_info(kept["model_dir"]).flip_test is True
    training = {"batch_size": 2, "use_vdl": False, "num_workers": 0, "device": "cpu"}
    monkeypatch.setattr(best_model, "choose_flip_test", lambda *_model, **_options: False)
    again = done(tmp_path / "again", PruneSpec(**common, **training, flops=0.2, finetune_epochs=1))
    assert again["flip_test"] is read_model_info(again["model_dir"]).flip_test is False


def test_mirror_images_that_do_not_help_are_left_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict_mirror_images(monkeypatch)
    monkeypatch.setattr(best_model, "_is_better", lambda *_measured, **_images: False)
    found = done(tmp_path / "run", train_spec(data, epochs=1, flip_test=True))
    assert found["flip_test"] is read_model_info(found["best_model"]).flip_test is False


def test_the_last_model_is_taken_where_that_is_asked_for(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_model, "_takes_last", lambda *_folders, **_images: True)
    found = done(tmp_path / "run", train_spec(data, epochs=2, take_last=True))
    best, last = (read_model_info(found[name]) for name in FOLDERS)
    assert found["last_taken"] and was_adjusted(found)
    assert (found["best_epoch"], best.completed_epochs, last.completed_epochs) == (2, 2, 2)
    assert found["miou"] == pytest.approx(best.score) == last.score
    best_file, last_file = (Path(found[name], "model.pdparams") for name in FOLDERS)
    assert best_file.read_bytes() == last_file.read_bytes()
    assert Path(found["last_model"]).is_dir()  # it stays, to go on from
    plain = done(tmp_path / "plain", train_spec(data, epochs=1))
    assert plain["last_taken"] is False


@pytest.mark.parametrize(
    ("highest", "last", "images", "taken"),
    [
        (0.70, 0.43, 2, True),  # one object of two images
        (0.70, 0.40, 2, False),
        (0.62, 0.50, 9, True),
        (0.62, 0.48, 9, False),
        (0.70, 0.70, 5, False),  # it is that one, or as good
        (None, 0.5, 2, False),
        (0.5, None, 2, False),
    ],
)
def test_chance_is_larger_on_fewer_images(
    highest: float | None,
    last: float | None,
    images: int,
    taken: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = {"best": highest, "last": last}

    def read(folder: Path) -> Any:
        return SimpleNamespace(score=scores[folder.name])

    monkeypatch.setattr(best_model.model_folder, "read_model_info", read)
    assert best_model._takes_last(Path("best"), Path("last"), images=images) is taken
