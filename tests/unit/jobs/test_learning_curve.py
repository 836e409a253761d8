"""The job that trains on parts of the labels: its parts, its clock, stopped and gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from job_runs import write_data

from core.advice.learning_curve import LearningCurve
from core.datasets import open_data_folder
from core.images.io import read_mask, write_mask
from core.jobs.tasks import learning_curve
from core.runs.kinds import LearningCurveSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError
from core.system.reporting import Reporter, StopRequested


class Recorder(Reporter):
    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def progress(self, step: int, steps: int, *, stage: str = "train", **_: Any) -> None:
        self.told.append((stage, step, steps))


class Trainings:
    """Stands in for the training; what it finds grows by .1 for each doubling."""

    def __init__(self, *, stop_at: int | None = None) -> None:
        self.specs: list[Any] = []
        self.items: list[set[Path]] = []
        self.seconds: list[float] = []
        self._stop_at = stop_at

    def __call__(self, spec, folder, reporter, *, seconds):
        if len(self.specs) == self._stop_at:
            raise StopRequested("user")
        data = open_data_folder(spec.data_dir)
        images = data.subsets["train"]
        self.specs.append(spec)
        self.items.append({item.image for item in images})
        self.seconds.append(seconds)
        reporter.progress(1, 2, stage="train", eta_s=5.0)
        reporter.progress(1, 9, stage="evaluate")
        assert folder.path.is_dir()
        iou = 0.5 + 0.1 * float(np.log2(len(images) / 12))
        one = {"name": "明亮", "objects": 20, "found": 9, "false_alarms": 1, "recall": 0.45}
        return {
            "category_iou": [0.9, iou],
            "miou": (0.9 + iou) / 2,
            "objects": {"classes": [one]},
            "seconds": 1.0,
        }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "图像 a", train=12, val=3)


def _run(data: Path, folder: Path, reporter: Reporter | None = None, **fields: Any):
    spec = LearningCurveSpec(data_dir=data, device="cpu", **fields)
    run = RunFolder(folder) if folder.exists() else RunFolder.create(folder, spec)
    return learning_curve.run(spec, run, reporter or Recorder())


def test_parts_are_nested_share_the_time_and_have_the_same_settings(data, tmp_path, monkeypatch):
    trainings, reporter = Trainings(), Recorder()
    monkeypatch.setattr(learning_curve, "train_network", trainings)
    result = _run(data, tmp_path / "运行 1", reporter, minutes=6000.0)
    assert [len(items) for items in trainings.items] == [4, 8, 12]
    assert trainings.items[0] < trainings.items[1] < trainings.items[2]
    assert len(set(trainings.seconds)) == 1
    assert 0.85 * 120_000 < trainings.seconds[0] < 120_000
    assert len({(s.model, s.image_size, s.image_scale, s.optimizer) for s in trainings.specs}) == 1
    assert [s.batch_size for s in trainings.specs] == [4, 8, 8]
    steps = {s.epoch_images // s.batch_size for s in trainings.specs}
    assert len(steps) == 1
    json.dumps(result, allow_nan=False)
    curve = LearningCurve.from_dict(result)
    assert curve is not None
    (one,) = curve.classes
    assert (one.outlook, one.objects) == ("more", 12)
    assert one.law is not None and one.law.gain == pytest.approx(0.1)
    assert result["unit"] == "objects"
    assert result["objects"][2][0]["found"] == 9
    stages = [stage for stage, *_ in reporter.told]
    assert stages[0] == "check"
    parts = [(step, steps) for stage, step, steps in reporter.told if stage == "parts"]
    assert parts == [(500, 3000), (1500, 3000), (2500, 3000)]
    assert not (tmp_path / "运行 1" / "parts").exists()


def test_a_stopped_run_goes_on_behind_the_parts_it_has(data, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    first = Trainings(stop_at=2)
    monkeypatch.setattr(learning_curve, "train_network", first)
    with pytest.raises(StopRequested):
        _run(data, folder, minutes=6000.0)
    second = Trainings()
    monkeypatch.setattr(learning_curve, "train_network", second)
    result = _run(data, folder, minutes=6000.0)
    assert [len(items) for items in second.items] == [12]
    assert second.seconds[0] == pytest.approx(first.seconds[0], rel=0.02)
    assert [point["images"] for point in result["points"]] == [4, 8, 12]
    (folder / "points.json").write_text("{}", encoding="utf-8")  # damaged: from the start again
    third = Trainings()
    monkeypatch.setattr(learning_curve, "train_network", third)
    _run(data, folder, minutes=6000.0)
    assert len(third.items) == 3


def test_too_few_images_are_one_sentence_with_the_number_needed(tmp_path):
    few = write_data(tmp_path / "few", train=8, val=2)
    with pytest.raises(InputError, match="needs at least 9 of them; there are 8"):
        _run(few, tmp_path / "run")


def test_a_class_must_be_shown_by_three_images(tmp_path):
    data = write_data(tmp_path / "bare", train=10, val=2)
    for place, mask in enumerate(sorted(data.glob("train * mask.png"))):
        if place > 1:
            write_mask(mask, np.zeros_like(read_mask(mask)))
    with pytest.raises(InputError, match="at least 3 training images that show the same class"):
        _run(data, tmp_path / "run")


def test_without_validation_images_and_with_a_damaged_mask(data, tmp_path):
    torn = write_data(tmp_path / "torn", train=9, val=2)
    (torn / "train 3 mask.png").write_bytes(b"no mask")
    with pytest.raises(InputError, match=r"train 3 mask\.png"):
        _run(torn, tmp_path / "run 1")
    (torn / "val_list.txt").unlink()
    with pytest.raises(InputError, match="no validation images"):
        _run(torn, tmp_path / "run 2")


def test_objects_are_counted_a_scene_counts_images(data, tmp_path, monkeypatch):
    scene = write_data(tmp_path / "scene", train=9, val=2)
    (scene / "labels.txt").write_text("road\nsky\n", encoding="utf-8")
    for mask in scene.glob("train * mask.png"):
        pixels = read_mask(mask)
        cv2.rectangle(pixels, (0, 0), (2, 2), 1, -1)
        write_mask(mask, pixels)
    monkeypatch.setattr(learning_curve, "train_network", Trainings())
    result = _run(scene, tmp_path / "run", minutes=6000.0)
    assert result["unit"] == "images"
    assert [point["labels"] for point in result["points"]] == [[3, 3], [6, 6], [9, 9]]
