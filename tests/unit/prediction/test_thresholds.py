"""Thresholds: found by trying each, and obeyed by the highest score."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from core.prediction.choosing import Chooser
from core.prediction.thresholds import (
    BINS,
    ThresholdCounts,
    resolve_thresholds,
    score_offsets,
    share_of_bin,
    to_bins,
)
from core.system.errors import InputError


def scores_and_mask(seed=0, pixels=20_000):
    """A timid model: its scores of the two defects are too low by 1.5 and too high by 1."""
    rng = np.random.default_rng(seed)
    mask = rng.choice(3, pixels, p=[0.9, 0.06, 0.04]).astype(np.uint8)
    scores = rng.normal(0, 1, (pixels, 3))
    scores[np.arange(pixels), mask] += 3
    scores[:, 1] -= 1.5
    scores[:, 2] += 1
    return scores.astype(np.float32), mask


def chosen(scores, mask, *, background=0):
    choice = Chooser(background=background).choose(scores)
    counts = ThresholdCounts(3, background=background)
    half = len(mask) // 2
    for part in (slice(None, half), slice(half, None)):
        counts.update(choice.defect[part], choice.odds[part], mask[part], counted=mask[part] != 255)
    return counts.choose()


def test_even_thresholds_are_the_highest_score():
    scores, _ = scores_and_mask()
    offsets = score_offsets([None, 0.5, 0.5])
    assert (Chooser(offsets).choose(scores).label_map == scores.argmax(-1)).all()


def test_a_threshold_is_the_share_against_the_background():
    scores, _ = scores_and_mask()
    found = Chooser(score_offsets([None, 0.8, 0.5])).choose(scores[:, :3]).label_map
    odds = np.exp(scores[:, 1] - scores[:, 0])
    share = odds / (1 + odds)
    assert (share[found == 1] >= 0.8 - 1e-6).all()
    unrivalled = scores[:, 2] < -5
    assert unrivalled.sum() == 0 or (found[unrivalled] == (share[unrivalled] >= 0.8)).all()


def test_the_best_thresholds_raise_the_f1_of_each_class():
    scores, mask = scores_and_mask()
    thresholds = chosen(scores, mask)
    assert thresholds[0] is None
    assert thresholds[1] < 0.5 < thresholds[2]
    before = f1_score(mask, scores.argmax(-1), average=None)
    label_map = Chooser(score_offsets(thresholds)).choose(scores).label_map
    after = f1_score(mask, label_map, average=None)
    assert (after[1:] > before[1:] + 0.1).all()


def test_with_one_defect_it_is_the_best_of_all():
    rng = np.random.default_rng(3)
    mask = (rng.random(5000) < 0.1).astype(np.uint8)
    scores = np.zeros((5000, 2), np.float32)
    scores[:, 1] = rng.normal(-2 + 2.5 * mask, 1)
    counts = ThresholdCounts(2, background=0)
    choice = Chooser(background=0).choose(scores)
    counts.update(choice.defect, choice.odds, mask, counted=np.ones(5000, np.bool_))
    _, best = counts.choose()
    tried = {
        place: f1_score(mask, scores[:, 1] >= (place - BINS / 2) / 8)
        for place in range(BINS // 2 - 32, BINS // 2 + 33)
    }
    found = f1_score(mask, Chooser(score_offsets([None, best])).choose(scores).label_map)
    assert found == pytest.approx(max(tried.values()), abs=1e-3)


def test_ignored_pixels_and_absent_classes_change_nothing():
    scores, mask = scores_and_mask()
    ignored = np.where(np.arange(len(mask)) % 3 == 0, 255, mask).astype(np.uint8)
    kept = ignored != 255
    assert chosen(scores, ignored) == chosen(scores[kept], mask[kept])
    mask[mask == 2] = 0
    assert chosen(scores, mask)[2] == 0.5


def test_class_by_class_is_the_same():
    scores, _ = scores_and_mask()
    scores = scores.reshape(100, 200, 3)
    for background, thresholds in ((0, [None, 0.3, 0.7]), (1, [0.6, None, 0.2])):
        chooser = Chooser(score_offsets(thresholds), background)
        whole = chooser.choose(scores)
        single = chooser.choose_class_by_class(scores[..., index] for index in range(3))
        for name in ("label_map", "defect", "odds"):
            np.testing.assert_array_equal(getattr(whole, name), getattr(single, name))
        assert not (whole.defect == background).any()
    plain = Chooser(None, None).choose_class_by_class(scores[..., index] for index in range(3))
    assert plain.defect is None


def test_bins_and_shares_are_each_others_way_back():
    odds = np.array([-40.0, -16.0, -0.01, 0.0, 0.13, 15.99, 40.0])
    assert to_bins(odds).tolist() == [0, 0, 127, 128, 129, 255, 255]
    assert share_of_bin(128) == 0.5
    assert np.log(share_of_bin(136) / (1 - share_of_bin(136))) == pytest.approx(1.0)


def test_what_may_be_asked_for():
    own = [None, 0.3]
    assert resolve_thresholds(False, own) is None
    assert resolve_thresholds(True, own) == own
    assert resolve_thresholds([None, 0.9], None) == [None, 0.9]
    with pytest.raises(InputError, match="no thresholds of its own"):
        resolve_thresholds(True, None)
    with pytest.raises(InputError, match="between 0 and 1"):
        score_offsets([None, 1.0])
