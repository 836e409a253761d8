"""Scissors on the canvas: how far an anchor goes to an edge depends on the zoom."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_parts import DISC, SHIFT, Bench

from app.canvas.tools.scissors_tool import ScissorsTool


@pytest.fixture
def bench(qapp):
    made = Bench()
    yield made
    made.close()


@pytest.mark.parametrize(("scale", "stays"), [(1.0, False), (8.0, True)])
def test_who_has_zoomed_in_gets_the_pixel_that_was_clicked(bench, qtbot, scale, stays) -> None:
    tool = bench.take("scissors")
    assert isinstance(tool, ScissorsTool)
    x, y, radius = DISC
    place = (x + radius + 3, y)
    bench.view.viewport.zoom_to(scale)
    bench.view.viewport.center_on(*place)
    bench.click(*place)
    bench.settle(qtbot)
    (anchor,) = tool._anchors
    assert (anchor == (place[0] + 0.5, place[1] + 0.5)) is stays


def test_shift_draws_a_straight_piece_that_follows_no_edge(bench, qtbot) -> None:
    tool = bench.take("scissors")
    x, y, radius = DISC
    bench.click(x - radius, y)
    bench.settle(qtbot)
    bench.move(x + radius, y)
    assert np.abs(tool._path[:, 1] - y).max() > radius / 2  # along the disc's edge
    bench.move(x + radius, y, keys=SHIFT)
    start, end = tool._path.tolist()
    assert start[0] < x < end[0]
    bench.click(x + radius, y + 3, keys=SHIFT)
    bench.settle(qtbot)
    assert tool._anchors[1] == (x + radius + 0.5, y + 3.5)
    assert len(tool._outline) == 2
