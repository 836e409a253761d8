"""Windows cover an image, and their weights fall towards inner edges only."""

from __future__ import annotations

import numpy as np
import pytest

from core.portable.tiling import blend_weights, window_starts


@pytest.mark.parametrize(
    ("length", "window", "overlap"),
    [(10, 20, 5), (20, 20, 5), (21, 20, 5), (100, 20, 5), (99, 7, 6)],
)
def test_windows_cover_everything(length, window, overlap):
    starts, size = window_starts(length, window, overlap)
    assert starts[0] == 0 and starts[-1] + size == length
    gaps = np.diff(starts)
    assert (gaps > 0).all() and (gaps <= max(1, window - overlap)).all()
    for weights in blend_weights(starts, size, length):
        assert weights.shape == (size,) and (weights > 0).all() and (weights <= 1).all()


def test_weights_fall_towards_inner_edges_only():
    starts, size = window_starts(250, 100, 50)
    first, *inner, last = blend_weights(starts, size, 250)
    assert first[0] == 1 and first[-1] < 0.05 and (np.diff(first) <= 0).all()
    assert last[-1] == 1 and last[0] < 0.05 and (np.diff(last) >= 0).all()
    for weights in inner:
        assert weights[0] < 0.05 and weights[-1] < 0.05 and weights.max() > 0.9
    (alone,) = blend_weights([0], 100, 100)
    assert (alone == 1).all()
