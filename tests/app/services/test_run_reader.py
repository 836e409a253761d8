"""What the monitor knows of a run before its first event."""

from __future__ import annotations

import pytest
from parts import make_seg_folder

from app.services.run_reader import open_run
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder


@pytest.mark.parametrize(("validating", "tiles"), [(0, 0), (1, 1), (3, 3), (6, 4)])
def test_there_is_a_place_for_every_image_that_will_come(tmp_path, validating, tiles) -> None:
    data = make_seg_folder(tmp_path / "data", count=9)
    lines = [line for file in data.glob("*_list.txt") for line in file.read_text().splitlines()]
    for file in data.glob("*_list.txt"):
        file.unlink()
    assert len(lines) >= 7
    (data / "val_list.txt").write_text("\n".join(lines[:validating]) + "\n")
    (data / "train_list.txt").write_text("\n".join(lines[validating:]) + "\n")
    if not validating:
        (data / "val_list.txt").unlink()
    spec = TrainSpec(model="FastSCNN", data_dir=data, epochs=1, batch_size=2, image_size=(64, 64))
    run = RunFolder.create(tmp_path / "run", spec)
    assert open_run(run.path).preview_count == tiles


def test_a_run_whose_data_is_gone_keeps_its_places(tmp_path) -> None:
    spec = TrainSpec(
        model="FastSCNN",
        data_dir=tmp_path / "gone",
        epochs=1,
        batch_size=2,
        image_size=(64, 64),
    )
    run = RunFolder.create(tmp_path / "run", spec)
    assert open_run(run.path).preview_count == 4
