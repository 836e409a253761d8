"""An export judges by its own rules; what is wrong with it is said before images come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from line_models import LABELS, parts_picture, write_line_model

from core.images.io import write_image
from core.system.errors import InputError
from core.watch.export_assessor import open_assessor


def test_rules_decide_and_what_was_found_is_counted(tmp_path: Path) -> None:
    manifest = write_line_model(
        tmp_path,
        rules=("any Crack longer than 8 px -> reject", "any Dark -> warn"),
        revision="abc",
        statistics={"images": 9},
    )
    assessor = open_assessor(tmp_path, threads=1)
    picture = parts_picture()
    found = assessor.assess(picture)
    assert found.outcome == "reject"
    assert found.objects == {"Crack": 1, "Dark": 1}
    assert "longer than 8 px" in found.reasons[0]
    assert found.confidence is not None and 0.5 < found.confidence <= 1
    assert found.label_map.shape == picture.shape[:2]
    assert found.draw().shape[1:] == picture.shape[1:]
    clean = assessor.assess(np.full((50, 70, 3), 190, np.uint8))
    assert (clean.outcome, clean.reasons, clean.objects) == ("accept", (), {})
    assert assessor.model == f"Nodes {manifest.files['model.onnx']['sha256'][:12]}"
    assert (assessor.revision, assessor.statistics) == ("abc", {"images": 9})
    assert assessor.palette == manifest.colors and len(assessor.palette) == len(LABELS)


def test_regions_for_one_size_of_images(tmp_path: Path) -> None:
    """Trying the model out beforehand does not need images of that size."""
    picture = parts_picture()
    nothing = np.zeros(picture.shape[:2], np.uint8)
    write_image(tmp_path / "regions.png", nothing)
    write_line_model(tmp_path, settings={"regions_file": "regions.png"})
    assessor = open_assessor(tmp_path, threads=1)
    assert assessor.assess(picture).outcome == "accept"
    with pytest.raises(InputError, match=r"regions\.png"):
        assessor.assess(picture[:-1])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rules": ("any Scratch -> reject",)}, "Scratch"),
        ({"rules": ("any Crack longer than 2 mm -> reject",)}, "size of a pixel"),
        ({"settings": {"unknown": 1}}, "no setting unknown"),
    ],
)
def test_what_is_wrong_is_said_at_once(tmp_path: Path, changes: dict, sentence: str) -> None:
    write_line_model(tmp_path, **changes)
    with pytest.raises(InputError, match=sentence):
        open_assessor(tmp_path, threads=1)


def test_a_damaged_file(tmp_path: Path) -> None:
    write_line_model(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(InputError):
        open_assessor(tmp_path)
