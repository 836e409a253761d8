"""A model is tried on images: what it says of each, going on, thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_dataset import LABELS, Recorder

from core import seg
from core import transforms as T  # noqa: N812
from core.images.io import write_image
from core.jobs.tasks import run_task
from core.runs.kinds import TrialSpec
from core.runs.run_folder import RunFolder
from core.runs.trial_files import TrialFiles
from core.seg.loading import load_model
from core.system.errors import InputError
from core.system.reporting import StopRequested


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that was never trained, and finds something of every class."""
    model = seg.create("FastSCNN", seed=3, num_classes=len(LABELS))
    model.labels = list(LABELS)
    model.test_transforms = T.Compose([T.Resize((64, 64)), T.Normalize()])
    folder = tmp_path_factory.mktemp("models") / "模 型"
    model.save_model(folder)
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(1)
    paths = [folder / f"图 {index}.png" for index in range(4)]
    for path in paths:
        write_image(path, rng.integers(0, 255, (40, 50, 3)).astype(np.uint8))
    return paths


def start(folder: Path, **fields: Any) -> RunFolder:
    return RunFolder.create(folder, TrialSpec(device="cpu", **fields))


def test_each_image_gets_its_label_map_and_how_sure_that_is(model_dir, images, tmp_path) -> None:
    broken = tmp_path / "坏.png"
    broken.write_bytes(b"no image")
    run = start(tmp_path / "run", model_dir=model_dir, images=[*images[:2], broken], source="/x")
    reporter = Recorder()
    result = run_task(run.spec, run, reporter)
    assert (result["images"], result["labels"]) == (2, list(LABELS))
    assert [one["image"] for one in result["failed"]] == [str(broken)]
    assert len(reporter.warnings) == 1
    files = TrialFiles(run.path)
    records = files.records()
    assert [bool(record.problem) for record in records] == [False, False, True]
    expected = load_model(model_dir).predict(images[1])
    label_map = files.label_map(1)
    assert label_map.shape == (40, 50)
    assert np.array_equal(label_map, expected["label_map"])
    difference = np.abs(files.confidence(1) - expected["score_map"].max(-1))
    assert difference.max() <= 0.5 / 255 + 1e-5


class StopsAt(Recorder):
    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def check(self):
        super().check()
        if self.checks > self.step:
            raise StopRequested


def test_a_stopped_trial_goes_on_where_it_ended(model_dir, images, tmp_path) -> None:
    run = start(tmp_path / "run", model_dir=model_dir, images=images)
    with pytest.raises(StopRequested):
        run_task(run.spec, run, StopsAt(2))
    files = TrialFiles(run.path)
    before = files.label_map_file(0).stat().st_mtime_ns
    assert len(files.records()) == 2
    run_task(run.spec, run, Recorder())
    assert [record.index for record in files.records()] == [0, 1, 2, 3]
    assert files.label_map_file(0).stat().st_mtime_ns == before


def test_thresholds_that_a_model_lacks_are_told_at_once(model_dir, images, tmp_path) -> None:
    run = start(tmp_path / "run", model_dir=model_dir, images=images, thresholds=True)
    with pytest.raises(InputError, match="threshold"):
        run_task(run.spec, run, Recorder())
    assert TrialFiles(run.path).records() == []
