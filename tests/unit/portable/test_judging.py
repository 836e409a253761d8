"""From scores to a judgement, and to JSON and rows."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core.portable.judging import (
    IMAGE_COLUMNS,
    OBJECT_COLUMNS,
    image_row,
    judge_label_map,
    judge_scores,
    object_rows,
)
from core.portable.portable_error import PortableError
from core.portable.settings import Settings

LABELS = ["background", "Crack", "Blowhole"]


def scores_of(label_map, share: float = 0.9):
    scores = np.full((*np.shape(label_map), 3), (1 - share) / 2, np.float32)
    np.put_along_axis(scores, np.asarray(label_map)[..., None], share, axis=2)
    return scores


def example():
    label_map = np.zeros((40, 60), np.uint8)
    label_map[5:8, 10:45] = 1
    label_map[6, 20] = 0  # a hole
    label_map[30, 3] = 2  # too small
    label_map[20:26, 50:56] = 2
    return label_map


def judged(label_map, **content):
    settings = Settings.from_dict(content, labels=LABELS, background=0)
    return judge_scores(scores_of(label_map), settings, labels=LABELS, background=0)


def test_cleaned_measured_decided():
    found = judged(
        example(),
        rules=["any Crack longer than 2 mm -> reject", "more than 1 Blowhole -> warn"],
        pixel_size_mm=0.1,
        minimum_area={"Blowhole": "0.03 mm2"},
        fill_holes={"Crack": 1},
    )
    assert [one.name for one in found.objects] == ["Crack", "Blowhole"]
    assert found.objects[0].area_px == 105
    assert found.label_map[6, 20] == 1
    assert found.label_map[30, 3] == 0
    assert found.outcome == "reject"
    assert [str(one) for one in found.reasons] == ["Crack of 3.5 mm is longer than 2 mm"]
    assert found.scores_summary["lowest_object_score"] == pytest.approx(0.9)  # a hole has no say
    assert found.scores_summary["mean_confidence"] == pytest.approx(0.9)
    assert found.seconds["decide"] > 0


def test_regions_are_what_percentages_are_of():
    half = [[[0, 0], [29, 0], [29, 39], [0, 39]]]
    rules = ["total area of Crack above 5 % -> reject"]
    assert judged(example(), rules=rules).outcome == "accept"  # 104 of 2400
    label_map = example()
    label_map[0:3, 0:30] = 1
    assert judged(label_map, rules=["total area of Crack above 9 % -> reject"]).outcome == "accept"
    within = judged(label_map, rules=["total area of Crack above 9 % -> reject"], regions=half)
    assert within.outcome == "reject"
    assert [one.box for one in within.objects] == [(0, 0, 30, 3), (10, 5, 30, 8), (3, 30, 4, 31)]


def test_label_maps_alone_have_no_scores():
    found = judge_label_map(
        example(), Settings(inconclusive_below=0.9), labels=LABELS, background=0
    )
    assert found.outcome == "reject"
    assert found.scores_summary == {}
    assert found.objects[0].score is None


def test_scores_of_each_pixels_own_class_are_enough():
    label_map = example()
    scores = scores_of(label_map)
    asked = {"labels": LABELS, "background": 0}
    all_of_them = judge_label_map(label_map, Settings(), scores=scores, **asked)
    own = judge_label_map(label_map, Settings(), scores=scores.max(axis=2), **asked)
    assert own.objects == all_of_them.objects
    assert own.scores_summary == all_of_them.scores_summary


def test_a_label_map_chosen_by_thresholds_is_what_counts():
    scores = np.zeros((4, 4, 3), np.float32)
    scores[...] = (0.6, 0.4, 0)
    label_map = np.ones((4, 4), np.uint8)
    found = judge_scores(
        scores,
        Settings(inconclusive_below=0.5),
        labels=LABELS,
        background=0,
        label_map=label_map,
    )
    assert found.outcome == "inconclusive"
    assert found.objects[0].score == 0.4


def test_json_and_rows():
    found = judged(example(), rules=["any Crack -> reject"], pixel_size_mm=0.1)
    content = json.loads(json.dumps(found.to_dict()))
    assert content["outcome"] == "reject"
    assert content["reasons"] == [
        {"text": "Found: Crack (1)", "outcome": "reject", "rule": "any Crack -> reject"}
    ]
    assert (content["width"], content["height"]) == (60, 40)
    assert content["objects"][0]["length_mm"] == 3.5
    row = image_row("a.png", found)
    assert tuple(row) == IMAGE_COLUMNS
    assert (row["outcome"], row["objects"], row["reasons"]) == ("reject", 3, "Found: Crack (1)")
    rows = object_rows("a.png", found)
    assert {tuple(one) for one in rows} == {OBJECT_COLUMNS}
    assert [one["number"] for one in rows] == [1, 2, 3]
    assert (rows[0]["x0"], rows[0]["y1"], rows[0]["center_x"]) == (
        10,
        8,
        pytest.approx(27.5, abs=0.1),
    )


def test_millimetres_without_the_size_of_a_pixel_are_refused():
    settings = Settings.from_dict(
        {"rules": ["any Crack longer than 2 mm -> reject"], "pixel_size_mm": 1},
        labels=LABELS,
        background=0,
    )
    with pytest.raises(PortableError, match="size of a pixel"):
        judge_label_map(
            example(), replace(settings, pixel_size_mm=None), labels=LABELS, background=0
        )
