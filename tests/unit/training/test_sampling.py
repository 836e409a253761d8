"""Which images an epoch shows."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from core.training.data_loader import BatchLoader
from core.training.sampling import ImageSampler


def _dataset(masks: list[np.ndarray], *, shuffle: bool = True):
    def get(index, rng):
        return np.full((3, 2, 2), rng.random(), np.float32), np.zeros((2, 2), np.int64)

    class Dataset(SimpleNamespace):
        def __len__(self) -> int:
            return len(masks)

    return Dataset(
        shuffle=shuffle,
        num_classes=3,
        num_workers=0,
        read_mask=lambda index: masks[index],
        get=get,
    )


@pytest.fixture
def rare():
    """40 images of background, one of which shows class 2 and ten class 1."""
    masks = [np.zeros((4, 4), np.uint8) for _ in range(40)]
    masks[7][0, 0] = 2
    for index in range(20, 30):
        masks[index][1, 1] = 1
    return _dataset(masks)


def _draws(sampler: ImageSampler, epochs: int = 40) -> Counter[int]:
    return Counter(index for epoch in range(epochs) for index, _ in sampler.epoch(epoch))


def test_each_image_once_where_nothing_else_is_asked(rare):
    sampler = ImageSampler(rare, batch_size=8, seed=3)
    assert sampler.steps_per_epoch == 5
    for epoch in range(3):
        drawn = sampler.epoch(epoch)
        assert sorted(index for index, _ in drawn) == list(range(40))
        assert {again for _, again in drawn} == {0}
    assert sampler.epoch(0) == ImageSampler(rare, batch_size=8, seed=3).epoch(0)
    assert sampler.epoch(0) != sampler.epoch(1)


def test_a_class_in_one_image_is_drawn_as_often_as_one_in_ten(rare):
    counts = _draws(ImageSampler(rare, sampling="balanced", batch_size=8, seed=3))
    plain = np.mean([counts[index] for index in range(10, 20)])
    rarest, rarer = counts[7], sum(counts[index] for index in range(20, 30))
    assert rarest > 10 * plain
    assert 0.6 < rarest / (rarer - 10 * plain) < 1.6
    assert min(counts[index] for index in range(40)) > 0  # everything is still seen


def test_epochs_of_any_length(rare):
    sampler = ImageSampler(rare, sampling="balanced", epoch_images=100, batch_size=8, seed=0)
    assert sampler.steps_per_epoch == 12
    drawn = sampler.epoch(5)
    assert len(drawn) == 96
    assert len(set(drawn)) == 96  # each repetition knows which one it is
    short = ImageSampler(rare, epoch_images=16, batch_size=8, seed=0)
    assert len({index for index, _ in short.epoch(0)}) == 16


def test_an_image_drawn_again_is_changed_otherwise(rare):
    loader = BatchLoader(rare, batch_size=8, seed=1, epoch_images=80)
    values = np.concatenate([images.numpy()[:, 0, 0, 0] for images, _ in loader.batches(0)])
    assert len(values) == 80
    assert len(np.unique(values)) == 80


def test_classes_that_all_images_show_are_not_drawn_for():
    sampler = ImageSampler(
        _dataset([np.zeros((2, 2), np.uint8)] * 12), sampling="balanced", batch_size=4, seed=0
    )
    assert sorted(index for index, _ in sampler.epoch(0)) == list(range(12))
