"""What is added to the classes' scores: found where it helps, left alone where it does not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from core.prediction.logit_adjustment import PixelCollector, ScoredPixels, choose_offsets

IMAGES, SIDE = 20, 40


def scored(shift: tuple[float, ...], *, images: int = IMAGES, seed: int = 0) -> ScoredPixels:
    """Pixels of three classes, one of them rare, whose scores are right but for a shift."""
    rng = np.random.default_rng(seed)
    prior = np.array([0.9, 0.08, 0.02])
    collector = PixelCollector(images=images, num_classes=3)
    for _ in range(images):
        mask = rng.choice(3, size=(SIDE, SIDE), p=prior).astype(np.uint8)
        logits = 2.2 * np.eye(3)[mask] + rng.normal(size=(SIDE, SIDE, 3)) + np.log(prior) * 0.3
        odds = np.exp(logits + shift)
        mask[:2] = 255
        collector.add((odds / odds.sum(-1, keepdims=True)).astype(np.float32), mask)
    return collector.pixels()


def miou(pixels: ScoredPixels, offsets: npt.ArrayLike) -> float:
    """Mean IoU by its definition, class by class."""
    chosen = (pixels.scores + np.asarray(offsets)).argmax(1)
    scores = []
    for index in range(3):
        right = (chosen == index) & (pixels.labels == index)
        either = (chosen == index) | (pixels.labels == index)
        scores.append(right.sum() / either.sum())
    return float(np.mean(scores))


def test_scores_that_favour_rare_classes_are_put_right() -> None:
    shift = (0.0, 1.5, 3.0)
    pixels, others = scored(shift), scored(shift, seed=1)
    offsets = choose_offsets(pixels)
    assert offsets is not None
    assert offsets[0] == 0
    assert offsets[2] < offsets[1] < 0
    # Half the way is taken, and helps images that it never saw.
    assert -2.5 < offsets[2] < -0.5
    unshifted = choose_offsets(scored((0, 0, 0)))
    right = miou(scored((0, 0, 0), seed=1), 0.0 if unshifted is None else unshifted)
    assert miou(others, 0.0) + 0.1 < miou(others, offsets) < right
    # The other half is what they would have gained from, too.
    assert miou(others, 2 * offsets) == pytest.approx(right, abs=0.03)


def test_what_is_best_already_stays() -> None:
    shift = (0.0, 1.5, 3.0)
    first = choose_offsets(scored(shift))
    assert first is not None
    pixels = scored(shift)
    mended = ScoredPixels(pixels.scores + 1.2 * first, pixels.labels, pixels.images)
    again = choose_offsets(mended)
    assert again is None or np.abs(again).max() < 1


def test_scores_that_say_nothing_are_left_alone() -> None:
    """What helps on some images by chance does not help on the others."""
    rng = np.random.default_rng(3)
    count = 4000
    pixels = ScoredPixels(
        rng.normal(size=(count, 3)).astype(np.float32),
        rng.integers(0, 3, count).astype(np.uint8),
        (np.arange(count) % 10).astype(np.int32),
    )
    assert choose_offsets(pixels) is None


@pytest.mark.parametrize("images", [0, 1, 7])
def test_few_images_tell_nothing(images: int) -> None:
    collector = PixelCollector(images=max(1, images), num_classes=3)
    assert choose_offsets(collector.pixels()) is None
    if images:
        assert choose_offsets(scored((0, 2, 4), images=images)) is None


def test_a_class_that_few_images_show_keeps_its_score() -> None:
    pixels = scored((0, 1.5, 3.0))
    few = (pixels.labels != 2) | (pixels.images < 3)
    offsets = choose_offsets(pixels.part(few))
    assert offsets is not None
    assert offsets[1] < 0
    assert offsets[2] == 0


def test_no_more_is_kept_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.prediction.logit_adjustment._MOST_SCORES", 600)
    collector = PixelCollector(images=4, num_classes=3)
    for _ in range(4):
        collector.add(np.full((SIDE, SIDE, 3), 1 / 3, np.float32), np.zeros((SIDE, SIDE), np.uint8))
    assert len(collector.pixels().labels) <= 200
    assert np.unique(collector.pixels().images).tolist() == [0, 1, 2, 3]
