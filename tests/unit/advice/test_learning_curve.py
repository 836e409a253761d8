"""What more labels would bring, fitted to curves whose law is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from core.advice.learning_curve import (
    LearningCurve,
    Point,
    fit_law,
    nested_order,
    part_sizes,
)

LABELS = ("background", "Crack", "Hole", "Fray", "Break", "Dirt")


def test_a_known_law_is_found_again():
    numbers = [5, 10, 20]
    law = fit_law(numbers, [0.3 + 0.08 * math.log2(number / 20) for number in numbers])
    assert law is not None
    assert law.level == pytest.approx(0.3)
    assert law.slope == law.gain == pytest.approx(0.08)
    assert law.at(4) == pytest.approx(0.46)
    assert 0.01 < law.error < 0.05  # three points on a line prove little


def test_the_error_covers_the_truth_as_often_as_it_says():
    """Noise as between seeds: the truth is within two errors nearly always, within one mostly."""
    rng = np.random.default_rng(0)
    numbers = np.array([10, 20, 30])
    truth = 0.1
    laws = [
        fit_law(numbers, 0.5 + truth * np.log2(numbers / 30) + rng.normal(0, 0.04, 3))
        for _ in range(500)
    ]
    off = np.array([abs(law.slope - truth) / law.error for law in laws])
    assert (off < 2).mean() > 0.93
    assert 0.6 < (off < 1).mean() < 0.95
    assert np.mean([law.slope for law in laws]) == pytest.approx(truth, abs=0.01)


def test_scatter_makes_the_error_larger():
    line = fit_law([10, 20, 30, 40], [0.3, 0.4, 0.46, 0.5])
    scattered = fit_law([10, 20, 30, 40], [0.1, 0.6, 0.2, 0.5])
    assert scattered.error > 1.8 * line.error


def test_it_never_falls_and_never_exceeds_the_ceiling():
    falling = fit_law([5, 10, 20], [0.6, 0.5, 0.4])
    assert (falling.slope, falling.gain) == (0.0, 0.0)
    assert falling.at(8) == falling.level == pytest.approx(0.5)
    steep = fit_law([5, 10, 20], [0.1, 0.5, 0.9])
    assert steep.gain == pytest.approx(0.1)
    assert steep.at(100) == 1.0
    assert steep.at(1e-3) == 0.0


def test_one_number_of_labels_is_no_curve():
    assert fit_law([4, 4, 4], [0.1, 0.2, 0.3]) is None
    assert fit_law([0, 0, 4], [0.0, 0.0, 0.3]) is None
    assert fit_law([], []) is None


def _points():
    def point(images, *classes):
        return Point(
            images=images,
            labels=(images, *(labels for labels, _ in classes)),
            iou=(0.9, *(iou for _, iou in classes)),
            miou=float(np.mean([iou for _, iou in classes if iou is not None])),
        )

    return (
        point(10, (4, 0.2), (10, 0.81), (5, 0.45), (1, 0.0), (3, None)),
        point(20, (8, 0.3), (20, 0.80), (10, 0.25), (1, 0.0), (6, None)),
        point(30, (12, 0.36), (30, 0.82), (15, 0.49), (2, 0.1), (9, None)),
    )


def test_classes_are_ranked_by_what_they_gain_and_said_in_words():
    curve = LearningCurve(
        labels=LABELS,
        points=_points(),
        class_images=(30, 12, 30, 15, 2, 9),
        measured_by=(30, 20, 20, 20, 5, 0),
    )
    assert [(one.name, one.outlook) for one in curve.classes] == [
        ("Crack", "more"),
        ("Fray", "unclear"),
        ("Break", "too few"),
        ("Hole", "enough"),
        ("Dirt", "not measured"),
    ]
    words = [str(sentence) for sentence in curve.sentences]
    assert words[0].startswith("With twice as many labels of all classes: mIoU about +0.")
    assert words[1].startswith("Crack: with twice as many (24 instead of 12): IoU about +0.10 (± ")
    assert words[2].startswith("Fray: cannot be told from 15")
    assert words[4].startswith("Hole: enough")
    written = json.loads(json.dumps(curve.to_dict(), allow_nan=False))
    assert written["classes"][0]["law"]["gain"] == pytest.approx(0.1, abs=0.01)
    assert written["sentences"] == words
    assert LearningCurve.from_dict(written) == curve


@pytest.mark.parametrize(
    "change",
    [
        {"points": []},
        {"points": 3},
        {"labels": ["a"]},
        {"measured_by": [1]},
        {"class_images": None},
    ],
)
def test_what_is_no_learning_curve_reads_as_none(change):
    curve = LearningCurve(
        labels=LABELS, points=_points(), class_images=(9,) * 6, measured_by=(9,) * 6
    )
    assert LearningCurve.from_dict({**curve.to_dict(), **change}) is None
    assert LearningCurve.from_dict(None) is None


def test_a_class_that_labels_do_not_help_is_told_apart_from_one_that_has_enough():
    points = tuple(Point(images=n, labels=(n, n), iou=(0.9, 0.05), miou=0.5) for n in (10, 20, 30))
    curve = LearningCurve(
        labels=LABELS[:2], points=points, class_images=(30, 30), measured_by=(30, 30)
    )
    assert [one.outlook for one in curve.classes] == ["unclear"]
    assert "have not helped" in str(curve.sentences[1])


def test_models_that_learnt_nothing_say_nothing_about_labels():
    points = tuple(
        Point(images=n, labels=(n, n), iou=(0.3, 0.02 * n / 10), miou=0.2) for n in (6, 12, 18)
    )
    curve = LearningCurve(
        labels=LABELS[:2], points=points, class_images=(18, 18), measured_by=(30, 30)
    )
    assert str(curve.sentences[0]).startswith("In so little time no class is learnt")
    assert [one.outlook for one in curve.classes] == ["unclear"]


def test_every_part_holds_its_share_of_each_class_and_the_next_holds_the_part():
    rng = np.random.default_rng(1)
    labels = np.zeros((60, 4), np.int64)
    labels[:, 0] = 1
    labels[rng.choice(60, 6, replace=False), 1] = rng.integers(1, 4, 6)
    labels[rng.choice(60, 3, replace=False), 2] = 1
    labels[rng.choice(60, 30, replace=False), 3] = 1
    order = nested_order(labels, seed=0)
    assert sorted(order) == list(range(60))
    for size in part_sizes(60):
        shares = labels[order[:size]].sum(axis=0) / labels.sum(axis=0)
        assert shares == pytest.approx(size / 60, abs=0.17)
        assert (shares > 0).all()
    assert order == nested_order(labels, seed=0)
    assert order != nested_order(labels, seed=1)


def test_parts_need_images():
    assert part_sizes(9) == (3, 6, 9)
    with pytest.raises(ValueError, match="too few"):
        part_sizes(8)
