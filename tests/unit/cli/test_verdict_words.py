"""What the terminal says of a model."""

from __future__ import annotations

import json

import pytest

from core.cli.evaluate import print_metrics
from core.cli.verdict_words import warn_of_model
from core.models.model_verdict import Level, Verdict
from core.prediction.image_scores import ImageScores
from core.prediction.metrics import ConfusionMatrix
from core.prediction.object_matching import ObjectCounts
from core.system.messages import message

LABELS = ("background", "Crack [1]")


def verdict(level):
    return Verdict(level, (message("It is so."), message("{name}: nothing.", name="a\nb")))


@pytest.mark.parametrize(("level", "warns"), [(Level.NOT_USABLE, True), (Level.PARTLY, False)])
def test_only_a_useless_model_is_warned_of_in_one_line(tmp_path, capsys, level, warns):
    content = {"verdict": verdict(level).to_dict()}
    (tmp_path / "eval_details.json").write_text(json.dumps(content), encoding="utf-8")
    warn_of_model(tmp_path)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (f"warning: the model in {tmp_path}: It is so. a b: nothing.\n" if warns else "")


def test_an_evaluation_says_the_words_first_then_objects_and_images(capsys):
    images = ImageScores()
    images.add(0.9, defective=True, marked=True)
    images.add(0.1, defective=False, marked=False)
    result = {
        **ConfusionMatrix(2).metrics(),
        "miou": 0.5,
        "split": "val",
        "labels": LABELS,
        "objects": ObjectCounts(LABELS, background=0).figures(),
        "images": images.figures(),
        "verdict": verdict(Level.USABLE).to_dict(),
    }
    print_metrics(result)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "It is so."
    assert any("Crack [1]" in line for line in lines)
    assert any("AUC 1.0000" in line and "100.0% detected at 5.0%" in line for line in lines)
    assert any("pixels, val, 2 images" in line for line in lines)
