"""Judging again is judging: whatever changes, the answer is that of a first judgement."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.portable.judging import judge_scores
from core.portable.rejudging import MeasuredImage
from core.portable.settings import Settings

LABELS = ["background", "Crack", "Blowhole"]


def scores_of(seed: int):
    rng = np.random.default_rng(seed)
    noise = rng.random((40, 50, 3), np.float32)
    smooth = np.dstack([cv2.GaussianBlur(noise[..., c], (7, 7), 1.5) for c in range(3)])
    shares = np.exp(30 * (smooth - smooth.mean()))
    return np.asarray(shares / shares.sum(axis=2, keepdims=True), np.float32)


CONTENT = st.fixed_dictionaries(
    {
        "rules": st.sampled_from(
            [
                [],
                ["any Crack longer than 1.2 mm -> reject, unsure above 0.9 mm", "no Crack -> warn"],
                ["more than 3 Blowhole larger than 8 px -> reject"],
                ["total area of object above 40 % -> reject"],
            ]
        ),
        "minimum_area": st.sampled_from([{}, {"*": 9}, {"Crack": "0.3 mm2"}]),
        "fill_holes": st.sampled_from([{}, {"*": 30}]),
        "regions": st.sampled_from([[], [[[0, 0], [25, 0], [25, 39], [0, 39]]]]),
        "dont_care": st.sampled_from([[], [[[30, 10], [40, 10], [40, 30], [30, 30]]]]),
        "pixel_size_mm": st.sampled_from([0.05, 0.1]),
        "inconclusive_below": st.sampled_from([None, 0.6]),
    }
)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 4), st.lists(CONTENT, min_size=2, max_size=4))
def test_judging_again_says_what_a_first_judgement_says(seed, contents):
    scores = scores_of(seed)
    label_map = scores.argmax(axis=2).astype(np.uint8)
    image = MeasuredImage(label_map, scores, labels=LABELS, background=0)
    for content in contents:
        asked = Settings.from_dict(content, labels=LABELS, background=0)
        decision, objects = image.judge(asked)
        first = judge_scores(scores, asked, labels=LABELS, background=0)
        assert decision.outcome == first.outcome
        assert [str(one) for one in decision.reasons] == [str(one) for one in first.reasons]
        assert [(one.area_px, one.length_mm, one.box) for one in objects] == [
            (one.area_px, one.length_mm, one.box) for one in first.objects
        ]
        for one, other in zip(objects, first.objects, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-4)


def test_without_scores_and_with_pixels_of_no_class():
    label_map = np.array([[0, 1, 255], [0, 1, 255]], np.uint8)
    image = MeasuredImage(label_map, None, labels=LABELS, background=0)
    assert image.judge(Settings())[0].outcome == "reject"
    assert image.has_objects(Settings())
    region = Settings.from_dict(
        {"regions": [[[0, 0], [0, 1], [0, 1]]]}, labels=LABELS, background=0
    )
    assert not image.has_objects(region)
    assert image.judge(region)[0].outcome == "accept"
    scores = np.full((2, 3, 3), 1 / 3, np.float32)
    scored = MeasuredImage(label_map, scores, labels=LABELS, background=0)
    assert scored.judge(Settings())[1][0].score == pytest.approx(1 / 3, abs=1e-4)
