"""What rules come to on labelled images."""

from __future__ import annotations

import time

import numpy as np
from line_data import write_labelled
from line_models import LABELS, parts_picture, write_line_model

from core.datasets import open_data_folder
from core.deploy.opening import open_export
from core.deploy.rule_effect import RuleEffect, measure_effect
from core.portable.settings import Settings


def settings_of(*rules: str, **more) -> Settings:
    return Settings.from_dict({"rules": list(rules), **more}, labels=LABELS, background=0)


def bar(length: int, value: int = 1):
    label_map = np.zeros((30, 60), np.uint8)
    label_map[10:13, 2 : 2 + length] = value
    return label_map


def example() -> RuleEffect:
    effect = RuleEffect(LABELS, 0)
    effect.add("found", bar(40), None, bar(42))
    effect.add("missed", bar(5), None, bar(40))
    effect.add("small", bar(0), None, bar(6))
    effect.add("good", bar(0), None, bar(0))
    effect.add("alarm", bar(30), None, bar(0))
    return effect


def test_outcomes_are_counted_for_good_and_defective_images():
    found = example().judge(settings_of("any Crack longer than 20 px -> reject"))
    assert found.counts(defective=True) == {"accept": 2, "warn": 0, "inconclusive": 0, "reject": 1}
    assert found.counts(defective=False) == {"accept": 1, "warn": 0, "inconclusive": 0, "reject": 1}
    assert [one.name for one in found.missed] == ["missed"]  # no rule minds the small one
    assert [one.name for one in found.false_rejects] == ["alarm"]
    assert found.to_dict()["missed"] == ["missed"]
    assert found.to_dict()["images"] == 5


def test_without_rules_every_labelled_defect_counts():
    found = example().judge(Settings())
    assert [one.name for one in found.missed] == ["small"]
    assert found.counts(defective=True)["reject"] == 2


def test_a_band_is_neither_missed_nor_a_false_reject():
    rule = "any Crack longer than 35 px -> reject, unsure above 4 px"
    found = example().judge(settings_of(rule))
    assert [one.outcome for one in found.images] == [
        "reject",
        "inconclusive",
        "accept",
        "accept",
        "inconclusive",
    ]
    assert not found.missed
    assert not found.false_rejects


def test_defects_that_are_not_inspected_do_not_make_an_image_defective():
    away = settings_of(regions=[[[0, 20], [59, 20], [59, 29], [0, 29]]])
    found = example().judge(away)
    assert not any(one.is_defective for one in found.images)
    assert all(one.outcome == "accept" for one in found.images)


def test_a_hundred_images_are_judged_again_while_a_slider_moves():
    rng = np.random.default_rng(0)
    effect = RuleEffect(LABELS, 0)
    for number in range(100):
        label_map = np.zeros((256, 256), np.uint8)
        for x, y, kind in rng.integers((0, 0, 1), (240, 240, 3), (8, 3)):
            label_map[y : y + 9, x : x + 12] = kind
        scores = np.full((256, 256, 3), 1 / 3, np.float32)
        effect.add(str(number), label_map, scores, label_map)
    effect.judge(settings_of("any Crack -> reject", pixel_size_mm=0.1))
    fastest = 1.0
    for limit in range(5):
        asked = settings_of(
            f"any Crack longer than 1.{limit} mm -> reject",
            "more than 3 Dark -> warn",
            minimum_area={"*": limit + 2},
            pixel_size_mm=0.1,
        )
        start = time.perf_counter()
        effect.judge(asked)
        fastest = min(fastest, time.perf_counter() - start)
    assert fastest < 0.05


def test_an_export_on_a_data_folder(tmp_path):
    write_line_model(tmp_path / "export", rules=("any Crack longer than 10 px -> reject",))
    judge = open_export(tmp_path / "export")
    pictures = [parts_picture(seed=0), np.full((60, 80, 3), 200, np.uint8)]
    masks = [judge.label_map(one) for one in pictures]
    folder = write_labelled(tmp_path / "data", pictures, masks)
    told: list[tuple[int, int]] = []
    dataset = open_data_folder(folder).dataset("val")
    effect = measure_effect(judge, dataset, judge.settings, progress=lambda *one: told.append(one))
    found = effect.judge(judge.settings)
    assert told == [(1, 2), (2, 2)]
    assert [(one.is_defective, one.outcome, one.expected) for one in found.images] == [
        (True, "reject", "reject"),
        (False, "accept", "accept"),
    ]
