"""What labels say of themselves."""

from __future__ import annotations

import numpy as np
import pytest

from core.advice.label_facts import read_label_facts


def _facts(masks: list[np.ndarray], num_classes: int = 3):
    return read_label_facts(
        [str(index) for index in range(len(masks))],
        num_classes,
        read=lambda name: masks[int(name)],
    )


def test_objects_are_connected_parts_and_their_side_is_that_of_most_pixels():
    mask = np.zeros((100, 100), np.uint8)
    mask[10:30, 10:30] = 1  # 400 pixels
    mask[60:64, 60:64] = 1
    mask[64, 64] = 1  # touches it by a corner: one object
    mask[80, 80] = 255
    facts = _facts([mask, np.zeros((100, 100), np.uint8)])
    assert [one.objects for one in facts.classes] == [2, 2, 0]
    assert facts.classes[1].side == 20.0
    assert facts.classes[2].side == 0.0
    assert facts.smallest_side == 20.0


def test_large_sets_are_sampled_and_scaled_up():
    read = []

    def mask(name: str) -> np.ndarray:
        read.append(name)
        return np.pad(np.full((2, 2), 1, np.uint8), 3)

    facts = read_label_facts([str(index) for index in range(1000)], 2, read=mask)
    assert len(read) == 200
    assert facts.classes[1].objects == pytest.approx(1000, rel=0.01)


def test_street_scenes_have_an_up_and_a_down_and_surfaces_have_none():
    rng = np.random.default_rng(0)
    street = np.zeros((60, 80), np.uint8)
    street[30:] = 1
    assert _facts([street] * 10).upright
    assert not _facts([street] * 3).upright  # too few to tell
    surfaces = []
    for _ in range(20):
        mask = np.zeros((60, 80), np.uint8)
        row, column = rng.integers(50), rng.integers(70)
        mask[row : row + 10, column : column + 10] = 1
        surfaces.append(mask)
    assert not _facts(surfaces).upright
    ignored = np.full((60, 80), 255, np.uint8)
    assert not _facts([ignored] * 10).upright
