"""Images judged together are judged as if each were alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from line_models import complete_graph, parts_picture, write_line_model

from core.portable.line_predictor import LinePredictor
from core.portable.manifest import Tiling
from core.portable.portable_error import PortableError
from core.serve.served_model import ServedModel
from core.system.errors import InputError

FORMS = {
    "plain": {},
    "thresholds": {"thresholds": (None, 0.999, 0.2), "settings": {"thresholds": True}},
    "applied thresholds": {"thresholds": (None, 0.999, 0.2), "applies_thresholds": True},
    "windows": {"tiling": Tiling(width=40, height=32, overlap=8)},
    "rules": {"rules": ("any Crack longer than 12 px -> reject",)},
}


@pytest.mark.parametrize("changes", FORMS.values(), ids=FORMS)
def test_together_as_alone(tmp_path, changes):
    write_line_model(tmp_path, model=complete_graph(kernel=3), **changes)
    model, alone = ServedModel(tmp_path), LinePredictor(tmp_path)
    images = [parts_picture(seed=seed) for seed in range(3)]
    images.append(np.full_like(images[0], 190))
    for image, judged in zip(images, model.judge(images), strict=True):
        expected = alone.judge(image)
        assert np.array_equal(judged.label_map, expected.label_map)
        assert judged.outcome == expected.outcome
        assert judged.reasons == expected.reasons
        assert [replace(one, score=0, score_max=0) for one in judged.objects] == [
            replace(one, score=0, score_max=0) for one in expected.objects
        ]
    outcomes = {model.judge([image])[0].outcome for image in images}
    assert outcomes == {"accept", "reject"}


def test_thresholds_matter(tmp_path):
    images = [parts_picture(), parts_picture(seed=1)]
    write_line_model(tmp_path / "a", settings={"thresholds": [None, 0.9999, 0.99]})
    write_line_model(tmp_path / "b")
    found = [sum(map(len, (one.objects for one in ServedModel(tmp_path / name).judge(images))))
             for name in "ab"]  # fmt: skip
    assert found[0] < found[1]


def test_what_is_no_export_is_told_at_once(tmp_path):
    with pytest.raises(InputError, match="no exported model"):
        ServedModel(tmp_path)
    write_line_model(tmp_path, rules=("any Scratch -> reject",))
    with pytest.raises(PortableError, match="Scratch"):
        ServedModel(tmp_path)
    write_line_model(tmp_path, settings={"thresholds": True})
    with pytest.raises(PortableError, match="no thresholds of its own"):
        ServedModel(tmp_path)


def test_the_facts(tmp_path):
    write_line_model(tmp_path, revision="r1")
    facts = ServedModel(tmp_path, runtime="openvino", threads=1).facts
    assert (facts.model, facts.runtime, facts.revision) == ("Nodes", "openvino", "r1")
