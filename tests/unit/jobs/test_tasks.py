"""What the jobs do: train, evaluate, predict, with their files and results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_runs import SIDE, train_spec, write_data

from core.datasets import open_data_folder
from core.images.io import read_mask, write_image, write_mask
from core.jobs.failures import classify
from core.jobs.tasks import choose_device, run_task
from core.jobs.tasks.evaluate import METRICS_FILE, PER_IMAGE_FILE
from core.jobs.tasks.training_setup import dataset_hash
from core.models.model_folder import read_model_info, set_thresholds
from core.prediction.inspection import read_evaluation
from core.prediction.metrics import ConfusionMatrix
from core.prediction.threshold_trial import ThresholdTrial, can_try_thresholds
from core.prediction.thresholds import BINS, share_of_bin
from core.runs.event_log import EventWriter
from core.runs.events import Started
from core.runs.kinds import EvaluateSpec, PredictSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError
from core.system.reporting import Reporter


class Recorder(Reporter):
    def __init__(self) -> None:
        self.stages: list[tuple[str, int, int]] = []
        self.warnings: list[str] = []

    def progress(self, step: int, steps: int, *, stage: str = "train", **_: Any) -> None:
        self.stages.append((stage, step, steps))

    def warn(self, message: Any) -> None:
        self.warnings.append(str(message))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "图像 a", train=12, val=3)


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("train") / "运行 1"
    run = RunFolder.create(folder, train_spec(data, epochs=3, learning_rate=0.05))
    return run_task(run.spec, run, Recorder())


def test_a_training_leaves_a_model_folder_and_its_metrics(
    trained: dict[str, Any], data: Path
) -> None:
    json.dumps(trained, allow_nan=False)
    assert trained["epochs"] == 3
    assert trained["resumed_from"] is None
    assert 0 < trained["miou"] <= 1
    assert len(trained["category_iou"]) == 2
    assert {"oacc", "kappa", "images_per_second", "seconds"} <= trained.keys()
    info = read_model_info(trained["best_model"])
    assert list(info.labels) == ["background", "明亮"] == trained["labels"]
    assert info.image_size == (SIDE, SIDE)
    assert info.score == pytest.approx(trained["miou"])
    assert info.dataset_hash == dataset_hash(open_data_folder(data))


def test_where_nothing_can_be_measured_the_score_is_null(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", train=4, val=2)
    for mask in data.glob("val * mask.png"):
        write_mask(mask, np.full((SIDE, SIDE), 255, np.uint8))
    run = RunFolder.create(tmp_path / "train", train_spec(data, epochs=1))
    trained = run_task(run.spec, run, Recorder())
    assert "miou" in json.loads(json.dumps(trained, allow_nan=False))
    assert trained["miou"] is None
    spec = EvaluateSpec(model_dir=trained["best_model"], data_dir=data, device="cpu")
    run = RunFolder.create(tmp_path / "evaluate", spec)
    evaluated = run_task(run.spec, run, Recorder())
    assert json.loads(json.dumps(evaluated, allow_nan=False))["miou"] is None
    (data / "val_list.txt").unlink()
    run = RunFolder.create(tmp_path / "without", train_spec(data, epochs=1))
    unmeasured = run_task(run.spec, run, Recorder())
    assert "miou" in unmeasured
    assert unmeasured["miou"] is None


def test_kept_odds_tell_what_the_network_gives_by_other_thresholds(
    trained: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained["best_model"], tmp_path / "模型")
    threshold = share_of_bin(BINS // 2 + 9)
    set_thresholds(folder, [None, threshold])
    specs = [
        EvaluateSpec(model_dir=folder, data_dir=data, save_odds=True, device="cpu"),
        EvaluateSpec(model_dir=folder, data_dir=data, thresholds=True, device="cpu"),
    ]
    runs = [RunFolder.create(tmp_path / str(place), spec) for place, spec in enumerate(specs)]
    for run in runs:
        run_task(run.spec, run, Recorder())
    plain, expected = (read_evaluation(run.path) for run in runs)
    assert expected.measured_by == (None, pytest.approx(threshold))
    tried = ThresholdTrial(plain).measure((None, threshold))
    assert tried.matrix.tolist() == expected.matrix.tolist()
    assert tried.metrics["objects"] == expected.metrics["objects"]
    assert tried.metrics["images"] == expected.metrics["images"]
    assert not can_try_thresholds(expected)


def test_evaluation_agrees_with_training_and_with_its_own_masks(
    trained: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    spec = EvaluateSpec(
        model_dir=trained["best_model"], data_dir=data, save_masks=True, device="cpu"
    )
    run = RunFolder.create(tmp_path / "评估 1", spec)
    result = run_task(spec, run, Recorder())
    for key in ("miou", "oacc", "kappa", "category_iou"):
        assert result[key] == pytest.approx(trained[key])
    written = json.loads((run.path / METRICS_FILE).read_text(encoding="utf-8"))
    rows = json.loads((run.path / PER_IMAGE_FILE).read_text(encoding="utf-8"))
    assert len(rows) == result["images"]["count"] == 3
    scores = [row["miou"] for row in rows]
    assert scores == sorted(scores)
    matrix = ConfusionMatrix(2)
    for row in rows:
        label_map, mask = read_mask(run.path / row["prediction"]), read_mask(row["mask"])
        assert row["wrong_pixels"] == int((label_map != mask).sum())
        assert row["pixels"] == mask.size
        assert sum(count for *_, count in row["confusions"]) == row["wrong_pixels"]
        inside = (label_map == 1) & (mask == 1)
        either = (label_map == 1) | (mask == 1)
        assert row["iou"][1] == pytest.approx(inside.sum() / either.sum())
        matrix.update(label_map, mask)
    assert written["confusion_matrix"] == matrix.matrix.tolist()


def test_predictions_are_masks_of_the_images_sizes(
    trained: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "odd 尺寸.png"
    write_image(odd, np.full((37, 91, 3), 200, np.uint8))
    twin = tmp_path / "sub" / odd.name
    twin.parent.mkdir()
    write_image(twin, np.full((20, 30, 3), 10, np.uint8))
    spec = PredictSpec(
        model_dir=trained["best_model"], images=[odd, twin], out_dir=tmp_path / "out", device="cpu"
    )
    run = RunFolder.create(tmp_path / "run", spec)
    recorder = Recorder()
    result = run_task(spec, run, recorder)
    shapes = [read_mask(file).shape for file in result["files"]]
    assert shapes == [(37, 91), (20, 30)]
    assert [Path(file).name for file in result["files"]] == ["odd 尺寸.png", "odd 尺寸_2.png"]
    assert recorder.stages[-1] == ("predict", 2, 2)

    before = Path(result["files"][0]).read_bytes()
    with pytest.raises(InputError, match="already exists"):
        run_task(spec, RunFolder.create(tmp_path / "run 2", spec), Recorder())
    assert Path(result["files"][0]).read_bytes() == before

    writer = EventWriter(run.events_path)  # the first run was interrupted and goes on
    for _ in range(2):
        writer.append(Started("predict", 1, "cpu"))
    writer.close()
    assert run_task(spec, run, Recorder())["images"] == 2


def test_an_unreadable_image_does_not_stop_the_others(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    images = [tmp_path / f"图 {index}.png" for index in range(3)]
    for image in images:
        write_image(image, np.full((20, 30, 3), 200, np.uint8))
    images[1].write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    out = tmp_path / "out"
    spec = PredictSpec(
        model_dir=trained["best_model"], images=images, out_dir=out, overwrite=True, device="cpu"
    )
    recorder = Recorder()
    result = run_task(spec, RunFolder.create(tmp_path / "run", spec), recorder)
    assert [Path(file).name for file in result["files"]] == ["图 0.png", "图 2.png"]
    assert [one["image"] for one in result["failed"]] == [str(images[1])]
    assert recorder.warnings == [result["failed"][0]["problem"]]
    assert "图 1.png" in recorder.warnings[0]

    write_image(images[1], np.full((20, 30, 3), 10, np.uint8))  # mended, and once more
    again = run_task(spec, RunFolder.create(tmp_path / "run 2", spec), Recorder())
    assert len(again["files"]) == len(list(out.iterdir())) == 3
    assert again["failed"] == []


def test_classes_in_another_order_are_refused_and_other_names_warned_of(
    trained: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(data, tmp_path / "data")
    spec = EvaluateSpec(model_dir=trained["best_model"], data_dir=folder, device="cpu")
    (folder / "labels.txt").write_text("明亮\nbackground\n", encoding="utf-8")
    with pytest.raises(InputError, match="model's order"):
        run_task(spec, RunFolder.create(tmp_path / "run 1", spec), Recorder())
    (folder / "labels.txt").write_text("Background\nbright\n", encoding="utf-8")
    recorder = Recorder()
    run_task(spec, RunFolder.create(tmp_path / "run 2", spec), recorder)
    assert len(recorder.warnings) == 1
    assert "bright" in recorder.warnings[0]
    assert "明亮" in recorder.warnings[0]


def test_an_image_is_never_replaced_by_its_prediction(
    trained: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    image = data / "val 0.png"
    before = image.read_bytes()
    spec = PredictSpec(
        model_dir=trained["best_model"], images=[image], out_dir=data, overwrite=True, device="cpu"
    )
    with pytest.raises(InputError, match="one of the images themselves"):
        run_task(spec, RunFolder.create(tmp_path / "run", spec), Recorder())
    assert image.read_bytes() == before


def test_a_set_without_validation_is_trained_with_a_warning(data: Path, tmp_path: Path) -> None:
    folder = write_data(tmp_path / "data", train=2, val=1)
    (folder / "val_list.txt").unlink()
    spec = train_spec(folder, epochs=1)
    recorder = Recorder()
    result = run_task(spec, RunFolder.create(tmp_path / "run", spec), recorder)
    assert any("val_list.txt" in warning for warning in recorder.warnings)
    assert Path(result["best_model"]).is_dir()


def test_a_device_that_is_not_there_is_bad_input(data: Path) -> None:
    with pytest.raises(InputError, match="gpu:77"):
        choose_device("gpu:77")


def test_other_lists_are_another_dataset(data: Path, tmp_path: Path) -> None:
    folder = write_data(tmp_path / "data")
    before = dataset_hash(open_data_folder(folder))
    assert before == dataset_hash(open_data_folder(folder))
    lines = (folder / "val_list.txt").read_text(encoding="utf-8").splitlines()
    (folder / "val_list.txt").write_text(lines[0] + "\n", encoding="utf-8")
    assert before != dataset_hash(open_data_folder(folder))


def test_memory_that_is_not_there_is_told_as_such(data: Path, tmp_path: Path) -> None:
    side = 2**24  # more than a processor can address
    spec = train_spec(data, image_size=(side, side))
    run = RunFolder.create(tmp_path / "run", spec)
    with pytest.raises(Exception, match=r"(?i)memory|alloc") as caught:
        run_task(spec, run, Recorder())
    failed = classify(caught.value, spec=spec, run_dir=run.path)
    assert failed.kind == "oom"
    assert failed.params == {}
    assert f"{side * 3 // 4}" in failed.advice
