"""Verdicts as JSON, and in model folders of any age."""

from __future__ import annotations

import json

import pytest

from core.models.model_folder import ModelInfo, add_measurement, read_model_info, write
from core.models.model_verdict import Level, Verdict, read_verdict
from core.system.messages import message

VERDICT = Verdict(
    Level.PARTLY,
    (message("It finds {count}.", count=3), message("Good.")),
    {"裂纹": ("/a/图 1.png",)},
)


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "model"
    info = ModelInfo(
        name="UNet",
        init_params={"num_classes": 3},
        labels=("background", "crack", "pit"),
        colors=((0, 0, 0), (1, 2, 3), (4, 5, 6)),
    )
    with write(target, info) as temporary:
        (temporary / "model.pdparams").write_bytes(b"")
    return target


def evaluation(folder, content):
    (folder / "eval_details.json").write_text(json.dumps(content), encoding="utf-8")


def test_the_way_through_json_keeps_everything():
    content = json.loads(json.dumps(VERDICT.to_dict()))
    assert content["level"] == "partly"
    assert content["sentences"] == ["It finds 3.", "Good."]
    assert Verdict.from_dict(content) == VERDICT


@pytest.mark.parametrize(
    "damage",
    [
        None,
        [],
        {"level": "fine"},
        {"level": "usable", "messages": []},
        {"level": "splendid", "messages": [{"template": "a", "params": {}}]},
        {"level": "usable", "messages": [{"template": "{a}", "params": {}}]},
        {"level": "usable", "messages": [{"template": "{0[x]}", "params": {}}]},
    ],
)
def test_what_is_no_verdict_is_none(damage):
    assert Verdict.from_dict(damage) is None


def test_a_measurement_is_added_to_a_model_folder(folder):
    evaluation(folder, {"confusion_matrix": [[1]], "metrics": {"miou": 0.5}})
    before = read_model_info(folder)
    assert before.thresholds is None
    add_measurement(folder, thresholds=[None, 0.3, 0.5], evaluation={"verdict": VERDICT.to_dict()})
    after = read_model_info(folder)
    assert after.thresholds == (None, 0.3, 0.5)
    assert (after.labels, after.colors, after.name) == (before.labels, before.colors, before.name)
    details = json.loads((folder / "eval_details.json").read_text())
    assert details["metrics"] == {"miou": 0.5}
    assert read_verdict(folder) == VERDICT


def test_a_folder_without_one_is_judged_by_what_it_said_everywhere(folder):
    assert read_verdict(folder) is None
    evaluation(folder, {"confusion_matrix": [[90, 0, 0], [10, 0, 0], [5, 0, 0]]})
    verdict = read_verdict(folder)
    assert verdict.is_warning
    assert str(verdict.summary) == "It says “background” everywhere: not usable."
    evaluation(folder, {"confusion_matrix": [[90, 1, 0], [10, 0, 0], [5, 0, 0]]})
    assert read_verdict(folder) is None
    evaluation(folder, {"confusion_matrix": [[90, 0, 0], [0, 0, 0], [0, 0, 0]]})
    assert read_verdict(folder) is None  # there was nothing else to say


@pytest.mark.parametrize("text", ["", "[]", "{", '{"confusion_matrix": "x"}', '{"verdict": 3}'])
def test_damaged_files_say_nothing(folder, text):
    (folder / "eval_details.json").write_text(text)
    assert read_verdict(folder) is None
