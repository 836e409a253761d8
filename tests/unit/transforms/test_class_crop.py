"""Crops around a random class, whatever the place and size of its pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import transforms as T  # noqa: N812 - PaddleX's habit
from core.system.errors import InputError


def _sample(mask: np.ndarray) -> dict[str, np.ndarray]:
    image = np.repeat(mask[..., None], 3, axis=2).astype(np.uint8)
    return {"image": image, "mask": mask}


@given(
    row=st.integers(0, 29), column=st.integers(0, 44), seed=st.integers(0, 999), scale=st.just(0.3)
)
def test_the_part_holds_the_class_that_was_drawn(row, column, seed, scale):
    mask = np.full((30, 45), 255, np.uint8)
    mask[row, column] = 4  # the only class: it must be in every part, even in a corner
    crop = T.RandomClassCrop(prob=1.0, scaling=(scale, 1.0))
    out = crop(_sample(mask), np.random.default_rng(seed))
    assert out["image"].shape == (30, 45, 3)
    assert out["mask"].shape == (30, 45)
    assert (out["mask"] == 4).any()


def test_a_class_of_few_pixels_is_drawn_as_often_as_the_background():
    mask = np.zeros((100, 100), np.uint8)
    mask[3, 96] = 1
    crop = T.RandomClassCrop(prob=1.0, scaling=(0.1, 0.1))
    seen = [(crop(_sample(mask), np.random.default_rng(i))["mask"] == 1).any() for i in range(300)]
    assert 0.4 < np.mean(seen) < 0.6


def test_nothing_changes_without_classes_or_without_luck():
    ignored = _sample(np.full((8, 8), 255, np.uint8))
    rng = np.random.default_rng(0)
    assert T.RandomClassCrop(prob=1.0)(ignored, rng)["image"] is ignored["image"]
    labelled = _sample(np.zeros((8, 8), np.uint8))
    assert T.RandomClassCrop(prob=0.0)(labelled, rng)["image"] is labelled["image"]
    assert T.RandomClassCrop(prob=1.0)({"image": labelled["image"]}, rng)["trace"] == []


@pytest.mark.parametrize("scaling", [(0, 1), (0.5, 0.2), (0.5, 1.5), 0.5])
def test_impossible_sizes_are_refused(scaling):
    with pytest.raises(InputError, match="scaling"):
        T.RandomClassCrop(scaling=scaling)
