from __future__ import annotations

import itertools

import numpy as np
import paddle
import paddle.nn.functional as F  # noqa: N812
import pytest

from core.system.errors import InputError
from core.training.losses import (
    CrossEntropyLoss,
    DiceLoss,
    LovaszSoftmaxLoss,
    MixedLoss,
    build_loss,
    lovasz_gradient,
    pixel_terms,
)

CLASSES = 4


@pytest.fixture(autouse=True)
def on_the_cpu():
    paddle.set_device("cpu")


def batch(seed=0, *, missing_class=False, ignored=0.2):
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2.0, size=(2, CLASSES, 5, 6)).astype("float32")
    labels = rng.integers(0, CLASSES - missing_class, (2, 5, 6))
    labels[rng.random(labels.shape) < ignored] = 255
    return logits, labels


def softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def flat_probabilities(logits, labels):
    """Probabilities (P, C) and labels (P,) of the pixels that count."""
    probabilities = softmax(logits).transpose(0, 2, 3, 1).reshape(-1, CLASSES)
    counted = labels.ravel() != 255
    return probabilities[counted], labels.ravel()[counted]


def cross_entropy_oracle(logits, labels, weight=None):
    probabilities, true = flat_probabilities(logits, labels)
    losses = -np.log(probabilities[np.arange(true.size), true])
    return (losses if weight is None else losses * np.asarray(weight)[true]).mean()


def dice_oracle(logits, labels):
    probabilities, true = flat_probabilities(logits, labels)
    dice = [
        2
        * probabilities[true == c, c].sum()
        / (probabilities[:, c].sum() + (true == c).sum() + 1e-5)
        for c in range(CLASSES)
    ]
    return 1 - np.mean(dice)


def jaccard_loss(mistaken, truth):
    """1 - IoU of a binary prediction that errs at the pixels ``mistaken``; the paper's Eq. 6."""
    if not (truth | mistaken).any():
        return 0.0
    return mistaken.sum() / (truth | mistaken).sum()


def lovasz_oracle(errors, truth):
    """Lovász extension by its definition: chain of sets of the largest errors."""
    total, mistaken, previous = 0.0, np.zeros(truth.shape, dtype=bool), 0.0
    for place in np.argsort(-errors, kind="stable"):
        mistaken[place] = True
        value = jaccard_loss(mistaken, truth)
        total += errors[place] * (value - previous)
        previous = value
    return total


def lovasz_softmax_oracle(logits, labels, *, present=True):
    probabilities, true = flat_probabilities(logits, labels)
    return np.mean(
        [
            lovasz_oracle(np.abs((true == c) - probabilities[:, c]), true == c)
            for c in range(CLASSES)
            if not present or (true == c).any()
        ]
    )


def value_and_gradient(loss, logits, labels):
    x = paddle.to_tensor(logits, stop_gradient=False)
    value = loss(x, paddle.to_tensor(labels))
    assert value.shape == []
    value.backward()
    return value.item(), x.grad.numpy()


WEIGHT = [0.5, 2.0, 1.0, 3.0]
ORACLES = [
    (CrossEntropyLoss, cross_entropy_oracle),
    (
        lambda: CrossEntropyLoss(WEIGHT),
        lambda logits, labels: cross_entropy_oracle(logits, labels, WEIGHT),
    ),
    (DiceLoss, dice_oracle),
    (LovaszSoftmaxLoss, lovasz_softmax_oracle),
    (
        lambda: LovaszSoftmaxLoss(classes="all"),
        lambda logits, labels: lovasz_softmax_oracle(logits, labels, present=False),
    ),
    (
        lambda: MixedLoss([CrossEntropyLoss(), DiceLoss()], [0.75, 2.0]),
        lambda logits, labels: (
            0.75 * cross_entropy_oracle(logits, labels) + 2.0 * dice_oracle(logits, labels)
        ),
    ),
]
IDS = ["cross_entropy", "weighted", "dice", "lovasz_present", "lovasz_all", "mixed"]


@pytest.mark.parametrize("missing_class", [False, True])
@pytest.mark.parametrize(("make", "oracle"), ORACLES, ids=IDS)
def test_value_and_gradient_follow_the_formula(make, oracle, missing_class):
    logits, labels = batch(missing_class=missing_class)
    value, gradient = value_and_gradient(make(), logits, labels)
    assert value == pytest.approx(oracle(logits, labels), rel=1e-5)
    step = 1e-6
    tolerance = 1e-4 * float(np.abs(gradient).max())
    rng = np.random.default_rng(1)
    for place in zip(*(rng.integers(0, size, 25) for size in logits.shape), strict=True):
        higher, lower = logits.astype(np.float64), logits.astype(np.float64)
        higher[place] += step
        lower[place] -= step
        slope = (oracle(higher, labels) - oracle(lower, labels)) / (2 * step)
        assert gradient[place] == pytest.approx(slope, abs=tolerance)


@pytest.mark.parametrize("make", [make for make, _ in ORACLES], ids=IDS)
def test_ignored_pixels_take_no_part(make):
    logits, labels = batch()
    value, gradient = value_and_gradient(make(), logits, labels)
    ignored = np.broadcast_to((labels == 255)[:, None], logits.shape)
    assert np.all(gradient[ignored] == 0)
    assert np.abs(gradient[~ignored]).max() > 0
    other = np.where(ignored, -logits, logits)
    assert value_and_gradient(make(), other, labels)[0] == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("make", [make for make, _ in ORACLES], ids=IDS)
def test_a_batch_that_is_all_ignored_teaches_nothing(make):
    logits, labels = batch()
    value, gradient = value_and_gradient(make(), logits, np.full_like(labels, 255))
    assert np.isfinite(value)
    assert np.all(gradient == 0)


