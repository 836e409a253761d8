"""A document that goes on with a mask which was saved elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from core.annotation.document import MaskDocument
from core.annotation.polygon import Polygon
from core.annotation.shapes import Outline


def test_a_mask_saved_elsewhere_takes_the_place_of_the_old_one_without_a_step() -> None:
    document = MaskDocument(np.zeros((20, 30), np.uint8), 1)
    ring = Polygon.of([(2.0, 2.0), (12.0, 2.0), (7.0, 12.0)])
    document.add_shape(Outline.of(ring), 1, name="shape")
    shapes = document.layers.shapes
    other = document.mask.copy()
    other[15:, 20:] = 2
    drawn: list[object] = []
    committed: list[object] = []
    document.on_drawn, document.on_committed = drawn.append, committed.append
    document.start_over(other, shapes)
    assert np.array_equal(document.mask, other) and document.mask is not other
    assert document.layers.shapes == shapes
    assert document.undo() is None and document.undo_stack.is_at_start
    assert drawn == [((0, 0, 30, 20),)] and committed == []


def test_a_mask_of_another_size_is_refused() -> None:
    document = MaskDocument(np.zeros((20, 30), np.uint8), 1)
    with pytest.raises(ValueError, match="size"):
        document.start_over(np.zeros((30, 20), np.uint8))
