"""A training's best model in the end: adjusted where that helps, and all that it had kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from tiny_dataset import Recorder, dataset
from tiny_training import folder, trained, weights_of

from core.jobs.tasks.best_model import finish_best_model
from core.models.model_folder import EVALUATION, read_model_info
from core.models.weights import write_state_dict
from core.seg.loading import load_model
from core.seg.score_adjustment import add_to_scores

__all__ = ["folder", "trained"]


@pytest.fixture
def best(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained.parent / "best_model", tmp_path / "训练" / "best_model")


def offsets_that_say(index: int):
    def choose(_pixels):
        return np.where(np.arange(3) == index, 50.0, 0.0).astype(np.float32)

    return choose


def usual_class(data) -> int:
    masks = np.concatenate([data.read_mask(index).ravel() for index in range(len(data))])
    return int(np.bincount(masks[masks != 255], minlength=3).argmax())


def test_what_helps_is_kept_with_all_that_was_there(
    best: Path,
    folder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = dataset(folder, "val")
    _make_worse(best, usual_class(data))
    files = {file.name for file in best.iterdir()}
    before = weights_of(best)
    chosen = offsets_that_say(usual_class(data))
    monkeypatch.setattr("core.seg.score_adjustment.choose_offsets", chosen)
    finished = finish_best_model(best, data, adjust=True, flip_test=False, reporter=Recorder())
    assert finished.score_offsets == chosen(None).tolist()
    after, info = weights_of(best), read_model_info(best)
    changed = [name for name in before if not np.array_equal(before[name], after[name])]
    assert changed == ["classifier.conv.bias"]
    assert files <= {file.name for file in best.iterdir()}
    assert info.score == finished.judgement.metrics["miou"] == finished.result()["miou"]
    assert info.score_offsets == tuple(finished.score_offsets)
    details = json.loads((best / EVALUATION).read_text(encoding="utf-8"))
    assert details["metrics"]["miou"] == info.score
    assert details["verdict"] == finished.result()["verdict"]


def test_what_does_not_help_is_taken_back(
    best: Path,
    folder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = dataset(folder, "val")
    rarest = (usual_class(data) + 1) % 3
    monkeypatch.setattr("core.seg.score_adjustment.choose_offsets", offsets_that_say(rarest))
    before, score = weights_of(best), read_model_info(best).score
    _set_score(best, 1.0)
    finished = finish_best_model(best, data, adjust=True, flip_test=False, reporter=Recorder())
    assert finished.score_offsets is None
    assert "miou" not in finished.result()
    assert finished.judgement.metrics["miou"] == pytest.approx(score)
    after = weights_of(best)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert read_model_info(best).score_offsets is None


def test_nothing_is_adjusted_unless_asked(
    best: Path,
    folder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_pixels):
        raise AssertionError("not asked for")

    monkeypatch.setattr("core.seg.score_adjustment.choose_offsets", refuse)
    finished = finish_best_model(
        best, dataset(folder, "val"), adjust=False, flip_test=False, reporter=Recorder()
    )
    assert finished.score_offsets is None
    assert finished.judgement.verdict.sentences


def _make_worse(best: Path, usual: int) -> None:
    """Say a rare class everywhere, and know so."""
    model = load_model(best)
    add_to_scores(model, -20 * (np.arange(3) == usual).astype(np.float32))
    model.score_offsets = None
    write_state_dict(best / "model.pdparams", model.net)
    _set_score(best, 0.0)


def _set_score(best: Path, score: float) -> None:
    file = best / "model.yml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["_Attributes"]["eval_metrics"]["miou"] = score
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
