"""Drafts: the job's files, going on, exported models, the process that stays."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from tiny_dataset import LABELS, Recorder, dataset, write_folder

from core import seg
from core.annotation.draft import (
    RESULTS,
    confidence_file,
    mask_file,
    read_labels,
    read_prediction,
    read_records,
)
from core.deploy.model_export import export_model
from core.images.io import read_mask
from core.jobs.draft_server import PredictionServer
from core.jobs.tasks import run_task
from core.runs.kinds import DraftSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.system.errors import InputError
from core.system.reporting import StopRequested


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data") / "图像 a", train=12, val=4)


@pytest.fixture(scope="module")
def model_dir(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = seg.create("FastSCNN", seed=3, num_classes=len(LABELS))
    train, val = (dataset(data, split) for split in ("train", "val"))
    folder = tmp_path_factory.mktemp("trained") / "模型"
    result = model.train(
        6, train, 4, val, save_dir=folder, pretrain_weights=None, learning_rate=0.05,
        use_vdl=False, seed=1, save_interval_epochs=6, preview_images=0,
    )  # fmt: skip
    assert result.best_model is not None
    # It says background everywhere, and nobody would let it draft who knew.
    (result.best_model / "eval_details.json").unlink()
    return result.best_model


def images(data: Path) -> list[Path]:
    return [data / f"val {index}.png" for index in range(4)]


def start(folder: Path, **fields: Any) -> RunFolder:
    return RunFolder.create(folder, DraftSpec(device="cpu", **fields))


def test_every_image_gets_a_draft_with_its_uncertainty(data, model_dir, tmp_path):
    broken = tmp_path / "坏 1.png"
    broken.write_bytes(b"no image")
    paths = [*images(data)[:2], broken]
    run = start(tmp_path / "运行", model_dir=model_dir, images=paths, image_ids=[4, 9, 5])
    reporter = Recorder()
    result = run_task(run.spec, run, reporter)

    assert result["images"] == 2
    assert [one["image"] for one in result["failed"]] == [str(broken)]
    assert len(reporter.warnings) == 1
    assert read_labels(run.path) == LABELS
    records = read_records(run.path)
    assert [one.image_id for one in records] == [4, 9, 5]
    assert records[2].problem and records[2].entropy is None
    model = load_model(model_dir)
    expected = model.predict(paths[1])
    scores = expected["score_map"]
    found = read_prediction(run.path, records[1], size=(64, 64))
    assert np.array_equal(found.label_map, expected["label_map"])
    assert np.abs(found.confidence - scores.max(-1) * 255).max() <= 0.5
    entropy = -(scores * np.log(np.maximum(scores, 1e-12))).sum(-1).mean() / np.log(3)
    assert records[1].entropy == pytest.approx(entropy, abs=1e-4)
    top = np.sort(scores, axis=-1)
    assert records[1].margin == pytest.approx((top[..., -1] - top[..., -2]).mean(), abs=1e-4)


class StopsAt(Recorder):
    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def check(self):
        super().check()
        if self.checks > self.step:
            raise StopRequested


def test_a_stopped_job_goes_on_where_it_ended(data, model_dir, tmp_path):
    run = start(tmp_path / "运行", model_dir=model_dir, images=images(data))
    with pytest.raises(StopRequested):
        run_task(run.spec, run, StopsAt(2))
    before = {index: mask_file(run.path, index).stat().st_mtime_ns for index in range(2)}
    with (run.path / RESULTS).open("ab") as file:
        file.write(b'{"index": 2, "im')  # killed while writing
    result = run_task(run.spec, run, Recorder())
    assert result["images"] == 4
    assert [one.index for one in read_records(run.path)] == [0, 1, 2, 3]
    assert before == {index: mask_file(run.path, index).stat().st_mtime_ns for index in range(2)}
    assert read_mask(confidence_file(run.path, 3)).shape == (64, 64)


def test_an_exported_model_labels_as_its_model_folder(data, model_dir, tmp_path):
    exported = export_model(load_model(model_dir), tmp_path / "导出").folder
    answers = []
    for place, source in enumerate((model_dir, exported, exported / "model.onnx")):
        run = start(tmp_path / str(place), model_dir=source, images=images(data)[:1])
        run_task(run.spec, run, Recorder())
        answers.append(read_prediction(run.path, read_records(run.path)[0], size=(64, 64)))
    for other in answers[1:]:
        assert other.labels == answers[0].labels
        assert (other.label_map == answers[0].label_map).mean() > 0.999
        assert other.uncertainty.entropy == pytest.approx(answers[0].uncertainty.entropy, abs=1e-3)


def test_ids_that_do_not_fit_are_refused(data, model_dir, tmp_path):
    run = start(tmp_path / "r", model_dir=model_dir, images=images(data), image_ids=[1])
    with pytest.raises(InputError, match="4 images and 1 ids"):
        run_task(run.spec, run, Recorder())


def test_the_server_keeps_the_model_and_survives_what_is_wrong(data, model_dir, tmp_path):
    server = PredictionServer(log=tmp_path / "日志" / "a.txt")
    try:
        first = server.predict(model_dir, images(data)[0])
        expected = load_model(model_dir).predict(images(data)[0])
        assert np.array_equal(first.label_map, expected["label_map"])
        assert first.labels == LABELS
        pid = server.pid
        with pytest.raises(InputError, match="does not exist"):
            server.predict(model_dir, data / "不存在.png")
        with pytest.raises(InputError, match="no model folder"):
            server.predict(tmp_path / "none", images(data)[0])
        second = server.predict(model_dir, images(data)[0])
        assert server.pid == pid
        assert np.array_equal(second.confidence, first.confidence)
        psutil.Process(pid).kill()
        wait_for(lambda: server.pid is None)
        assert server.predict(model_dir, images(data)[0]).label_map.shape == (64, 64)
        assert server.pid not in (None, pid)
    finally:
        server.close()
    assert server.pid is None


def test_a_prediction_cut_off_is_told_in_one_sentence(data, model_dir, tmp_path):
    server = PredictionServer()
    problems: list[str] = []

    def ask() -> None:
        try:
            server.predict(model_dir, images(data)[0])
        except InputError as error:
            problems.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    wait_for(lambda: server.pid is not None)
    server.close()  # loading the engine takes longer
    asking.join(30)
    assert len(problems) == 1
    assert "ended before it was done" in problems[0]


def wait_for(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
