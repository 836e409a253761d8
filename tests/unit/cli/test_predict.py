"""What ``predict`` says of images that it was given and did not judge."""

from __future__ import annotations

import json
import os
from pathlib import Path

from core import cli
from core.cli import job_runner
from core.models import model_folder


def test_an_image_that_was_not_judged_ends_with_2_and_stands_in_the_json(
    tmp_path, capsys, monkeypatch
):
    info = model_folder.ModelInfo(
        name="FastSCNN", init_params={"num_classes": 2}, labels=("a", "b")
    )
    with model_folder.write(tmp_path / "model", info) as temporary:
        (temporary / model_folder.WEIGHTS).write_bytes(b"")
    images = tmp_path / "images"
    images.mkdir()
    (images / "a.png").touch()
    Path(os.fsdecode(os.fsencode(images) + b"/\xd6\xd0.png")).touch()
    done = {"files": [str(tmp_path / "out/a.png")], "failed": []}
    monkeypatch.setattr(job_runner, "job_result", lambda _folder: dict(done))
    command = ["predict", "--model-dir", str(tmp_path / "model"), "--out", str(tmp_path / "out")]
    assert cli.run([*command, "--no-overlay", "--json", str(images)]) == 2
    printed = capsys.readouterr()
    assert "1 of 2 images could not be predicted" in printed.err
    result = json.loads(printed.out.splitlines()[-1])
    assert [one["image"] for one in result["failed"]] == [rf"{images}/\xd6\xd0.png"]
