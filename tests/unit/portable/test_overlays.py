"""Overlays: what is drawn, and what stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from core.portable.judging import judge_label_map
from core.portable.overlays import OUTCOME_COLORS, draw_judgement, draw_label_map
from core.portable.settings import Settings

COLORS = [(0, 0, 0), (255, 0, 0), (0, 255, 0)]
LABELS = ["background", "Crack", "划痕"]


def example():
    label_map = np.zeros((60, 400), np.uint8)
    label_map[10:40, 10:60] = 1
    label_map[20:30, 100:120] = 2
    return np.full((60, 400, 3), 100, np.uint8), label_map


def test_classes_are_translucent_with_full_outlines():
    image, label_map = example()
    drawn = draw_label_map(image, label_map, colors=COLORS, background=0)
    assert (drawn[label_map == 0] == 100).all()
    assert drawn[10, 10].tolist() == [0, 0, 255]  # red, as BGR
    assert drawn[25, 30].tolist() == [65, 65, 154]
    assert drawn[20, 100].tolist() == [0, 255, 0]
    assert (image == 100).all()


def test_ignored_pixels_stay_clear_and_colors_may_be_missing():
    image, label_map = example()
    label_map[0, :] = 255
    drawn = draw_label_map(image, label_map, colors=None, background=0)
    assert (drawn[0] == 100).all()
    assert not (drawn[10:40, 10:60] == 100).all()
    assert (draw_label_map(image, label_map * 0, colors=None, background=0) == image).all()


@pytest.mark.parametrize(
    "rules",
    [
        ["any Crack -> reject"],
        ["any Crack -> warn"],
        ["any 划痕 -> inconclusive"],
        ["no Crack -> reject"],
    ],
)
def test_the_band_tells_the_outcome_and_hides_nothing(rules):
    image, label_map = example()
    settings = Settings.from_dict({"rules": rules}, labels=LABELS, background=0)
    found = judge_label_map(label_map, settings, labels=LABELS, background=0)
    drawn = draw_judgement(image, found, colors=COLORS, background=0)
    rows = len(drawn) - len(image)
    assert rows >= 16
    assert (drawn[rows:] == draw_label_map(image, label_map, colors=COLORS, background=0)).all()
    band = drawn[:rows]
    assert band[0, 0].tolist() == list(OUTCOME_COLORS[found.outcome][::-1])
    assert (band.max(axis=2) > 240).any()  # letters


@pytest.mark.parametrize("size", [(3, 3), (60, 24), (900, 40), (40, 120)])
@pytest.mark.parametrize("outcome", ["reject", "inconclusive"])
def test_the_outcome_is_never_cut_off(size, outcome):
    height, width = size
    image = np.full((height, width, 3), 200, np.uint8)
    label_map = np.ones(size, np.uint8)
    rules = {"rules": [f"any Crack -> {outcome}"]}
    settings = Settings.from_dict(rules, labels=LABELS, background=0)
    found = judge_label_map(label_map, settings, labels=LABELS, background=0)
    drawn = draw_judgement(image, found, colors=COLORS, background=0)
    rows = len(drawn) - height
    assert drawn.shape[1] >= width and 16 <= rows <= max(16, round(max(size) / 24))
    letters = np.flatnonzero((drawn[:rows].min(axis=2) > 150).any(axis=0))
    assert letters[0] > 0 and letters[-1] < drawn.shape[1] - 1
    assert len(letters) > 4 * len(outcome)
    painted = draw_label_map(image, label_map, colors=COLORS, background=0)
    assert (drawn[rows:, :width] == painted).all()
    assert (drawn[rows:, width:] == 64).all()
