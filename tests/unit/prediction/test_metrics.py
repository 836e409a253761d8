from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
    jaccard_score,
    precision_score,
    recall_score,
)

from core.prediction import metrics as metrics_module
from core.prediction.metrics import ConfusionMatrix
from core.system.errors import InputError


def maps(seed: int, num_classes: int, shape=(37, 53), *, agreement=0.7, ignored=0.1):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, num_classes, shape).astype(np.uint8)
    noise = rng.integers(0, num_classes, shape).astype(np.uint8)
    predicted = np.where(rng.random(shape) < agreement, label, noise)
    label = np.where(rng.random(shape) < ignored, 255, label).astype(np.uint8)
    return predicted, label


@pytest.mark.parametrize("num_classes", [2, 3, 19, 200])
def test_agrees_with_scikit_learn(num_classes):
    matrix = ConfusionMatrix(num_classes)
    pairs = [maps(seed, num_classes, (80, 90)) for seed in range(3)]
    for predicted, label in pairs:
        matrix.update(predicted, label)
    true = np.concatenate([label[label != 255] for _, label in pairs])
    predicted = np.concatenate([label_map[label != 255] for label_map, label in pairs])
    ids = list(range(num_classes))
    assert matrix.matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix.matrix, confusion_matrix(true, predicted, labels=ids))
    result = matrix.metrics()
    options = {"labels": ids, "average": None}
    assert result["category_iou"] == pytest.approx(jaccard_score(true, predicted, **options))
    assert result["category_F1-score"] == pytest.approx(f1_score(true, predicted, **options))
    assert result["category_acc"] == pytest.approx(precision_score(true, predicted, **options))
    assert result["category_recall"] == pytest.approx(recall_score(true, predicted, **options))
    assert result["miou"] == pytest.approx(jaccard_score(true, predicted, average="macro"))
    assert result["miou_paddlex"] == pytest.approx(result["miou"])
    assert result["oacc"] == pytest.approx((true == predicted).mean())
    assert result["kappa"] == pytest.approx(cohen_kappa_score(true, predicted))
    assert result["absent_classes"] == []


def test_absent_classes_are_reported_and_left_out_of_the_mean():
    matrix = ConfusionMatrix(5)
    # Class 2 is only predicted, class 3 only labelled, class 4 neither.
    label = np.array([0, 0, 1, 1, 3, 255])
    matrix.update(np.array([0, 0, 1, 2, 1, 4]), label)
    result = matrix.metrics()
    assert result["absent_classes"] == [4]
    assert result["category_iou"] == [1.0, pytest.approx(1 / 3), 0.0, 0.0, None]
    assert result["category_F1-score"] == [1.0, 0.5, 0.0, 0.0, None]
    assert result["category_recall"] == [1.0, 0.5, None, 0.0, None]
    assert result["category_acc"] == [1.0, 0.5, 0.0, 0.0, 0.0]
    assert result["miou"] == pytest.approx((1 + 1 / 3) / 4)
    assert result["miou_paddlex"] == pytest.approx((1 + 1 / 3) / 5)


def test_without_any_pixel_nothing_is_claimed():
    matrix = ConfusionMatrix(2)
    matrix.update(np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8))
    result = matrix.metrics()
    assert result["miou"] is None
    assert result["oacc"] is None
    assert result["kappa"] is None
    assert result["category_iou"] == [None, None]
    assert result["absent_classes"] == [0, 1]


def test_one_class_everywhere_is_right_but_has_no_kappa():
    matrix = ConfusionMatrix(3)
    matrix.update(np.ones((4, 4), np.int32), np.ones((4, 4), np.int64))
    result = matrix.metrics()
    assert (result["miou"], result["oacc"], result["kappa"]) == (1.0, 1.0, None)


def test_counts_stay_exact_beyond_float32_and_kappa_beyond_int64():
    matrix = ConfusionMatrix(2)
    matrix.matrix[:] = [[2**40 + 1, 3], [5, 2**40 + 7]]
    matrix.update(np.array([0]), np.array([0]))
    assert matrix.matrix[0, 0] == 2**40 + 2
    result = matrix.metrics()
    assert result["kappa"] == pytest.approx(1.0)
    assert result["oacc"] == pytest.approx(1.0)


def test_large_images_are_counted_in_blocks(monkeypatch):
    predicted, label = maps(1, 4)
    whole, blocks = ConfusionMatrix(4), ConfusionMatrix(4)
    whole.update(predicted, label)
    monkeypatch.setattr(metrics_module, "_BLOCK", 100)
    blocks.update(predicted, label)
    np.testing.assert_array_equal(whole.matrix, blocks.matrix)
    assert whole.matrix.sum() == (label != 255).sum()


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(0, 40))
def test_update_by_parts_equals_update_at_once(seed, num_classes, cut):
    predicted, label = maps(seed, num_classes, (40,))
    whole, parts, rest = (ConfusionMatrix(num_classes) for _ in range(3))
    whole.update(predicted, label)
    parts.update(predicted[:cut], label[:cut])
    rest.update(predicted[cut:], label[cut:])
    parts.merge(rest)
    np.testing.assert_array_equal(whole.matrix, parts.matrix)
    np.testing.assert_array_equal(
        whole.matrix.sum(axis=1), np.bincount(label[label != 255], minlength=num_classes)
    )


@pytest.mark.parametrize(
    ("predicted", "label", "words"),
    [
        ([0, 1], [0, 2], "label holds the value 2"),
        ([0, 1], [0, -1], "label holds the value -1"),
        ([0, 7], [0, 1], "prediction holds the value 7"),
        ([0, 255], [0, 1], "prediction holds the value 255"),
        ([0, 1, 1], [0, 1], "same size"),
        ([0.0, 1.0], [0, 1], "whole numbers"),
    ],
)
def test_bad_ids_are_refused_in_words_and_count_nothing(predicted, label, words):
    matrix = ConfusionMatrix(2)
    with pytest.raises(InputError, match=words):
        matrix.update(np.array(predicted), np.array(label))
    assert matrix.matrix.sum() == 0


def test_other_ignore_index():
    matrix = ConfusionMatrix(3)
    matrix.update(np.array([0, 1, 2]), np.array([0, 1, 0]), ignore_index=0)
    assert matrix.matrix.sum() == 1


def test_matrices_of_other_sizes_do_not_merge():
    with pytest.raises(InputError, match=r"labels\.txt"):
        ConfusionMatrix(2).merge(ConfusionMatrix(3))
    with pytest.raises(InputError, match="at least one"):
        ConfusionMatrix(0)


def test_works_without_the_engine():
    code = (
        "import sys, numpy as np; from core.prediction.metrics import ConfusionMatrix; "
        "m = ConfusionMatrix(2); m.update(np.zeros(3, int), np.ones(3, int)); m.metrics(); "
        "sys.exit(bool({'paddle', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
