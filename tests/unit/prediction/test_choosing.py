"""Classes and odds are the same whether chosen at once, class by class or band by band."""

from __future__ import annotations

import numpy as np
import pytest

from core.prediction.choosing import Chooser


def parts(choice):
    return choice.label_map, choice.defect, choice.odds, choice.class_odds


@pytest.fixture
def scores():
    return np.random.default_rng(0).normal(0, 3, (11, 7, 4)).astype(np.float32)


@pytest.mark.parametrize("background", [0, 2])
def test_odds_of_every_class_are_against_the_background(scores, background):
    choice = Chooser(background=background, every_class=True).choose(scores)
    defects = [index for index in range(4) if index != background]
    odds = scores[..., defects].astype(np.float64) - scores[..., [background]]
    expected = np.floor((odds + 16) * 8).clip(0, 255)
    assert abs(choice.class_odds - expected).max() <= 1  # rounding at an edge
    assert (choice.class_odds == expected).mean() > 0.99
    assert (choice.class_odds.max(axis=-1) == choice.odds).all()
    assert (np.asarray(defects)[odds.argmax(-1)] == choice.defect).all()


@pytest.mark.parametrize("background", [None, 0, 2])
@pytest.mark.parametrize("offsets", [None, np.array([0, 1, -1, 2], np.float32)])
def test_every_way_of_choosing_is_the_same(scores, background, offsets):
    chooser = Chooser(offsets, background, every_class=background is not None)
    at_once = chooser.choose(scores)
    by_class = chooser.choose_class_by_class(scores[..., index] for index in range(4))
    bands = ((top, scores[top : top + 4]) for top in (0, 4, 8))
    joined = chooser.choose_rows(bands, (11, 7))
    for other in (by_class, joined):
        for one, two in zip(parts(at_once), parts(other), strict=True):
            assert (one is None) == (two is None)
            assert one is None or (one == two).all()
    flipped = at_once.map(lambda array: array[::-1])
    assert (flipped.label_map == at_once.label_map[::-1]).all()
    assert (flipped.class_odds is None) == (at_once.class_odds is None)


def test_odds_of_every_class_are_given_where_asked_for(scores):
    assert Chooser(background=0).choose(scores).class_odds is None
    planes = (scores[..., index] for index in range(4))
    assert Chooser(background=0).choose_class_by_class(planes).class_odds is None
