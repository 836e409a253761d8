"""Curves of good against defective images, scikit-learn's beside them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from core.prediction.image_scores import ImageScores
from core.system.errors import InputError


def figures(scores, truth, *, marked=None, rate=0.05):
    images = ImageScores(false_alarm_rate=rate)
    marked = truth if marked is None else marked
    for score, defective, shown in zip(scores, truth, marked, strict=True):
        images.add(float(score), defective=bool(defective), marked=bool(shown))
    return images.figures()


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**31), levels=st.sampled_from([3, 10, 1000]))
def test_agrees_with_scikit_learn(seed, levels):
    rng = np.random.default_rng(seed)
    truth = rng.random(80) < 0.4
    truth[:2] = True, False
    scores = np.round(np.clip(rng.normal(0.4 + 0.2 * truth, 0.2), 0, 1) * levels) / levels
    found = figures(scores, truth, rate=0.1)
    assert found["auc"] == pytest.approx(roc_auc_score(truth, scores))
    assert found["average_precision"] == pytest.approx(average_precision_score(truth, scores))
    alarms, hits, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    allowed = np.flatnonzero(alarms <= 0.1)[-1]
    assert found["detection_rate"] == pytest.approx(hits[allowed])
    if found["threshold"] is None:
        assert allowed == 0
    else:
        assert found["threshold"] == pytest.approx(thresholds[allowed])
        assert (scores[truth] >= found["threshold"]).mean() == pytest.approx(hits[allowed])
        assert (scores[~truth] >= found["threshold"]).mean() <= 0.1


def test_counts_by_score_and_by_label_map():
    found = figures([0.9, 0.8, 0.7, 0.1], [1, 0, 1, 0], marked=[1, 0, 0, 1], rate=0.0)
    json.dumps(found, allow_nan=False)
    assert (found["count"], found["good"], found["defective"]) == (4, 2, 2)
    assert (found["detected"], found["false_alarms"]) == (1, 1)
    assert found["auc"] == 0.75
    assert (found["detection_rate"], found["threshold"]) == (0.5, 0.9)
    assert found["roc"] == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]


def test_where_a_good_image_scores_highest_no_threshold_is_low_enough():
    found = figures([0.5, 0.5, 0.2], [1, 0, 1], rate=0.05)
    assert (found["detection_rate"], found["threshold"]) == (0.0, None)


@pytest.mark.parametrize(("truth", "precision"), [([1, 1], 1.0), ([0, 0], None), ([], None)])
def test_one_kind_alone_has_no_curve(truth, precision):
    found = figures([0.5] * len(truth), truth)
    assert found["auc"] is None
    assert found["detection_rate"] is None
    assert found["average_precision"] == precision


def test_curves_of_many_images_are_told_by_few_points():
    rng = np.random.default_rng(1)
    found = figures(rng.random(20_000), rng.random(20_000) < 0.5)
    assert len(found["roc"]) == len(found["precision_recall"]) == 200
    assert found["roc"][-1] == [1, 1]


def test_an_impossible_rate_is_refused():
    with pytest.raises(InputError, match="from 0 to below 1"):
        ImageScores(false_alarm_rate=1)
