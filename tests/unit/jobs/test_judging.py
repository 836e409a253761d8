"""Every training and measurement says what its model is good for, and keeps it with the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_runs import SIDE, train_spec, write_data
from tiny_dataset import Recorder

from core.deploy.any_model import load_model
from core.images.io import read_mask
from core.jobs.tasks import run_task
from core.models.model_folder import read_model_info
from core.models.model_verdict import Level, Verdict, read_verdict
from core.project.draft_models import check_useful
from core.runs.event_log import EventWriter
from core.runs.events import Done
from core.runs.kinds import (
    DraftSpec,
    EvaluateSpec,
    ExportSpec,
    MeasureSpec,
    PredictSpec,
    PruneSpec,
    QuantizeSpec,
)
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

#: Only the background's pixels count in the loss: what is learnt is to say so everywhere.
BACKGROUND_ONLY = {"class_weights": [1.0, 0.0], "learning_rate": 0.05, "epochs": 4}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "图像 a", train=12, val=4)


def done(folder: Path, spec: Any) -> dict[str, Any]:
    result = run_task(spec, RunFolder.create(folder, spec), Recorder())
    json.dumps(result, allow_nan=False)
    return result


@pytest.fixture(scope="module")
def good(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return done(
        tmp_path_factory.mktemp("train") / "good", train_spec(data, epochs=25, learning_rate=0.05)
    )


@pytest.fixture(scope="module")
def useless(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return done(tmp_path_factory.mktemp("train") / "useless", train_spec(data, **BACKGROUND_ONLY))


def test_a_training_that_finds_things_says_so(good: dict[str, Any]) -> None:
    assert good["verdict"]["level"] in ("usable", "partly")
    assert good["objects"]["all"]["found"] > 0
    assert good["images"]["defective"] == good["images"]["count"] == 4
    verdict = read_verdict(good["best_model"])
    assert verdict == Verdict.from_dict(good["verdict"])
    thresholds = read_model_info(good["best_model"]).thresholds
    assert thresholds[0] is None
    assert 0 < thresholds[1] < 1


def test_a_training_that_says_background_everywhere_is_not_usable(
    useless: dict[str, Any],
) -> None:
    assert useless["verdict"]["level"] == "not usable"
    assert useless["verdict"]["sentences"][0] == "It says “background” everywhere: not usable."
    assert useless["objects"]["all"]["found"] == 0
    assert read_verdict(useless["best_model"]).level is Level.NOT_USABLE


def test_an_evaluation_has_the_figures_of_what_predict_writes(
    good: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    spec = EvaluateSpec(model_dir=good["best_model"], data_dir=data, save_masks=True, device="cpu")
    result = done(tmp_path / "evaluation", spec)
    assert result["verdict"] == good["verdict"]
    rows = json.loads((tmp_path / "evaluation" / "per_image.json").read_text(encoding="utf-8"))
    for place, name in enumerate(("objects", "found", "false_alarms"), start=1):
        counted = sum(one[place] for row in rows for one in row["objects"])
        assert counted == result["objects"]["all"][name]
    marked = sum(
        bool((read_mask(tmp_path / "evaluation" / row["prediction"]) != 0).any()) for row in rows
    )
    assert marked == result["images"]["detected"]
    assert all(0 <= row["score"] <= 1 and row["defective"] for row in rows)


def test_rules_of_the_spec_are_obeyed(good: dict[str, Any], data: Path, tmp_path: Path) -> None:
    spec = EvaluateSpec(
        model_dir=good["best_model"],
        data_dir=data,
        device="cpu",
        object_iou=1.0,
        min_area=SIDE * SIDE,
        false_alarm_rate=0.2,
    )
    result = done(tmp_path / "evaluation", spec)
    assert result["objects"]["all"]["objects"] == 0
    assert result["objects"]["iou_threshold"] == 1.0
    assert result["images"]["false_alarm_rate"] == 0.2
    assert result["verdict"]["level"] == "unknown"


def test_thresholds_are_obeyed_by_predict_and_by_an_exported_file_that_was_asked_to(
    good: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    model = load_model(good["best_model"])
    image = data / "val 0.png"
    plain = model.predict(str(image))
    model.thresholds = [None, 0.02]
    eager = model.predict(str(image), thresholds=True)
    np.testing.assert_array_equal(plain["score_map"], eager["score_map"])
    assert (eager["label_map"] == 1).sum() > (plain["label_map"] == 1).sum()
    share = eager["score_map"][..., 1]
    np.testing.assert_array_equal(eager["label_map"] == 1, share >= 0.02)
    asked = model.predict(str(image), thresholds=[None, 0.02], with_scores=False)
    np.testing.assert_array_equal(asked["label_map"], eager["label_map"])
    folder = model.save_model(tmp_path / "kept")
    assert read_model_info(folder).thresholds == (None, 0.02)

    files = {}
    for name, wanted in (("plain", False), ("asked", True)):
        spec = ExportSpec(model_dir=folder, out_dir=tmp_path / name, thresholds=wanted)
        done(tmp_path / f"run {name}", spec)
        files[name] = load_model(tmp_path / name)
    agreed = [
        (files["plain"].predict(str(image))["label_map"], plain["label_map"]),
        (files["plain"].predict(str(image), thresholds=True)["label_map"], eager["label_map"]),
        (files["asked"].predict(str(image))["label_map"], eager["label_map"]),
        (files["asked"].predict(str(image), thresholds=True)["label_map"], eager["label_map"]),
    ]
    for found, expected in agreed:
        assert (found == expected).mean() > 0.999
    spec = PredictSpec(
        model_dir=folder, images=[image], out_dir=tmp_path / "masks", device="cpu", thresholds=True
    )
    result = done(tmp_path / "prediction", spec)
    np.testing.assert_array_equal(read_mask(result["files"][0]), eager["label_map"])


def test_thresholds_that_are_not_there_are_refused(good: dict[str, Any], data: Path) -> None:
    model = load_model(good["best_model"])
    model.thresholds = None
    with pytest.raises(InputError, match="no thresholds of its own"):
        model.predict(str(data / "val 0.png"), thresholds=True)


def test_what_is_made_from_a_model_is_judged_anew(
    useless: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    common = {"model_dir": useless["best_model"], "data_dir": data, "measure": False}
    for name, spec in (
        ("pruned", PruneSpec(**common, flops=0.2)),
        ("quantized", QuantizeSpec(**common, calibration_images=2)),
    ):
        result = done(tmp_path / name, spec)
        assert result["verdict"]["level"] == "not usable"
        assert read_verdict(result["model_dir"]).is_warning


def test_drafts_of_a_useless_model_are_refused_with_the_reason(
    useless: dict[str, Any], good: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    spec = DraftSpec(model_dir=useless["best_model"], images=[data / "val 0.png"], device="cpu")
    with pytest.raises(InputError, match="It says “background” everywhere"):
        done(tmp_path / "drafts", spec)
    check_useful(Path(good["best_model"]))
    measuring = MeasureSpec(model_dir=useless["best_model"], data_dir=data)
    run = RunFolder.create(tmp_path / "measure", measuring)
    result = run_task(measuring, run, Recorder())
    writer = EventWriter(run.events_path)
    writer.append(Done(result))
    writer.close()
    with pytest.raises(InputError, match="drafts nothing that helps"):
        check_useful(run.path / "export")