@pytest.mark.parametrize("make", [make for make, _ in ORACLES], ids=IDS)
def test_extreme_logits_stay_finite(make):
    logits, labels = batch()
    value, gradient = value_and_gradient(make(), logits * 1e4, labels)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("scale", [1.0, 8.0])
def test_pixel_cross_entropy_equals_paddles_with_its_gradient(scale):
    rng = np.random.default_rng(3)
    logits = (rng.normal(size=(3, 19, 17, 23)) * scale).astype("float32")
    labels = rng.integers(0, 19, (3, 17, 23))
    labels[rng.random(labels.shape) < 0.1] = 255
    target = paddle.to_tensor(labels)
    factors = paddle.to_tensor(rng.normal(size=labels.shape).astype("float32"))
    results = []
    for ours in (True, False):
        x = paddle.to_tensor(logits, stop_gradient=False)
        # transpose: the logits of a network need not be contiguous
        turned = (x * 1.0).transpose([0, 1, 3, 2])
        turned_target = target.transpose([0, 2, 1])
        if ours:
            losses = pixel_terms(turned, turned_target, ignore_index=255).cross_entropy
        else:
            losses = F.cross_entropy(
                turned, turned_target.unsqueeze(1), ignore_index=255, reduction="none", axis=1
            ).squeeze(1)
        (losses * factors.transpose([0, 2, 1])).sum().backward()
        results.append((losses.numpy(), x.grad.numpy()))
    for mine, plain in zip(*results, strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=2e-6)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_infinite_logits_make_a_loss_that_is_no_number():
    logits, labels = batch()
    logits[0, 1] = np.inf
    value, _ = value_and_gradient(CrossEntropyLoss(), logits, labels)
    assert np.isnan(value)


def test_without_a_gradient_the_value_is_the_same():
    logits, labels = batch()
    value = CrossEntropyLoss()(paddle.to_tensor(logits), paddle.to_tensor(labels)).item()
    assert value == pytest.approx(cross_entropy_oracle(logits, labels), rel=1e-5)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_label_types(dtype):
    logits, labels = batch()
    value, _ = value_and_gradient(CrossEntropyLoss(), logits, labels.astype(dtype))
    assert value == pytest.approx(cross_entropy_oracle(logits, labels), rel=1e-5)


def test_lovasz_extension_is_the_jaccard_loss_at_hard_predictions():
    """Every corner of the cube of errors, for every truth of four pixels."""
    for truth in itertools.product([False, True], repeat=4):
        for mistaken in itertools.product([False, True], repeat=4):
            errors = paddle.to_tensor(np.array(mistaken, dtype="float32"))
            gradient = lovasz_gradient(errors, paddle.to_tensor(np.array(truth)))
            extension = (errors * gradient).sum().item()
            expected = jaccard_loss(np.array(mistaken), np.array(truth))
            assert extension == pytest.approx(expected, abs=1e-6)


def test_lovasz_of_a_single_pixel():
    logits = np.zeros((1, CLASSES, 1, 1), dtype="float32")
    value, _ = value_and_gradient(LovaszSoftmaxLoss(), logits, np.zeros((1, 1, 1), dtype="int64"))
    assert value == pytest.approx(0.75)


def test_lovasz_gradient_sums_to_the_full_jaccard_loss_for_many_pixels():
    rng = np.random.default_rng(0)
    errors = paddle.to_tensor(rng.random(300_000).astype("float32"))
    truth = paddle.to_tensor(rng.random(300_000) < 0.01)
    gradient = lovasz_gradient(errors, truth).numpy()
    assert gradient.min() >= 0
    assert gradient.sum(dtype=np.float64) == pytest.approx(1.0, abs=1e-5)


def test_build_loss_sums_heads_and_parts():
    logits, labels = batch()
    other = batch(seed=7)[0]
    heads, target = [paddle.to_tensor(logits), paddle.to_tensor(other)], paddle.to_tensor(labels)

    def both(oracle):
        return oracle(logits, labels) + 0.4 * oracle(other, labels)

    plain = build_loss(False, [1.0, 0.4])(heads, target).item()
    assert plain == pytest.approx(both(cross_entropy_oracle), rel=1e-5)
    mixed = build_loss(True, [1.0, 0.4])(heads, target).item()
    expected = 0.8 * both(cross_entropy_oracle) + 0.2 * both(lovasz_softmax_oracle)
    assert mixed == pytest.approx(expected, rel=1e-5)
    listed = build_loss(
        [("CrossEntropyLoss", 1), ["DiceLoss", 0.5]], [1.0, 0.4], class_weights=WEIGHT
    )
    expected = both(lambda *args: cross_entropy_oracle(*args, WEIGHT)) + 0.5 * both(dice_oracle)
    assert listed(heads, target).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([("FocalLoss", 1.0)], "FocalLoss"),
        (["CrossEntropyLoss"], "pairs"),
        ([("DiceLoss", "much")], "much"),
        ([], "at least one"),
    ],
)
def test_build_loss_refuses_what_it_does_not_know(parts, words):
    with pytest.raises(InputError, match=words):
        build_loss(parts, [1.0])


def test_counts_of_factors_must_agree():
    with pytest.raises(InputError, match="2 losses but 1 factor;"):
        MixedLoss([DiceLoss(), DiceLoss()], [1.0])
    with pytest.raises(ValueError, match="2 heads"):
        build_loss(False, [1.0])([paddle.zeros([1, 2, 2, 2])] * 2, paddle.zeros([1, 2, 2]))
    with pytest.raises(InputError, match="3 class weights"):
        CrossEntropyLoss([1.0, 2.0, 3.0])(paddle.zeros([1, 2, 2, 2]), paddle.zeros([1, 2, 2]))
