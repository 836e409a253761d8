"""Thresholds tried afterwards find what a measurement that obeys them finds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from kept_evaluations import LABELS, DrawnModel, draw_data, evaluate_drawn
from sklearn.metrics import confusion_matrix, roc_auc_score

from core.advice.verdict import judge_evaluation
from core.images.io import read_mask
from core.models.model_verdict import Verdict
from core.prediction import threshold_trial
from core.prediction.inspection import read_evaluation
from core.prediction.kept_odds import choose_by_odds, read_odds, threshold_bins
from core.prediction.threshold_trial import ThresholdTrial, can_try_thresholds, read_prediction
from core.prediction.thresholds import FIRST_BIN, LAST_BIN, share_of_bin
from core.system.errors import InputError

SHARES = [share_of_bin(place) for place in (FIRST_BIN, 120, 128, 139, LAST_BIN)]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """One defect: what is tried is the same to the last pixel."""
    labels = ("background", "crack")
    data, logits = draw_data(tmp_path_factory.mktemp("a") / "数据 1", labels=labels)
    return data, logits, labels


@pytest.fixture
def two(tmp_path):
    return draw_data(tmp_path / "数据 2")


def measured(monkeypatch, folder, data, logits, labels, thresholds=None):
    model = DrawnModel(logits, labels=labels, thresholds=thresholds)
    run = evaluate_drawn(monkeypatch, folder, data, model, thresholds=thresholds is not None)
    return read_evaluation(run.path)


def counts(evaluation):
    metrics = evaluation.metrics
    return metrics["objects"], metrics["images"], metrics["category_iou"], metrics["kappa"]


@pytest.mark.parametrize("share", SHARES)
def test_with_one_defect_it_is_the_same_to_the_last_pixel(tmp_path, monkeypatch, drawn, share):
    data, logits, labels = drawn
    shown = measured(monkeypatch, tmp_path / "run", data, logits, labels)
    assert can_try_thresholds(shown)
    tried = ThresholdTrial(shown).measure((None, share))
    expected = measured(monkeypatch, tmp_path / "other", data, logits, labels, [None, share])
    assert (tried.matrix == expected.matrix).all()
    assert counts(tried) == counts(expected)
    assert [s.image for s in tried.images] == [s.image for s in expected.images]
    for one, other in zip(tried.images, expected.images, strict=True):
        assert (one.objects, one.errors, one.miou) == (other.objects, other.errors, other.miou)
        label_map = read_prediction(one, labels, (None, share))
        assert (label_map == read_mask(other.prediction)).all()
    assert judge_evaluation(tried) == Verdict.from_dict(expected.metrics["verdict"])
    if share != 0.5:
        assert (tried.matrix != shown.matrix).any()


def test_with_two_defects_pixels_differ_where_both_are_equally_likely(tmp_path, monkeypatch, two):
    data, logits = two
    shown = measured(monkeypatch, tmp_path / "run", data, logits, LABELS)
    trial = ThresholdTrial(shown)
    assert (trial.measure((None, 0.5, 0.5)).matrix == shown.matrix).all()
    for first, second in ((SHARES[1], SHARES[3]), (SHARES[4], SHARES[0])):
        thresholds = (None, first, second)
        expected = measured(
            monkeypatch, tmp_path / f"{first}", data, logits, LABELS, list(thresholds)
        )
        tried = trial.measure(thresholds)
        differing = abs(tried.matrix - expected.matrix).sum() / 2
        assert differing <= 0.002 * shown.matrix.sum()
        # Between a class and the background nothing is uncertain.
        assert tried.matrix[:, 0].tolist() == expected.matrix[:, 0].tolist()
        marked = [one.metrics["images"] for one in (tried, expected)]
        assert marked[0] == marked[1]


def test_figures_agree_with_scikit_learn(tmp_path, monkeypatch, two):
    data, logits = two
    shown = measured(monkeypatch, tmp_path / "run", data, logits, LABELS)
    thresholds = (None, SHARES[1], SHARES[3])
    tried = ThresholdTrial(shown).measure(thresholds)
    truth = [read_mask(one.label).ravel() for one in tried.images]
    maps = [read_prediction(one, LABELS, thresholds).ravel() for one in tried.images]
    kept = np.concatenate(truth) != 255
    expected = confusion_matrix(
        np.concatenate(truth)[kept], np.concatenate(maps)[kept], labels=range(3)
    )
    assert (tried.matrix == expected).all()
    defective = [bool(((t > 0) & (t < 255)).any()) for t in truth]
    marked = [bool(((m > 0) & (t < 255)).any()) for m, t in zip(maps, truth, strict=True)]
    images = tried.metrics["images"]
    assert images["auc"] == pytest.approx(
        roc_auc_score(defective, [one.score for one in tried.images])
    )
    assert images["detected"] == sum(np.logical_and(defective, marked))
    assert images["false_alarms"] == sum(np.logical_and(np.logical_not(defective), marked))


def test_images_that_find_no_room_are_read_again(tmp_path, monkeypatch, two):
    data, logits = two
    shown = measured(monkeypatch, tmp_path / "run", data, logits, LABELS)
    thresholds = (None, 0.3, 0.7)
    reads = []
    read = threshold_trial.read_odds
    monkeypatch.setattr(
        threshold_trial, "read_odds", lambda *a, **k: (reads.append(1), read(*a, **k))[1]
    )
    roomy, tight = ThresholdTrial(shown), ThresholdTrial(shown, most_kept=0)
    results = [one.measure(thresholds) for one in (roomy, roomy, tight, tight)]
    assert len({json.dumps(one.matrix.tolist()) for one in results}) == 1
    assert len(reads) == 3 * len(shown.images)


def test_a_trial_can_be_given_up(tmp_path, monkeypatch, two):
    data, logits = two
    shown = measured(monkeypatch, tmp_path / "run", data, logits, LABELS)

    def check(done, _images):
        if done == 2:
            raise KeyboardInterrupt

    trial = ThresholdTrial(shown)
    with pytest.raises(KeyboardInterrupt):
        trial.measure((None, 0.3, 0.7), check=check)
    again = trial.measure((None, 0.3, 0.7))
    assert (again.matrix == ThresholdTrial(shown).measure((None, 0.3, 0.7)).matrix).all()


def test_without_kept_odds_nothing_is_tried(tmp_path, monkeypatch, two):
    data, logits = two
    model = DrawnModel(logits)
    run = evaluate_drawn(monkeypatch, tmp_path / "run", data, model, save_odds=False)
    shown = read_evaluation(run.path)
    assert not can_try_thresholds(shown)
    with pytest.raises(InputError, match="measure the model again"):
        ThresholdTrial(shown)
    with pytest.raises(InputError, match="measure the model again"):
        read_prediction(shown.images[0], LABELS, (None, 0.5, 0.5))


def test_changed_files_are_told(tmp_path, monkeypatch, two):
    data, logits = two
    shown = measured(monkeypatch, tmp_path / "run", data, logits, LABELS)
    first = shown.images[0]
    first.odds.write_bytes(first.prediction.read_bytes())
    with pytest.raises(InputError, match="measure the model again"):
        ThresholdTrial(shown).measure((None, 0.3, 0.7))


def test_what_is_kept_says_all_that_thresholds_can_ask(tmp_path, monkeypatch, two):
    data, logits = two
    shown = measured(monkeypatch, tmp_path / "run", data, logits, LABELS)
    score = shown.images[0]
    predicted = read_mask(score.prediction)
    odds = read_odds(score.odds, predicted.shape, classes=3)
    assert odds.shape == (2, *predicted.shape)
    raw = logits[score.image.name]
    expected = np.floor((raw[..., 1:] - raw[..., :1] + 16) * 8).clip(0, 255)
    assert (odds == np.where(expected < FIRST_BIN, 0, expected).transpose(2, 0, 1)).all()
    bins = threshold_bins((None, 0.5, 0.5), background=0)
    assert (choose_by_odds(odds, bins, predicted, background=0) == predicted).all()
