"""Objects, images and thresholds counted together, image by image."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from core.prediction.choosing import Choice
from core.prediction.figures import FigureRules, Figures, image_score
from core.prediction.object_matching import ObjectRule
from core.prediction.thresholds import share_of_bin

LABELS = ("_background_", "crack")


def scene(*, labelled, predicted, ignored=False, size=(40, 50)):
    mask, label_map = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    if labelled:
        mask[5:15, 5:15] = 1
    if predicted:
        label_map[5:15, 6:16] = 1
    if ignored:
        mask[:] = 255
    odds = np.where(label_map == 1, 190, 90).astype(np.uint8)
    return Choice(label_map, np.ones(size, np.uint8), odds), mask


def test_counts_are_those_of_the_images():
    figures = Figures(LABELS)
    found = figures.update(*scene(labelled=True, predicted=True))
    assert found.objects == {1: (1, 1, 0)}
    assert found.defective is True
    assert found.score == pytest.approx(share_of_bin(190.5))
    missed = figures.update(*scene(labelled=True, predicted=False))
    assert missed.objects == {1: (1, 0, 0)}
    alarm = figures.update(*scene(labelled=False, predicted=True))
    assert (alarm.objects, alarm.defective) == ({1: (0, 0, 1)}, False)
    unknown = figures.update(*scene(labelled=True, predicted=True, ignored=True))
    assert (unknown.objects, unknown.score, unknown.defective) == ({1: (0, 0, 0)}, None, None)
    told = figures.to_dict()
    counts = [told["images"][key] for key in ("count", "good", "defective", "detected")]
    assert counts == [4, 1, 2, 1]
    assert told["objects"]["all"]["found"] == 1
    assert figures.thresholds()[0] is None


def test_rules_reach_what_they_rule():
    rules = FigureRules(objects=ObjectRule(iou=0.99), false_alarm_rate=0.3)
    figures = Figures(LABELS, rules=rules)
    assert figures.update(*scene(labelled=True, predicted=True)).objects == {1: (1, 0, 1)}
    assert figures.to_dict()["images"]["false_alarm_rate"] == 0.3


def test_without_a_background_there_are_objects_but_no_good_images():
    figures = Figures(("sky", "road"))
    choice, mask = scene(labelled=True, predicted=True)
    found = figures.update(Choice(choice.label_map), mask)
    assert found.objects == {0: (1, 1, 0), 1: (1, 1, 0)}
    assert found.score is None
    images = figures.to_dict()["images"]
    assert (images["count"], images["good"], images["defective"]) == (1, 0, 0)
    assert figures.thresholds() is None


@pytest.mark.parametrize(("size", "taken"), [((10, 10), 1), ((300, 300), 9), ((2000, 2000), 100)])
def test_an_images_score_is_of_its_worst_part(size, taken):
    odds = np.full(size, 40, np.uint8)
    odds.ravel()[:taken] = 200
    assert image_score(odds) == pytest.approx(share_of_bin(200.5))
    odds.ravel()[0] = 40
    expected = (40.5 + 200.5 * (taken - 1)) / taken
    assert image_score(odds) == pytest.approx(share_of_bin(expected))


def test_a_large_image_takes_little_more_than_its_objects_numbers():
    side = 4000
    mask = np.zeros((side, side), np.uint8)
    mask[::50, ::50] = 1
    choice = Choice(mask, np.ones_like(mask), np.where(mask == 1, 190, 90).astype(np.uint8))
    figures = Figures(LABELS)
    tracemalloc.start()
    figures.update(choice, mask)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * side * side  # two arrays of four bytes, and masks
