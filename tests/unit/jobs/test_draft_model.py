"""What a model's draft leaves out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core import seg
from core import transforms as T  # noqa: N812
from core.images.io import write_image
from core.jobs.draft_model import DraftModel, open_model

COLORS = ((0, 0, 0), (255, 0, 0), (0, 0, 255))


@pytest.mark.parametrize(
    ("labels", "wiped"),
    [
        (("background", "Crack", "Fray"), True),
        (("sky", "Crack", "Fray"), False),  # where there is nothing that specks could become
    ],
)
def test_specks_are_not_offered(labels: tuple[str, ...], wiped: bool, tmp_path: Path) -> None:
    label_map = np.zeros((20, 30), np.int32)
    label_map[2:8, 2:8] = 1
    label_map[15, 20:24] = 1  # a speck
    label_map[15, 2:6] = 2  # as small, of a class whose objects may be
    scores = np.full((20, 30, 3), 0.1, np.float32)
    np.put_along_axis(scores, label_map[..., None].astype(np.int64), 0.8, axis=2)
    model = DraftModel(
        labels, COLORS, lambda _image: {"label_map": label_map, "score_map": scores}, {"Crack": 5}
    )
    image = tmp_path / "图 1.png"
    write_image(image, np.zeros((20, 30, 3), np.uint8))
    drafted = model.predict(image).label_map
    expected = label_map.copy()
    if wiped:
        expected[15, 20:24] = 0
    np.testing.assert_array_equal(drafted, expected)


def test_specks_are_those_of_the_models_measurement(tmp_path: Path) -> None:
    model = seg.create("FastSCNN", seed=1, num_classes=3)
    model.labels = ["background", "Crack", "Fray"]
    model.test_transforms = T.Compose([T.Resize((32, 32)), T.Normalize()])
    folder = model.save_model(tmp_path / "模型")
    image = tmp_path / "图 1.png"
    write_image(image, np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8))
    before = open_model(folder).predict(image).label_map
    assert before.any()
    classes = [{"name": name, "specks": {"area": 10_000}} for name in model.labels[1:]]
    (folder / "eval_details.json").write_text(json.dumps({"objects": {"classes": classes}}))
    assert not open_model(folder).predict(image).label_map.any()
